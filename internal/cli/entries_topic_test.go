package cli

import (
	"strings"
	"testing"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// An entry and its topic in one command, for a first host and for scripts.
func TestEntryWithItsTopic(t *testing.T) {
	b, _, _ := newBench(t)
	k := testkit.Kafka(t)
	b.args = append(b.args, "--kafka", strings.Join(k.Addrs(), ","))
	topic := k.TopicName(t)
	if r := b.run(t, "", "entries", "add", "/var/log/a.log", topic, "--partitions", "2"); r.code != ExitUsage || !strings.Contains(r.err, "--create-topic") {
		t.Fatalf("%+v", r)
	}
	if r := b.run(t, "", "entries", "add", "/var/log/a.log", topic, "--create-topic", "--partitions", "-2"); r.code != ExitUsage {
		t.Fatalf("%+v", r)
	}
	if r := b.run(t, "", "entries", "add", "/var/log/a.log", topic, "--create-topic", "--dry-run"); r.code != ExitOK || !strings.Contains(r.err, "would be created: topic "+topic) {
		t.Fatalf("%+v", r)
	}
	if r := b.run(t, "", "entries", "add", "/var/log/a.log", topic, "--create-topic", "--partitions", "2"); r.code != ExitOK || !strings.HasPrefix(r.err, "created: topic "+topic+"\nsaved: ") {
		t.Fatalf("%+v", r)
	}
	if r := b.run(t, "", "entries", "add", "/var/log/b.log", topic, "--create-topic"); r.code != ExitOK || !strings.HasPrefix(r.err, "saved: ") {
		t.Fatalf("%+v", r)
	}
	admin := kafka.NewAdmin(k.Config())
	defer func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	}()
	testkit.Eventually(t, "the topic has two partitions", func() bool {
		topics, err := admin.Topics(t.Context())
		if err != nil {
			return false
		}
		for i := range topics {
			if topics[i].Name == topic {
				return len(topics[i].Partitions) == 2
			}
		}
		return false
	})
	// What cannot be created is said, and no entry waits for it.
	r := b.run(t, "", "entries", "add", "/var/log/c.log", k.TopicName(t), "--create-topic", "--replicas", "99")
	if r.code != ExitFailure || !strings.Contains(r.err, "the entry is not saved") || strings.Contains(b.ok(t, "entries", "list"), "c.log") {
		t.Fatalf("%+v", r)
	}
}
