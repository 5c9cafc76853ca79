package e2e

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
)

// TestKafkaTopicMissing lets one topic of three be missing: a line of the other two
// costs no more than without that entry, and when the topic is created its lines come,
// without a restart.
func TestKafkaTopicMissing(t *testing.T) {
	w := newWorld(t)
	topics := []string{w.kafka.Topic(t, 2), w.kafka.Topic(t, 2)}
	missing := w.kafka.TopicName(t)
	l := newLedger()
	entries := func(withMissing bool) []entry {
		out := []entry{collect(w.path("a.log"), topics[0]), collect(w.path("b.log"), topics[1]), collect(w.path("dead.log"), missing)}
		out[2]["disabled"] = !withMissing
		return out
	}
	agent := w.startAgent("LOGCTL_AGENT_MAX_BUFFER=16MiB")
	lines := 40_000
	if torture() {
		lines = 120_000
	}
	appendTo(t, w.path("dead.log"), l.lines("dead.log", 200_000)) // more than its share
	var c costs
	landed := int64(0)
	for range 20 {
		for _, with := range []bool{false, true} {
			w.put(entries(with)...)
			w.awaitApplied()
			if with {
				w.awaitState(w.path("dead.log"), "topic missing")
			}
			c.round(agent, with, 2*lines, func() {
				for _, name := range []string{"a.log", "b.log"} {
					appendTo(t, w.path(name), l.lines(name, lines))
				}
				landed += int64(2 * lines)
				testkit.Eventually(t, "the lines land", func() bool { return w.landed(topics...) >= landed })
			})
		}
		if c.level() {
			break
		}
	}
	t.Log(&c)
	if !c.level() {
		t.Error("a line of the others costs more beside a missing topic")
	}
	w.kafka.Create(t, missing, 2)
	w.clean(newCounter(l), append(topics, missing)...)
	w.awaitState(w.path("dead.log"), "shipping")
	agent.stop()
}

// TestKafkaTopicRecreated deletes a topic under load and creates it again: what was
// not acknowledged before, and all that comes after, is in the new one.
func TestKafkaTopicRecreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.kafka.Topic(t, 3)
	before, l := newLedger(), newLedger()
	w.put(collect(w.path("a.log"), topic))
	agent := w.startAgent()
	appendTo(t, w.path("a.log"), before.lines("before", 5000))
	w.clean(newCounter(before), topic)
	cluster := w.clusterAdmin()
	if err := cluster.DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	appendTo(t, w.path("a.log"), l.lines("between", 5000))
	w.awaitState(w.path("a.log"), "topic missing")
	appendTo(t, w.path("a.log"), l.lines("between", 5000))
	w.kafka.Create(t, topic, 2) // fewer partitions than it had
	w.arrived(1, topic)
	appendTo(t, w.path("a.log"), l.lines("after", 5000))
	w.unproved = true // the topic before has some of the lines
	w.clean(newCounter(l), topic)
	w.awaitState(w.path("a.log"), "shipping")
	agent.stop()
}

// TestKafkaPartitionsAdded adds partitions under load.
func TestKafkaPartitionsAdded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.kafka.Topic(t, 1)
	l := newLedger()
	lanes := renamed(4)
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 100, lanes...)
	w.arrived(1000, topic)
	cluster := w.clusterAdmin()
	if err := cluster.CreatePartitions(topic, 6, nil, false); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "lines are in a partition that was added", func() bool {
		n := int64(0)
		for p := int32(1); p < 6; p++ {
			n += w.endOf(topic, p)
		}
		return n > 0
	})
	f.stop()
	w.clean(newCounter(l), topic)
	agent.stop()
}

// TestKafkaErrorCodes lets the broker refuse records with one error code after the
// other, each for a while, also such after which the records are stored all the same.
func TestKafkaErrorCodes(t *testing.T) {
	t.Parallel()
	codes := []struct {
		err   *kerr.Error
		state string // shown while it lasts; empty: any
	}{
		{kerr.KafkaStorageError, "broker storage error"}, // a full disk on the broker
		{kerr.LogDirNotFound, "broker storage error"},
		{kerr.NotEnoughReplicas, "not enough replicas"},
		{kerr.NotEnoughReplicasAfterAppend, "not enough replicas"}, // stored
		{kerr.RequestTimedOut, "not enough replicas"},              // stored
		{kerr.NotLeaderForPartition, ""},
		{kerr.UnknownTopicOrPartition, ""},
		{kerr.CorruptMessage, ""},
		{kerr.UnknownServerError, ""},
		{kerr.TopicAuthorizationFailed, "topic denied"},
		{kerr.PolicyViolation, "refused"},
	}
	w := newWorld(t, testkit.Brokers(2))
	topic := w.kafka.Topic(t, 3)
	l := newLedger()
	lanes := renamed(3)
	w.put(w.collectAll(topic, lanes...)...)
	agent := w.startAgent()
	f := w.flow(l, 20, 100, lanes...)
	w.arrived(500, topic)
	for _, c := range codes {
		fault := w.kafka.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: c.err, Count: -1})
		if c.state != "" {
			w.awaitState(w.path(lanes[0].name), c.state)
		} else {
			testkit.Eventually(t, c.err.Message+" was answered three times", func() bool { return fault.Hits() >= 3 })
		}
		fault.Remove()
		w.more(200, topic)
	}
	f.stop()
	w.clean(newCounter(l), topic)
	w.awaitState(w.path(lanes[0].name), "shipping")
	agent.stop()
}

// clusterAdmin is what the scenarios change topics with.
func (w *world) clusterAdmin() sarama.ClusterAdmin {
	w.t.Helper()
	conf, err := w.client().Sarama()
	if err != nil {
		w.t.Fatal(err)
	}
	conf.Metadata.Full = true
	admin, err := sarama.NewClusterAdmin(w.client().Addresses, conf)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return admin
}
