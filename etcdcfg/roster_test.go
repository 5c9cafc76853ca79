package etcdcfg_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// known finds an agent, be it there or not.
func (d *desk) known(t *testing.T, id string) (etcdcfg.Presence, bool) {
	t.Helper()
	list, _, err := d.Presences(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.ID == id {
			return p, true
		}
	}
	return etcdcfg.Presence{}, false
}

// TestLostAgents tells an agent that was stopped in order from one that was not.
func TestLostAgents(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	orderly, killed := d.key+"-1", d.key+"-2"
	a, stop := d.onDuty(t, orderly, 0, &logbook{})
	a.Set(etcdcfg.Presence{Kafka: "ok", CollectKey: "k"})
	b, _ := d.onDuty(t, killed, 0, &logbook{})
	b.Set(etcdcfg.Presence{Kafka: "ok", CollectKey: "k", Host: "h", Version: "v"})
	d.waitKafka(t, orderly, "ok")
	d.waitKafka(t, killed, "ok")
	for _, id := range []string{orderly, killed} { // what stays is written last
		testkit.Eventually(t, id+" leaves a trace", func() bool {
			got, err := d.client.Get(t.Context(), etcdcfg.AgentsPrefix+id+"/+member")
			return err == nil && got.Count == 1
		})
	}
	if err := d.Forget(t.Context(), killed); !errors.Is(err, etcdcfg.ErrOnDuty) {
		t.Fatalf("forgotten on duty: %v", err)
	}
	stop()
	if p, ok := d.known(t, orderly); ok {
		t.Errorf("said goodbye, and is known as %+v", p)
	}
	// What stays of a killed process, whose lease has run out.
	killed = kill(t, d, killed)
	p, ok := d.known(t, killed)
	if !ok || p.Duty != etcdcfg.DutyLost || p.Host != "h" || p.Version != "v" || p.CollectKey != "k" {
		t.Fatalf("lost agent: %v %+v", ok, p)
	}
	if err := d.Forget(t.Context(), killed); err != nil {
		t.Fatal(err)
	}
	if err := d.Forget(t.Context(), killed); !errors.Is(err, etcdcfg.ErrUnknownAgent) {
		t.Errorf("forgotten twice: %v", err)
	}
	if p, ok := d.known(t, killed); ok {
		t.Errorf("still known: %+v", p)
	}
}

// kill leaves in etcd what a process leaves that was killed, under another id: the
// announcer of the first one goes on.
func kill(t *testing.T, d *desk, id string) (dead string) {
	t.Helper()
	got, err := d.client.Get(t.Context(), etcdcfg.AgentsPrefix+id+"/+member")
	if err != nil || got.Count != 1 {
		t.Fatalf("trace: %v %v", got, err)
	}
	dead = id + "-dead" // a name under which nobody announces itself
	if _, err := d.client.Put(t.Context(), etcdcfg.AgentsPrefix+dead+"/+member", string(got.Kvs[0].Value)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = d.client.Delete(context.Background(), etcdcfg.AgentsPrefix+dead+"/+member") })
	return dead
}

func TestExpectedAgents(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.key
	if err := d.Expect(t.Context(), id, "k"); err != nil {
		t.Fatal(err)
	}
	if p, ok := d.known(t, id); !ok || p.Duty != etcdcfg.DutyAwaited || p.CollectKey != "k" {
		t.Fatalf("never came: %v %+v", ok, p)
	}
	a, stop := d.onDuty(t, id, 0, &logbook{})
	a.Set(etcdcfg.Presence{Kafka: "ok"})
	d.waitKafka(t, id, "ok")
	if p, _ := d.known(t, id); p.Duty != etcdcfg.DutyOn || !p.Expected {
		t.Errorf("on duty: %+v", p)
	}
	stop() // a goodbye does not release from duty
	if p, ok := d.known(t, id); !ok || p.Duty != etcdcfg.DutyAwaited {
		t.Errorf("left: %v %+v", ok, p)
	}
	if err := d.Forget(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "a/+member"} {
		if err := d.Expect(t.Context(), bad, "k"); err == nil {
			t.Errorf("%q is expected", bad)
		}
	}
}

// TestFiveThousandTasks announces more than one etcd request takes, with a long reason for
// each, and rewrites only what changed.
func TestFiveThousandTasks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.key
	a, stop := d.onDuty(t, id, 0, &logbook{})
	p := etcdcfg.Presence{Kafka: "many"}
	for i := range 5000 {
		p.Tasks = append(p.Tasks, etcdcfg.TaskState{Path: fmt.Sprintf("/var/log/app/%04d/access.log", i), Topic: "t", State: "refused", Error: strings.Repeat("why ", 500)})
	}
	a.Set(p)
	testkit.Eventually(t, "all tasks are announced", func() bool {
		got, ok := d.presence(t, id)
		return ok && len(got.Tasks) == 5000 && got.Tasks[4999].Path == p.Tasks[4999].Path && len(got.Tasks[7].Error) < 700
	})
	versions := func() (sum int64, keys int64) {
		got, err := d.client.Get(t.Context(), etcdcfg.AgentsPrefix+id+"/+tasks/", clientv3.WithPrefix())
		if err != nil {
			t.Fatal(err)
		}
		for _, kv := range got.Kvs {
			if len(kv.Value) > 1<<20 {
				t.Errorf("%d bytes in one key", len(kv.Value))
			}
			sum += kv.Version
		}
		return sum, got.Count
	}
	before, keys := versions()
	p.Tasks[4321].State = "idle"
	a.Set(p)
	testkit.Eventually(t, "the change is announced", func() bool {
		got, _ := d.presence(t, id)
		return len(got.Tasks) == 5000 && got.Tasks[4321].State == "idle"
	})
	if after, _ := versions(); after != before+1 {
		t.Errorf("%d keys were written for one change, of %d", after-before, keys)
	}
	p.Tasks = p.Tasks[:1]
	a.Set(p)
	testkit.Eventually(t, "one task is left", func() bool {
		got, _ := d.presence(t, id)
		return len(got.Tasks) == 1
	})
	stop()
	if _, keys := versions(); keys != 0 {
		t.Errorf("%d keys stay after a goodbye", keys)
	}
}

// TestTwoAgentsWithOneID is said by both, and seen by who reads.
func TestTwoAgentsWithOneID(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	logs := [2]*logbook{{}, {}}
	var agents [2]*etcdcfg.Announcer
	var stop func()
	for i := range agents {
		agents[i] = etcdcfg.NewAnnouncer(d.client, d.key, 0, logs[i].logger())
		agents[i].SetInstance(fmt.Sprint(i), fmt.Sprintf("process %d", i))
		agents[i].Set(etcdcfg.Presence{Kafka: "ok"})
		stop = background(t, agents[i].Run)
	}
	testkit.Eventually(t, "both say so, and the reader sees it", func() bool {
		p, ok := d.presence(t, d.key)
		return ok && len(p.Instances) == 2 && agents[0].Twin() == "process 1" && agents[1].Twin() == "process 0" &&
			logs[0].count("same id") == 1 && logs[1].count("same id") == 1
	})
	stop()
	testkit.Eventually(t, "one is left", func() bool {
		p, ok := d.presence(t, d.key)
		return ok && p.Instances == nil && agents[0].Twin() == "" && logs[0].count("is gone") == 1
	})
}
