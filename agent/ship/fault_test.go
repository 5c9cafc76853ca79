package ship

import (
	"slices"
	"testing"
	"time"

	status "logctl/agent/state"
	"logctl/internal/testkit"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestProduceErrors answers batches with each error code a few times, in the
// middle of a stream, and looks for every line once and in order.
func TestProduceErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err    *kerr.Error
		count  int
		state  status.Code // that the topic must show meanwhile; "": none must
		resets uint64      // sequences begun anew, at least
		splits uint64
	}{
		{err: kerr.UnknownServerError, count: 3},
		{err: kerr.CorruptMessage, count: 3},
		{err: kerr.UnknownTopicOrPartition, count: 3},
		{err: kerr.LeaderNotAvailable, count: 3},
		{err: kerr.NotLeaderForPartition, count: 3},
		{err: kerr.RequestTimedOut, count: 3},
		{err: kerr.BrokerNotAvailable, count: 1},
		{err: kerr.ReplicaNotAvailable, count: 1},
		{err: kerr.MessageTooLarge, count: 2, splits: 1},
		{err: kerr.NetworkException, count: 3},
		{err: kerr.CoordinatorLoadInProgress, count: 2},
		{err: kerr.InvalidTopicException, count: 1, state: status.Refused},
		{err: kerr.RecordListTooLarge, count: 2, splits: 1},
		{err: kerr.NotEnoughReplicas, count: 8, state: status.FewReplicas},
		{err: kerr.NotEnoughReplicasAfterAppend, count: 3},
		{err: kerr.InvalidRequiredAcks, count: 1, state: status.Refused},
		{err: kerr.TopicAuthorizationFailed, count: 2, state: status.TopicDenied},
		{err: kerr.ClusterAuthorizationFailed, count: 1, state: status.TopicDenied},
		{err: kerr.InvalidTimestamp, count: 2},
		{err: kerr.UnsupportedForMessageFormat, count: 1, state: status.Refused},
		{err: kerr.PolicyViolation, count: 1, state: status.Refused},
		{err: kerr.OutOfOrderSequenceNumber, count: 3, resets: 1},
		{err: kerr.DuplicateSequenceNumber, count: 0}, // says that it is stored: see TestAmbiguousAcks
		{err: kerr.InvalidProducerEpoch, count: 3, resets: 1},
		{err: kerr.InvalidTxnState, count: 1, resets: 1},
		{err: kerr.InvalidProducerIDMapping, count: 1, resets: 1},
		{err: kerr.ConcurrentTransactions, count: 1},
		{err: kerr.KafkaStorageError, count: 8, state: status.StorageError},
		{err: kerr.LogDirNotFound, count: 1},
		{err: kerr.UnknownProducerID, count: 3, resets: 1},
		{err: kerr.FencedLeaderEpoch, count: 2},
		{err: kerr.UnknownLeaderEpoch, count: 2},
		{err: kerr.UnsupportedCompressionType, count: 1, state: status.Refused},
		{err: kerr.InvalidRecord, count: 1, state: status.Refused},
		{err: kerr.ThrottlingQuotaExceeded, count: 2},
		{err: kerr.ProducerFenced, count: 1, resets: 1},
		{err: kerr.UnknownTopicID, count: 1},
		{err: kerr.InconsistentTopicID, count: 1},
	}
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k)
	for _, tt := range tests {
		t.Run(tt.err.Message, func(t *testing.T) {
			if tt.count == 0 {
				if got := react(46); got.act != actDone {
					t.Fatalf("reaction %+v", got)
				}
				return
			}
			r.t = t
			topic := k.Topic(t, 1)
			before := r.Producer.Stats()
			r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
			r.drain()
			fault := k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: tt.err, Count: tt.count})
			defer fault.Remove()
			for i := 1; i < 5; i++ {
				r.send(r.bundle(topic, "a", numbered("a", i*10, i*10+10)...))
				r.send(r.bundle(topic, "b", numbered("b", i*10-10, i*10)...))
			}
			r.drain()
			if got := fault.Hits(); got != tt.count {
				t.Errorf("%d of %d faults were met", got, tt.count)
			}
			r.check(topic, map[string]int{"a": 50, "b": 40})
			stats := r.Producer.Stats()
			if stats.Resets-before.Resets < tt.resets {
				t.Errorf("%d resets", stats.Resets-before.Resets)
			}
			if (stats.Resets == before.Resets) != (tt.resets == 0) {
				t.Errorf("%d resets, want %d", stats.Resets-before.Resets, tt.resets)
			}
			if stats.Splits-before.Splits < tt.splits {
				t.Errorf("%d splits", stats.Splits-before.Splits)
			}
			testkit.Eventually(t, "the topic is well again", func() bool { return r.Topic(topic).State == "" })
			if states := r.seen(topic); tt.state != "" && !slices.Contains(states, tt.state) {
				t.Errorf("states %q, want %q among them", states, tt.state)
			}
		})
	}
}

func TestAmbiguousAcks(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Proxied())
	r := start(t, k)
	topic := k.Topic(t, 3)
	proxy := k.Proxies()[0]
	want := map[string]int{}
	for _, key := range []string{"a", "b", "c", "d"} { // producer ids come over the same proxy
		r.send(r.bundle(topic, key, numbered(key, 0, 50)...))
		want[key] += 50
	}
	r.drain()
	for round := 1; round < 20; round++ {
		switch round % 4 {
		case 1:
			proxy.DropResponses(true)
		case 3:
			proxy.Delay(50 * time.Millisecond)
		}
		for _, key := range []string{"a", "b", "c", "d"} {
			r.send(r.bundle(topic, key, numbered(key, round*50, round*50+50)...))
			want[key] += 50
		}
		if round%4 == 1 || round%4 == 3 {
			testkit.Eventually(t, "a request is out", func() bool {
				s := r.Producer.Stats()
				return s.InFlightBytes > 0 || s.BufferedBytes == 0
			})
			proxy.Cut()
			proxy.DropResponses(false)
			proxy.Delay(0)
		}
	}
	r.drain()
	r.check(topic, want)
	if s := r.Producer.Stats(); s.Retries == 0 {
		t.Errorf("nothing was sent twice: %+v", s)
	}
}

func TestHungBroker(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Brokers(2), testkit.Proxied())
	r := start(t, k)
	topic := k.Topic(t, 2)
	for p := range int32(2) {
		if err := k.Cluster().MoveTopicPartition(topic, p, p); err != nil {
			t.Fatal(err)
		}
	}
	keys := keysOf(r, topic, 2)
	for _, key := range keys {
		r.send(r.bundle(topic, key, numbered(key, 0, 10)...))
	}
	r.drain()
	k.Proxies()[1].Stall(true)
	r.send(r.bundle(topic, keys[1], numbered(keys[1], 10, 20)...))
	acked, n := int64(20), 10
	testkit.Soon(t, 2*time.Second, "a batch to the other broker", func() time.Duration {
		r.send(r.bundle(topic, keys[0], numbered(keys[0], n, n+10)...))
		n += 10
		acked += 10
		return testkit.Took(func() {
			testkit.Eventually(t, "the other broker goes on", func() bool { return r.acked.Load() == acked })
		})
	})
	testkit.Eventually(t, "the topic says so", func() bool { return r.Topic(topic).State == status.KafkaUnreachable })
	if err := k.Cluster().MoveTopicPartition(topic, 1, 0); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the new leader gets it", func() bool { return r.acked.Load() == acked+10 })
	k.Proxies()[1].Stall(false)
	r.drain()
	r.check(topic, map[string]int{keys[0]: n, keys[1]: 20})
}

// keysOf returns one key for each of n partitions.
func keysOf(r *rig, topic string, n int) []string {
	r.t.Helper()
	r.MaxRecord(topic)
	testkit.Eventually(r.t, "the topic is known", func() bool {
		r.Producer.mu.Lock()
		defer r.Producer.mu.Unlock()
		return len(r.Producer.topic(topic).parts) == n
	})
	r.Producer.mu.Lock()
	defer r.Producer.mu.Unlock()
	keys := make([]string, n)
	for i, found := 0, 0; found < n; i++ {
		key := "key" + string(rune('a'+i))
		if id := r.Producer.topic(topic).choose(key).id; keys[id] == "" {
			keys[id] = key
			found++
		}
	}
	return keys
}
