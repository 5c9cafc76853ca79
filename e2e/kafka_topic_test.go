package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/testkit"
)

// TestKafkaTopicMissing lets one topic of three be missing: the files of the other
// two keep at least 90 % of the rate that they have without that entry, and when the
// topic is created its lines come, without a restart.
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
	port := freePort(t)
	agent := w.startAgent("LOGCTL_AGENT_MAX_BUFFER=16MiB", "LOGCTL_AGENT_LISTEN="+port)
	const most = 10
	lines := 40_000
	if torture() {
		lines = 120_000 // a round of a quarter of a second: beside three brokers, shorter ones tell little
	}
	appendTo(t, w.path("dead.log"), l.lines("dead.log", 200_000)) // more than its share
	var alone, beside []float64
	for range most {
		for _, with := range []bool{false, true} {
			w.put(entries(with)...)
			w.awaitApplied(5 * time.Second)
			if with {
				w.awaitState(w.path("dead.log"), "topic missing", 10*time.Second)
			}
			rate := w.rate(port, func() {
				for _, name := range []string{"a.log", "b.log"} {
					appendTo(t, w.path(name), l.lines(name, lines))
				}
			}, 2*lines, topics...)
			if with {
				beside = append(beside, rate)
			} else {
				alone = append(alone, rate)
			}
		}
		if len(alone) >= 3 && kept(alone, beside) >= 0.9 {
			break
		}
	}
	t.Logf("the others keep %.0f %% of their rate; lines/s in each round with no topic missing %.0f, beside a missing one %.0f",
		100*kept(alone, beside), alone, beside)
	if kept(alone, beside) < 0.9 {
		t.Error("a missing topic slows the others down")
	}
	w.kafka.Create(t, missing, 2)
	w.clean(newCounter(l), append(topics, missing)...)
	w.awaitState(w.path("dead.log"), "shipping", 10*time.Second)
	agent.stop()
}

// kept is how much of their rate the others keep: by the best rounds or by the middle
// ones, for other work on the machine only ever lowers a rate.
func kept(alone, beside []float64) float64 {
	middle := func(v []float64) float64 {
		sorted := slices.Sorted(slices.Values(v))
		return sorted[len(sorted)/2]
	}
	return max(slices.Max(beside)/slices.Max(alone), middle(beside)/middle(alone))
}

// rate is how many lines a second are acknowledged from when write began until so
// many more lines of the topics are.
func (w *world) rate(metrics string, write func(), lines int, topics ...string) float64 {
	w.t.Helper()
	acked := func() int {
		n := 0
		for _, topic := range topics {
			n += int(scrape(w.t, metrics, "logctl_task_acked_lines_total", topic))
		}
		return n
	}
	want := acked() + lines
	write()
	began := time.Now()
	before := acked()
	testkit.Eventually(w.t, 60*time.Second, fmt.Sprintf("%d lines are acknowledged", want), func() bool { return acked() >= want })
	return float64(want-before) / time.Since(began).Seconds()
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
	w.awaitState(w.path("a.log"), "topic missing", 10*time.Second)
	appendTo(t, w.path("a.log"), l.lines("between", 5000))
	w.kafka.Create(t, topic, 2) // fewer partitions than it had
	w.arrived(1, topic)
	appendTo(t, w.path("a.log"), l.lines("after", 5000))
	w.unproved = true // the topic before has some of the lines
	w.clean(newCounter(l), topic)
	w.awaitState(w.path("a.log"), "shipping", 10*time.Second)
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
	testkit.Eventually(t, 30*time.Second, "lines are in a partition that was added", func() bool {
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
			w.awaitState(w.path(lanes[0].name), c.state, 10*time.Second)
		} else {
			testkit.Eventually(t, 10*time.Second, c.err.Message+" was answered three times", func() bool { return fault.Hits() >= 3 })
		}
		fault.Remove()
		w.more(200, topic)
	}
	f.stop()
	w.clean(newCounter(l), topic)
	w.awaitState(w.path(lanes[0].name), "shipping", 10*time.Second)
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
