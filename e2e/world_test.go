package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// world is what a scenario has: servers, a directory for logs and one for data, a
// collect key of its own.
type world struct {
	t        *testing.T
	kafka    *testkit.KafkaServer
	etcd     *testkit.EtcdServer
	store    *clientv3.Client
	key      string
	logs     string        // directory of the followed files
	data     string        // data_dir of the agent
	admin    *kafka.Admin  // made by landed
	lives    []life        // of the agent, in turn
	pulse    *pulse        // of the machine, since the first of them
	cuts     []time.Time   // noted by cut
	unproved bool          // what is sent is not what stands in the files, so that verify has nothing to compare
	traced   bool          // agents log their producer ids
	bounded  bool          // the agent cannot look back: what a crash explains may come twice
	login    *kafka.Config // how the scenario's own clients connect; nil: plainly
	via      string        // a proxy before etcd, for the agent only; empty: none
}

// client is the configuration of the scenario's own Kafka clients.
func (w *world) client() kafka.Config {
	if w.login != nil {
		return *w.login
	}
	return w.kafka.Config()
}

func newWorld(t *testing.T, opts ...testkit.KafkaOption) *world {
	t.Helper()
	return newWorldOn(t, testkit.Etcd(t), opts...)
}

// newWorldOn is newWorld with an etcd of its own making.
func newWorldOn(t *testing.T, etcd *testkit.EtcdServer, opts ...testkit.KafkaOption) *world {
	t.Helper()
	w := &world{
		t: t, kafka: testkit.Kafka(t, opts...), etcd: etcd, store: etcd.Client(t), key: etcd.Key(t),
		logs: filepath.Join(t.TempDir(), "logs"), data: filepath.Join(t.TempDir(), "data"),
	}
	if err := os.MkdirAll(w.logs, 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

// entry is a collect entry as the scenarios write it.
type entry map[string]any

func collect(path, topic string) entry {
	return entry{"path": path, "topic": topic, "from": "beginning"}
}

// put writes the list of entries, as any etcd client would.
func (w *world) put(entries ...entry) {
	w.t.Helper()
	if entries == nil {
		entries = []entry{}
	}
	data, err := json.Marshal(entries)
	if err != nil {
		w.t.Fatal(err)
	}
	w.putRaw(string(data))
}

func (w *world) putRaw(value string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), testkit.Hang)
	defer cancel()
	if _, err := w.store.Put(ctx, w.key, value); err != nil {
		w.t.Fatal(err)
	}
}

// path is a file in the directory of the logs.
func (w *world) path(name string) string { return filepath.Join(w.logs, name) }

// flags are the flags that point a command at the servers of this world.
func (w *world) flags() []string {
	return []string{"--kafka", strings.Join(w.kafka.Addrs(), ","), "--etcd", strings.Join(w.etcd.Endpoints(), ","), "--key", w.key}
}
