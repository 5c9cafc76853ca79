package agent

import (
	"context"
	"testing"
	"time"

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
	testkit.Eventually(t, 60*time.Second, "the list is applied and the presence says so", func() bool {
		p, _, err := etcdcfg.NewStore(client, "").Presences(t.Context())
		return err == nil && len(p) == 1 && p[0].Revision == put.Header.Revision
	})
	proxy.Delay(0)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
