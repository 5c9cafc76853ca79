package ship

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	status "logctl/agent/state"
	"logctl/internal/testkit"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestTopicCreatedLater(t *testing.T) {
	t.Parallel()
	r := start(t, testkit.Kafka(t))
	missing, there := r.k.TopicName(t), r.k.Topic(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waits := make(chan error, 1)
	go func() { waits <- r.Send(ctx, r.bundle(missing, "a", "a 0")) }()
	testkit.Eventually(t, "the topic is said to be missing", func() bool { return r.Topic(missing).State == status.TopicMissing })
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Fatalf("send to a missing topic: %v, want it to wait for the topic", err)
	}
	if got := r.Topic(missing); got.State != status.TopicMissing || !strings.Contains(got.Err, missing) {
		t.Errorf("status %+v", got)
	}
	r.send(r.bundle(there, "b", numbered("b", 0, 10)...)) // the others are not held up
	r.drain()
	sent := make(chan error, 1)
	go func() { sent <- r.Send(t.Context(), r.bundle(missing, "a", numbered("a", 0, 10)...)) }()
	r.k.Create(t, missing, 2)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	r.drain()
	r.check(missing, map[string]int{"a": 10})
	r.check(there, map[string]int{"b": 10})
	if got := r.seen(missing); !slices.Equal(got, []status.Code{status.TopicMissing, ""}) {
		t.Errorf("states %q", got)
	}
}

func TestTopicCreatedAnew(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	r := start(t, k)
	topic := k.Topic(t, 3)
	keys := keysOf(r, topic, 3)
	for _, key := range keys {
		r.send(r.bundle(topic, key, numbered(key, 0, 10)...))
	}
	r.drain()
	k.Delete(t, topic)
	for _, key := range keys {
		r.send(r.bundle(topic, key, numbered(key, 0, 10)...))
	}
	testkit.Eventually(t, "the topic is missing", func() bool { return r.Topic(topic).State == status.TopicMissing })
	k.Create(t, topic, 1) // with fewer partitions: what waited for the others moves
	for _, key := range keys {
		r.send(r.bundle(topic, key, numbered(key, 10, 20)...))
	}
	r.drain()
	r.check(topic, map[string]int{keys[0]: 20, keys[1]: 20, keys[2]: 20})
	testkit.Eventually(t, "the topic is well", func() bool { return r.Topic(topic).State == "" })
}

func TestPartitionsAdded(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	r := start(t, k)
	topic := k.Topic(t, 1)
	r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
	r.drain()
	k.AddPartitions(t, topic, 4)
	testkit.Eventually(t, "new keys use the new partitions", func() bool {
		r.send(r.bundle(topic, "a", "x"))
		r.Producer.mu.Lock()
		defer r.Producer.mu.Unlock()
		return len(r.Producer.topics[topic].parts) == 4
	})
	r.drain()
	keys := keysOf(r, topic, 4)
	for _, key := range keys {
		r.send(r.bundle(topic, key, numbered(key, 0, 10)...))
	}
	r.drain()
	used := map[int32]int{}
	for _, rec := range k.Read(t, topic) {
		if rec.Value != "x" && !strings.HasPrefix(rec.Value, "a ") {
			used[rec.Partition]++
		}
	}
	if len(used) != 4 {
		t.Errorf("records by partition: %v", used)
	}
}

func TestLeaderMoves(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Brokers(3))
	r := start(t, k)
	topic := k.Topic(t, 3)
	want := map[string]int{}
	for round := range 30 {
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			r.send(r.bundle(topic, key, numbered(key, round*20, round*20+20)...))
			want[key] += 20
		}
		k.Cluster().ShufflePartitionLeaders()
	}
	r.drain()
	r.check(topic, want)
}

func TestBrokerReplaced(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Brokers(2))
	r := start(t, k)
	topic := k.Topic(t, 2)
	keys := keysOf(r, topic, 2)
	for p := range int32(2) {
		if err := k.Cluster().MoveTopicPartition(topic, p, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range keys {
		r.send(r.bundle(topic, key, numbered(key, 0, 10)...))
	}
	r.drain()
	if _, _, err := k.Cluster().AddNode(7, 0); err != nil {
		t.Fatal(err)
	}
	if err := k.Cluster().MoveTopicPartition(topic, 1, 7); err != nil {
		t.Fatal(err)
	}
	if err := k.Cluster().RemoveNode(1); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		r.send(r.bundle(topic, key, numbered(key, 10, 20)...))
	}
	r.drain()
	r.check(topic, map[string]int{keys[0]: 20, keys[1]: 20})
	testkit.Eventually(t, "the old broker is forgotten", func() bool {
		r.send(r.bundle(topic, keys[0], keys[0]+" 20"))
		r.Producer.mu.Lock()
		defer r.Producer.mu.Unlock()
		return r.Producer.brokers[1] == nil
	})
}

func TestOutage(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Restartable())
	topic := k.Topic(t, 2)
	r := start(t, k)
	for i := range 3 {
		r.send(r.bundle(topic, "a", numbered("a", i*20, i*20+10)...))
		r.drain()
		k.Stop()
		r.send(r.bundle(topic, "a", numbered("a", i*20+10, i*20+20)...))
		testkit.Eventually(t, "kafka is said to be unreachable", func() bool {
			return r.Topic(topic).State == status.KafkaUnreachable && strings.HasPrefix(r.Producer.Stats().Brokers, string(status.KafkaUnreachable))
		})
		k.Start(t)
	}
	r.drain()
	r.check(topic, map[string]int{"a": 60})
	if s := r.Producer.Stats(); s.Brokers != "ok" {
		t.Errorf("brokers %q", s.Brokers)
	}
}

// TestOutageBeforeTheFirstLine: the topic is known, nothing was ever sent to it, and Kafka
// is gone when its first line comes.
func TestOutageBeforeTheFirstLine(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Restartable())
	topic := k.Topic(t, 2)
	r := start(t, k)
	r.MaxRecord(topic)
	testkit.Eventually(t, "the topic is known", func() bool {
		r.Producer.mu.Lock()
		defer r.Producer.mu.Unlock()
		return len(r.Producer.topics[topic].parts) == 2
	})
	k.Stop()
	r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
	testkit.Eventually(t, "kafka is said to be unreachable", func() bool {
		return r.Topic(topic).State == status.KafkaUnreachable
	})
	k.Start(t)
	r.drain()
	testkit.Eventually(t, "nothing is said to be wrong", func() bool { return r.Topic(topic).State == "" })
	r.check(topic, map[string]int{"a": 10})
}

func TestStartBeforeKafka(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Restartable())
	topic := k.Topic(t, 2)
	k.Stop()
	r := start(t, k)
	sent := make(chan error, 1)
	go func() { sent <- r.Send(t.Context(), r.bundle(topic, "a", numbered("a", 0, 10)...)) }()
	testkit.Eventually(t, "kafka is said to be unreachable", func() bool {
		return r.Topic(topic).State == status.KafkaUnreachable
	})
	k.Start(t)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	r.drain()
	r.check(topic, map[string]int{"a": 10})
}

func TestPermissionGrantedLater(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded(kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "admin", "secret"), kfake.User("PLAIN", "agent", "secret")))
	admin := k.As(k.ConfigSASL(t, "PLAIN", "admin", "secret"))
	topic := k.Topic(t, 1)
	r := start(t, k, func(c *Config) { c.Kafka = k.ConfigSASL(t, "PLAIN", "agent", "secret") })
	sent := make(chan error, 1)
	go func() { sent <- r.Send(t.Context(), r.bundle(topic, "a", numbered("a", 0, 10)...)) }()
	// Describe is denied, then Describe is there and the producer id is denied.
	want := func(state status.Code) {
		t.Helper()
		testkit.Eventually(t, "state "+string(state), func() bool { return r.Topic(topic).State == state })
	}
	testkit.Eventually(t, "denied or hidden", func() bool {
		s := r.Topic(topic).State
		return s == status.TopicDenied || s == status.TopicMissing
	})
	admin.Grant(t, "User:agent", topic, sarama.AclOperationDescribe)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	want(status.TopicDenied)
	if s := r.Topic(topic); !strings.Contains(s.Err, "Write") {
		t.Errorf("status %+v does not name the right", s)
	}
	admin.Grant(t, "User:agent", topic, sarama.AclOperationWrite)
	r.drain()
	want("")
	r.k = admin
	r.check(topic, map[string]int{"a": 10})
}

func TestAcksLeader(t *testing.T) {
	t.Parallel()
	r := start(t, testkit.Kafka(t), func(c *Config) { c.Acks = "leader" })
	topic := r.k.Topic(t, 1)
	for i := range 10 {
		r.send(r.bundle(topic, "a", numbered("a", i*10, i*10+10)...))
	}
	r.drain()
	// On a real cluster readers see it once the replicas have it, too.
	testkit.Eventually(t, "all records can be read", func() bool { return len(r.k.Read(t, topic)) >= 100 })
	r.check(topic, map[string]int{"a": 100})
}

func TestPartitioners(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"random", "round_robin"} {
		r := start(t, testkit.Kafka(t), func(c *Config) { c.Partitioner = name })
		topic := r.k.Topic(t, 3)
		for range 60 {
			r.send(r.bundle(topic, "a", "x"))
		}
		r.drain()
		used := map[int32]int{}
		for _, rec := range r.k.Read(t, topic) {
			used[rec.Partition]++
		}
		if used[0]+used[1]+used[2] != 60 || len(used) != 3 {
			t.Errorf("%s: records by partition %v", name, used)
		}
	}
}

// TestStaleMetadata shows a topic with fewer partitions than it had: only when it is
// another topic by now do those that are missing give away what they hold.
func TestStaleMetadata(t *testing.T) {
	t.Parallel()
	p, _ := offline(t)
	topic := p.topics["t"]
	answer := func(id byte, partitions int32) *sarama.TopicMetadata {
		m := &sarama.TopicMetadata{Name: "t", Uuid: sarama.Uuid{id}}
		for i := range partitions {
			m.Partitions = append(m.Partitions, &sarama.PartitionMetadata{ID: i, Leader: -1})
		}
		return m
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, step := range []struct {
		id         byte
		partitions int32
		want       int
	}{{1, 3, 3}, {1, 1, 3}, {1, 4, 4}, {2, 2, 2}, {0, 1, 1}} {
		topic.learn(answer(step.id, step.partitions), time.Now())
		if n := len(topic.parts); n != step.want {
			t.Errorf("%d partitions of topic %d: %d are used, want %d", step.partitions, step.id, n, step.want)
		}
	}
}
