package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// TestReportBesideTheStart asks for reports while Run begins, as the demo does when it
// is ended at once.
func TestReportBesideTheStart(t *testing.T) {
	a, err := New(Config{
		ID: "a", Host: "h", Version: "v", DataDir: t.TempDir(), CollectKey: "k",
		Etcd:  etcdcfg.Config{Endpoints: []string{"127.0.0.1:1"}},
		Kafka: kafka.Config{Addresses: []string{"127.0.0.1:1"}, ClientID: "a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := a.Report(); r.Agent != "a" || r.Tasks == nil {
		t.Errorf("before the start: %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for range 1000 {
		_ = a.Report()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestEtcdIsGivenTheTimeConfigured puts an etcd that takes longer for each answer than it
// is given by default behind an agent that was told to wait.
func TestEtcdIsGivenTheTimeConfigured(t *testing.T) {
	t.Parallel()
	server := testkit.Etcd(t, testkit.EmbeddedEtcd())
	client := server.Client(t)
	put, err := client.Put(t.Context(), "k", `[{"path": "/none", "topic": "t"}]`)
	if err != nil {
		t.Fatal(err)
	}
	proxy := testkit.NewProxy(t, server.Endpoints()[0])
	proxy.Delay(etcdcfg.DefaultTimeout + 200*time.Millisecond)
	a, err := New(Config{
		ID: "a", Host: "h", Version: "v", DataDir: t.TempDir(), CollectKey: "k",
		Etcd:  etcdcfg.Config{Endpoints: []string{proxy.Addr()}, DialTimeout: 20 * time.Second, Timeout: 20 * time.Second},
		Kafka: kafka.Config{Addresses: []string{"127.0.0.1:1"}, ClientID: "a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	testkit.Eventually(t, "the list is applied and the presence says so", func() bool {
		p, _, err := etcdcfg.NewStore(client, "").Presences(t.Context())
		return err == nil && len(p) == 1 && p[0].Revision == put.Header.Revision
	})
	proxy.Delay(0)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestMissingTopicShowsBeforeThereIsALine has an entry whose file does not exist yet: what
// will keep its first line from Kafka is told now.
func TestMissingTopicShowsBeforeThereIsALine(t *testing.T) {
	t.Parallel()
	etcd, broker := testkit.Etcd(t), testkit.Kafka(t)
	key, client := etcd.Key(t), etcd.Client(t)
	topic := broker.TopicName(t)
	if _, err := client.Put(t.Context(), key, fmt.Sprintf(`[{"path": %q, "topic": %q}]`, filepath.ToSlash(filepath.Join(t.TempDir(), "none.log")), topic)); err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{
		ID: key, Host: "h", Version: "v", DataDir: t.TempDir(), CollectKey: key,
		Etcd: etcdcfg.Config{Endpoints: etcd.Endpoints()}, Kafka: broker.Config(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	testkit.Eventually(t, "the topic is missing", func() bool {
		r := a.Report()
		return len(r.Tasks) == 1 && r.Tasks[0].State == state.TopicMissing
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
