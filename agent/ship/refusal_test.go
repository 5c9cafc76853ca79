package ship

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	status "logctl/agent/state"
	"logctl/internal/testkit"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// refusal is what a broker says of a batch that it does not store; the zero value: it
// stores it.
type refusal struct {
	code    int16
	message string
	record  string // of the first record refused
}

// judge has the broker ask of every uncompressed batch whether it takes the times of its
// records, as a real one does that has limits for them.
func judge(t *testing.T, k *testkit.KafkaServer, take func(times []time.Time) refusal) {
	t.Helper()
	k.Cluster().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		produce := req.(*kmsg.ProduceRequest) //nolint:forcetypeassert // of that key
		res := produce.ResponseKind().(*kmsg.ProduceResponse)
		refused := false
		for _, pt := range produce.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic = pt.Topic
			for _, pp := range pt.Partitions {
				r := take(timesOf(t, pp.Records))
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = pp.Partition, r.code
				if r.code != 0 {
					refused = true
					rp.ErrorMessage = kmsg.StringPtr(r.message)
					rr := kmsg.NewProduceResponseTopicPartitionErrorRecord()
					rr.ErrorMessage = kmsg.StringPtr(r.record)
					rp.ErrorRecords = append(rp.ErrorRecords, rr)
				}
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, refused
	})
}

// timesOf are the times of the records of a batch.
func timesOf(t *testing.T, raw []byte) []time.Time {
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil {
		t.Errorf("batch: %v", err)
		return nil
	}
	var out []time.Time
	for rest := b.Records; len(rest) > 0; {
		size, n := binary.Varint(rest)
		body := rest[n : n+int(size)]
		delta, _ := binary.Varint(body[1:])
		out = append(out, time.UnixMilli(b.FirstTimestamp+delta))
		rest = rest[n+int(size):]
	}
	return out
}

const invalidTimestamp, invalidRecord = 32, 87

func uncompressed(c *Config) { c.Compression = "none" }

// TestOldLinesAfterAnOutage sends lines whose times span more than the topic takes: they
// get the present time, keep the time of reading in a header, and arrive.
func TestOldLinesAfterAnOutage(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, uncompressed)
	topic := k.Topic(t, 1)
	const limit = time.Minute
	var refused atomic.Int32
	judge(t, k, func(times []time.Time) refusal {
		now := time.Now()
		for _, at := range times {
			if at.Before(now.Add(-limit)) || at.After(now.Add(limit)) {
				refused.Add(1)
				return refusal{invalidTimestamp, "One or more records have been rejected due to invalid timestamp", "out of range"}
			}
		}
		return refusal{}
	})
	read := time.Now()
	for i, age := range []time.Duration{time.Hour, 30 * time.Minute, 2 * time.Minute, 0} {
		b := r.bundle(topic, "a", numbered("a", i*10, i*10+10)...)
		b.Time = read.Add(-age)
		r.send(b)
	}
	r.drain()
	r.check(topic, map[string]int{"a": 40})
	for i, rec := range k.Read(t, topic) {
		got, old := rec.Headers[readAtKey], i < 30
		if old != (got != "") {
			t.Errorf("record %d: %s %q", i, readAtKey, got)
		}
		if i == 0 && got != strconv.FormatInt(read.Add(-time.Hour).UnixMilli(), 10) {
			t.Errorf("time of reading %q", got)
		}
	}
	before := refused.Load()
	if before == 0 {
		t.Fatal("nothing was refused")
	}
	for i := 4; i < 8; i++ { // that such lines are refused is known by now
		b := r.bundle(topic, "a", numbered("a", i*10, i*10+10)...)
		b.Time = time.Now().Add(-2 * time.Hour)
		r.send(b)
		r.drain()
	}
	if n := refused.Load() - before; n > 0 {
		t.Errorf("%d batches more were refused", n)
	}
	r.check(topic, map[string]int{"a": 80})
	if states := r.seen(topic); len(states) > 0 {
		t.Errorf("states %q, although it heals by itself", states)
	}
}

// TestOldLinesWhoseRetriesWait has a topic that takes times of the last moment only, after
// failures that made retries slow: the time that a line gets is that of its next attempt.
func TestOldLinesWhoseRetriesWait(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, uncompressed)
	topic := k.Topic(t, 1)
	tries := 0
	judge(t, k, func(times []time.Time) refusal {
		if tries++; tries <= 7 {
			return refusal{code: int16(sarama.ErrNotEnoughReplicas)}
		}
		for _, at := range times {
			if at.Before(time.Now().Add(-restampSpan - 50*time.Millisecond)) {
				return refusal{invalidTimestamp, "One or more records have been rejected due to invalid timestamp", "out of range"}
			}
		}
		return refusal{}
	})
	b := r.bundle(topic, "a", numbered("a", 0, 10)...)
	b.Time = time.Now().Add(-time.Hour)
	r.send(b)
	r.drain()
	r.check(topic, map[string]int{"a": 10})
}

// TestClockAhead has a broker whose clock is two hours behind ours.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, uncompressed)
	topic := k.Topic(t, 1, "message.timestamp.after.max.ms", "3600000")
	var mended atomic.Bool
	judge(t, k, func(times []time.Time) refusal {
		clock := time.Now().Add(-2 * time.Hour)
		if mended.Load() || !times[0].After(clock.Add(time.Hour)) {
			return refusal{}
		}
		return refusal{invalidTimestamp, "One or more records have been rejected due to invalid timestamp",
			fmt.Sprintf("Timestamp %d of message with offset 0 is out of range. The timestamp should be within [%d, %d]",
				times[0].UnixMilli(), clock.UnixMilli()-1<<60, clock.Add(time.Hour).UnixMilli())}
	})
	r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
	testkit.Eventually(t, "the clock is named", func() bool {
		s := r.Topic(topic)
		return s.State == status.ClockDiffers && strings.Contains(s.Err, "this host's clock is about 2h0m0s ahead of the broker's")
	})
	mended.Store(true)
	r.drain()
	r.check(topic, map[string]int{"a": 10})
	testkit.Eventually(t, "the topic is well again", func() bool { return r.Topic(topic).State == "" })
}

func TestSkewOf(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000_000)
	day := topicSettings{before: 24 * time.Hour, after: time.Hour}
	for _, tt := range []struct {
		text  string
		s     topicSettings
		skew  time.Duration
		exact bool
	}{
		{"within [-5, 996400000]", day, 2 * time.Hour, true},
		{"within [-5, 996400000]", topicSettings{}, time.Hour, false},
		{"within [1003600000, 2000000000]", day, -25 * time.Hour, true},
		{"within [1, 2000000000]", day, 0, false},
		{"within [x, y]", day, 0, false},
		{"", day, 0, false},
	} {
		if skew, exact := skewOf(tt.text, now, tt.s); skew != tt.skew || exact != tt.exact {
			t.Errorf("%q: %v, %v", tt.text, skew, exact)
		}
	}
}

// TestCompactedTopic knows a compacted topic by what the broker says, and heals when the
// topic is changed.
func TestCompactedTopic(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	r := start(t, k, uncompressed)
	topic := k.Topic(t, 1)
	var changed atomic.Bool
	judge(t, k, func([]time.Time) refusal {
		if changed.Load() {
			return refusal{}
		}
		return refusal{invalidRecord, "One or more records have been rejected", "Compacted topic cannot accept message without key in topic partition x-0."}
	})
	r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
	testkit.Eventually(t, "the reason is said", func() bool {
		s := r.Topic(topic)
		return s.State == status.TopicCompacted && strings.Contains(s.Err, "cleanup.policy=delete")
	})
	changed.Store(true)
	r.drain()
	r.check(topic, map[string]int{"a": 10})
}

// TestQuota has the broker store what it gets and ask for silence: the topic is slow, not in
// trouble.
func TestQuota(t *testing.T) {
	t.Parallel()
	p, part := offline(t)
	part.t.throttled(p.tune.showAfter - 1)
	if s := part.t.status; s.State != "" {
		t.Errorf("a short pause: %+v", s)
	}
	part.t.throttled(29 * time.Second)
	if s := part.t.status; s.State != status.Throttled || !s.Slow || !strings.Contains(s.Err, "29s") || part.t.dead {
		t.Errorf("%+v", s)
	}
	part.t.throttled(0)
	if s := part.t.status; s.State != "" {
		t.Errorf("over: %+v", s)
	}
}

// TestHiddenLines acknowledges lines with acks = leader that fewer replicas hold than
// readers may see them from.
func TestHiddenLines(t *testing.T) {
	t.Parallel()
	p, part := offline(t)
	p.acks = sarama.WaitForLocal
	part.t.settings.minReplicas = 2
	m := &sarama.TopicMetadata{Partitions: []*sarama.PartitionMetadata{{ID: 3, Replicas: []int32{1, 2}, Isr: []int32{1}}}}
	if why := part.t.unseen(m); why.state != status.FewReplicas || !strings.Contains(why.err, "partition 3") || !strings.Contains(why.err, "readers may not see them") {
		t.Errorf("%+v", why)
	}
	m.Partitions[0].Isr = []int32{1, 2}
	if why := part.t.unseen(m); why.state != "" {
		t.Errorf("all in sync: %+v", why)
	}
	m.Partitions[0].Replicas, m.Partitions[0].Isr = []int32{1}, []int32{1} // the effective minimum is then one
	if why := part.t.unseen(m); why.state != "" {
		t.Errorf("one replica: %+v", why)
	}
}

// TestKafkaStopsInOrder ends the brokers as SIGTERM does: first the partitions have no leader,
// then nobody answers. Both are said, also for a topic that has no lines to send.
func TestKafkaStopsInOrder(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Restartable())
	r := start(t, k)
	busy, quiet := k.Topic(t, 1), k.Topic(t, 1)
	r.send(r.bundle(busy, "a", numbered("a", 0, 10)...))
	r.send(r.bundle(quiet, "b", numbered("b", 0, 10)...))
	r.drain()
	fault := k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: busy, Err: kerr.LeaderNotAvailable, Count: -1})
	produce := k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: busy, Err: kerr.NotLeaderForPartition, Count: -1})
	r.send(r.bundle(busy, "a", numbered("a", 10, 20)...))
	testkit.Eventually(t, "no leader", func() bool { return r.Topic(busy).State == status.WaitingForLeader })
	k.Stop()
	testkit.Eventually(t, "the cluster is away", func() bool {
		c := r.Producer.Stats().Cluster
		return c.Code == status.KafkaUnreachable && !c.Since.IsZero() && c.Detail != ""
	})
	fault.Remove()
	produce.Remove()
	k.Start(t)
	r.drain()
	r.check(busy, map[string]int{"a": 20})
	testkit.Eventually(t, "all is well", func() bool {
		return r.Producer.Stats().Cluster.Code == "" && r.Topic(busy).State == "" && r.Topic(quiet).State == ""
	})
}

// TestSettingsLearnedLate has the topic's settings arrive after a refusal: what the refusal
// taught holds until the limit itself changes.
func TestSettingsLearnedLate(t *testing.T) {
	t.Parallel()
	top := &topic{name: "t", tooOld: time.Hour}
	now := time.Now()
	limit := func(ms string) map[string]string {
		return map[string]string{"message.timestamp.before.max.ms": ms}
	}
	for _, tt := range []struct {
		settings map[string]string
		want     time.Duration
	}{
		{limit("3600000"), time.Hour}, // first heard of
		{limit("3600000"), time.Hour},
		{limit("7200000"), 0}, // changed: it may be taken now
	} {
		top.configure(tt.settings, now)
		if top.tooOld != tt.want {
			t.Fatalf("after %v: refused age %v, want %v", tt.settings, top.tooOld, tt.want)
		}
	}
}
