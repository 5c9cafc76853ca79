package tui

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// liveStage is an etcd and a Kafka with one agent's traces in them.
func liveStage(t *testing.T) (Config, *testkit.KafkaServer) {
	t.Helper()
	k, e := testkit.Kafka(t), testkit.Etcd(t)
	client := e.Client(t)
	key := e.Key(t)
	store := etcdcfg.NewStore(client, "ann@ops")
	base, err := store.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	topic := k.Topic(t, 3)
	snap, err := store.Save(t.Context(), base, []etcdcfg.Entry{{Path: "/data/日志/a.log", Topic: topic}}, "first")
	if err != nil {
		t.Fatal(err)
	}
	id := "tui-" + topic
	p, err := json.Marshal(etcdcfg.Presence{ID: id, Host: "h", CollectKey: key, Revision: snap.ModRevision})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(t.Context(), etcdcfg.AgentsPrefix+id, string(p)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.Delete(context.WithoutCancel(t.Context()), etcdcfg.AgentsPrefix+id); err != nil {
			t.Error(err)
		}
	})
	reports := k.Topic(t, 1)
	var values []string
	for i := range 2 {
		r := report.Report{Agent: id, At: time.Now().Add(time.Duration(i-1) * 2 * time.Second), StartedAt: time.Now().Add(-time.Hour).Truncate(time.Hour), Kafka: "ok", Tasks: []report.Task{
			{Path: "/data/日志/a.log", Topic: topic, State: state.Shipping, Lines: uint64(1000 * i), Bytes: uint64(149_000 * i)},
		}}
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, string(raw))
	}
	produce(t, k, reports, values...)
	produce(t, k, topic, "one", "two \x1b[31m", "three 日志")
	admin := kafka.NewAdmin(k.Config())
	t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	return Config{CollectKey: key, Store: store, Admin: admin, Kafka: k.Config(), ReportTopic: reports}, k
}

// syncProducer returns a producer that lasts as long as the test.
func syncProducer(t *testing.T, k *testkit.KafkaServer) sarama.SyncProducer {
	t.Helper()
	cfg, err := k.Config().Sarama()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer(k.Addrs(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func produce(t *testing.T, k *testkit.KafkaServer, topic string, values ...string) {
	t.Helper()
	p := syncProducer(t, k)
	for _, v := range values {
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(v)}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSnapshotsOfRealServers(t *testing.T) {
	cfg, _ := liveStage(t)
	snap, err := cfg.Store.Load(t.Context(), cfg.CollectKey)
	if err != nil {
		t.Fatal(err)
	}
	topic := snap.Entries[0].Topic
	for screen, wants := range map[string][]string{
		"entries":                     {"/data/日志/a.log", "500", "applied 1/1", "etcd ● ok", "kafka ●"},
		"agents":                      {"tui-", "shipping"},
		"topics":                      {"TOPIC", "records kept"},
		"stream:" + topic + " oldest": {"three 日志", `two \x1b[31m`, "kept 3/3"},
		"history":                     {"ann@ops", "first"},
		"entry /data/日志/a.log":        {"shipping", "tui-"},
	} {
		text, err := Snapshot(t.Context(), cfg, screen, 160, 40)
		if err != nil {
			t.Errorf("%s: %v", screen, err)
			continue
		}
		for _, w := range wants {
			if !strings.Contains(strings.ToLower(text), strings.ToLower(w)) {
				t.Errorf("%s lacks %q:\n%s", screen, w, text)
			}
		}
	}
	if _, err := Snapshot(t.Context(), cfg, "nonsense", 120, 40); err == nil || !strings.Contains(err.Error(), "want one of") {
		t.Errorf("an unknown screen: %v", err)
	}
	if _, err := Snapshot(t.Context(), cfg, "entries", 20, 5); err == nil {
		t.Error("a tiny screen is drawn")
	}
}

func TestConsoleOnRealServers(t *testing.T) {
	cfg, _ := liveStage(t)
	keys, out, done := drive(t, t.Context(), cfg, livePorts(cfg))
	shown := func(text string) {
		t.Helper()
		testkit.Eventually(t, text+" on the screen", func() bool { return strings.Contains(out.String(), text) })
	}
	shown("/data/日志/a.log")
	if _, err := keys.Write([]byte("a/var/log/new.log\tnew_topic_of_test\x13")); err != nil {
		t.Fatal(err)
	}
	shown("This is what changes")
	if _, err := keys.Write([]byte("y")); err != nil {
		t.Fatal(err)
	}
	shown("Create it now?")
	snap, err := cfg.Store.Load(t.Context(), cfg.CollectKey)
	if err != nil || len(snap.Entries) != 2 {
		t.Fatalf("%v, entries %+v", err, snap.Entries)
	}
	if _, err := keys.Write([]byte("\x03\x03")); err != nil {
		t.Fatal(err)
	}
	if err := awaited(t, done); err != nil {
		t.Error(err)
	}
}

func TestTopicsHaveTheirSizes(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	produce(t, k, topic, strings.Repeat("x", 10_000))
	admin := kafka.NewAdmin(k.Config())
	defer func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	}()
	list, err := (&liveTopics{admin: admin}).Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(x kafka.Topic) bool { return x.Name == topic })
	if i < 0 || list[i].Bytes < 10_000 || newestSum(&list[i]) != 1 {
		t.Errorf("%+v", list)
	}
}
