package agent

import (
	"context"
	"testing"

	"logctl/etcdcfg"
	"logctl/internal/kafka"
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
