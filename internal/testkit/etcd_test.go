package testkit

import (
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestEtcdKeepsDataAndPortOverARestart(t *testing.T) {
	e := Etcd(t, EmbeddedEtcd())
	c, key := e.Client(t), e.Key(t)
	if key == e.Key(t) {
		t.Fatal("two keys are the same")
	}
	if _, err := c.Put(t.Context(), key, "v"); err != nil {
		t.Fatal(err)
	}
	before := e.Endpoints()[0]
	e.Stop(t)
	e.Restart(t)
	if after := e.Endpoints()[0]; after != before {
		t.Fatalf("address was %s, is %s", before, after)
	}
	got, err := c.Get(t.Context(), key)
	if err != nil || len(got.Kvs) != 1 {
		t.Fatalf("get after restart: %v, %v", got, err)
	}
	if _, err := c.Put(t.Context(), key, "w"); err != nil {
		t.Fatal(err)
	}
	e.Compact(t)
	if _, err := c.Get(t.Context(), key, clientv3.WithRev(got.Kvs[0].ModRevision)); err == nil {
		t.Fatal("a compacted revision can be read")
	}
}
