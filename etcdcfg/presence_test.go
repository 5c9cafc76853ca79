package etcdcfg_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// logbook is a log that a test can read.
type logbook struct{ testkit.Buffer }

func (l *logbook) count(text string) int { return strings.Count(l.String(), text) }

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// presence finds an agent among those on duty; there is none while etcd is away.
func (d *desk) presence(t *testing.T, id string) (etcdcfg.Presence, bool) {
	t.Helper()
	list, rev, err := d.Presences(t.Context())
	if err != nil && !errors.As(err, new(*etcdcfg.ServerError)) || err == nil && rev == 0 {
		t.Fatalf("presences at %d: %v", rev, err)
	}
	for _, p := range list {
		if p.ID == id && p.Duty == etcdcfg.DutyOn {
			return p, true
		}
	}
	return etcdcfg.Presence{}, false
}

// onDuty starts an announcer that ends with the test.
func (d *desk) onDuty(t *testing.T, id string, ttl time.Duration, log *logbook) (a *etcdcfg.Announcer, stop func()) {
	t.Helper()
	a = etcdcfg.NewAnnouncer(d.client, id, ttl, log.logger())
	return a, background(t, a.Run)
}

func (d *desk) waitKafka(t *testing.T, id, kafka string) {
	t.Helper()
	testkit.Eventually(t, id+" announces "+kafka, func() bool {
		p, ok := d.presence(t, id)
		return ok && p.Kafka == kafka
	})
}

func TestAnnouncerWritesChangesAndLeaves(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.key // unique
	a, stop := d.onDuty(t, id, 0, &logbook{})
	if _, ok := d.presence(t, id); ok {
		t.Fatal("announced before there was anything to announce")
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	want := etcdcfg.Presence{
		ID: id, Host: "web-07", Version: "v1", PID: 42, Started: at, CollectKey: "k", Revision: 7, ListError: "line 1", Kafka: "ok",
		Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: "permission denied", Error: "open /a", Since: at}},
	}
	a.Set(want)
	d.waitKafka(t, id, "ok")
	got, _ := d.presence(t, id)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	// 500 changes and 500 repetitions of the last one take a few writes.
	for i := range 500 {
		want.Revision = int64(i)
		a.Set(want)
	}
	want.Kafka = "kafka unreachable"
	for range 500 {
		a.Set(want)
	}
	d.waitKafka(t, id, "kafka unreachable")
	kv, err := d.client.Get(t.Context(), etcdcfg.AgentsPrefix+id)
	if err != nil || len(kv.Kvs) != 1 || kv.Kvs[0].Version > 20 || kv.Kvs[0].Lease == 0 {
		t.Fatalf("written %v, %v", kv, err)
	}
	stop()
	if _, ok := d.presence(t, id); ok {
		t.Fatal("still on duty after its end")
	}
}

// TestAnnouncerReturnsAfterLosingItsLease takes the lease away while it runs, as
// an outage longer than the TTL does.
func TestAnnouncerReturnsAfterLosingItsLease(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	log := &logbook{}
	id := d.key
	a, _ := d.onDuty(t, id, 2*time.Second, log)
	a.Set(etcdcfg.Presence{Kafka: "ok"})
	d.waitKafka(t, id, "ok")
	kv, err := d.client.Get(t.Context(), etcdcfg.AgentsPrefix+id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.Revoke(t.Context(), clientv3.LeaseID(kv.Kvs[0].Lease)); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.presence(t, id); ok {
		t.Fatal("the lease is gone and the presence is not")
	}
	d.waitKafka(t, id, "ok")
	testkit.Eventually(t, "both sides of it in the log", func() bool {
		return log.count("presence not announced") == 1 && log.count("presence announced again") == 1
	})
}

// TestAnnouncerSurvivesAnOutage begins while the server is away, and loses it again
// together with its lease.
func TestAnnouncerSurvivesAnOutage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	d.server.Stop(t)
	log := &logbook{}
	a, _ := d.onDuty(t, "web-1", 2*time.Second, log)
	a.Set(etcdcfg.Presence{Kafka: "one"})
	testkit.Eventually(t, "the reason in the log", func() bool { return log.count("connection refused") == 1 })
	d.server.Restart(t)
	d.waitKafka(t, "web-1", "one")
	d.server.Stop(t)
	a.Set(etcdcfg.Presence{Kafka: "two"})
	d.server.Wipe(t)
	d.server.Restart(t)
	d.waitKafka(t, "web-1", "two")
	if n := log.count("presence not announced"); n > 2 {
		t.Fatalf("%d warnings for two outages", n)
	}
}

// TestAnnouncerNoticesAnotherWithItsID lets a second agent take the key over and
// leave: the first one says so, and is seen again.
func TestAnnouncerNoticesAnotherWithItsID(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	log := &logbook{}
	id := d.key
	a, _ := d.onDuty(t, id, 0, log)
	a.Set(etcdcfg.Presence{Kafka: "a"})
	d.waitKafka(t, id, "a")
	b, stop := d.onDuty(t, id, 0, &logbook{})
	b.Set(etcdcfg.Presence{Kafka: "b"})
	d.waitKafka(t, id, "b")
	testkit.Eventually(t, "a warning", func() bool { return log.count("same id") == 1 })
	stop()
	d.waitKafka(t, id, "a")
	if _, err := d.client.Delete(t.Context(), etcdcfg.AgentsPrefix+id); err != nil {
		t.Fatal(err)
	}
	d.waitKafka(t, id, "a")
}

// TestAnnouncerGuardsItsKeyAfterARestartOfEtcd compacts away the revision from which the
// key is watched and restarts the server: the watch cannot go on, and a presence that
// is deleted later must come back all the same.
func TestAnnouncerGuardsItsKeyAfterARestartOfEtcd(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	a, _ := d.onDuty(t, "web-1", time.Minute, &logbook{})
	a.Set(etcdcfg.Presence{Kafka: "ok"})
	d.waitKafka(t, "web-1", "ok")
	for range 3 {
		d.put(t, "[]")
	}
	d.server.Compact(t)
	d.server.Stop(t)
	d.server.Restart(t)
	for range 2 { // the watch that was begun anew is as good as the first
		testkit.Eventually(t, "the presence is deleted", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // the client may hang in its old connection
			defer cancel()
			gone, err := d.client.Delete(ctx, etcdcfg.AgentsPrefix+"web-1")
			return err == nil && gone.Deleted == 1
		})
		d.waitKafka(t, "web-1", "ok")
	}
}

// TestAnnouncerStaysWhileEtcdIsFull has an etcd whose quota is used up: what was announced
// last stays, for the agent is on duty, and the rest follows when there is room again.
func TestAnnouncerStaysWhileEtcdIsFull(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	alarm := func(action pb.AlarmRequest_AlarmAction) {
		t.Helper()
		_, err := pb.NewMaintenanceClient(d.client.ActiveConnection()).Alarm(t.Context(), &pb.AlarmRequest{Action: action, Alarm: pb.AlarmType_NOSPACE})
		if err != nil {
			t.Fatal(err)
		}
	}
	log := &logbook{}
	a, _ := d.onDuty(t, "web-1", time.Second, log)
	a.Set(etcdcfg.Presence{Kafka: "one"})
	d.waitKafka(t, "web-1", "one")
	other, err := d.client.Grant(t.Context(), 8) // longer than the announcer tries in a row
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.Put(t.Context(), "other", "", clientv3.WithLease(other.ID)); err != nil {
		t.Fatal(err)
	}
	alarm(pb.AlarmRequest_ACTIVATE)
	a.Set(etcdcfg.Presence{Kafka: "two"})
	testkit.Eventually(t, "the reason in the log", func() bool { return log.count("quota is used up") == 1 })
	testkit.Eventually(t, "another lease runs out", func() bool {
		got, err := d.client.Get(t.Context(), "other")
		return err == nil && got.Count == 0
	})
	if p, ok := d.presence(t, "web-1"); !ok || p.Kafka != "one" {
		t.Errorf("on duty: %v, %+v; want what was announced last", ok, p)
	}
	alarm(pb.AlarmRequest_DEACTIVATE)
	d.waitKafka(t, "web-1", "two")
	testkit.Eventually(t, "both sides of it in the log", func() bool {
		return log.count("presence not announced") == 1 && log.count("presence announced again") == 1
	})
}

// TestAThousandPresences reads and follows a fleet; a burst of changes of all of
// them comes in few deliveries.
func TestAThousandPresences(t *testing.T) {
	t.Parallel()
	const agents = 1000
	d := newDesk(t, testkit.EmbeddedEtcd())
	announce := func(kafka string) {
		for from := 0; from < agents; from += 100 {
			var ops []clientv3.Op
			for i := from; i < from+100; i++ {
				ops = append(ops, clientv3.OpPut(fmt.Sprintf("%sagent-%04d", etcdcfg.AgentsPrefix, i), fmt.Sprintf(`{"host":"h%d","kafka":%q,"tasks":[]}`, i, kafka)))
			}
			if _, err := d.client.Txn(t.Context()).Then(ops...).Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	announce("ok")
	if _, err := d.client.Put(t.Context(), etcdcfg.AgentsPrefix+"odd", "not JSON"); err != nil {
		t.Fatal(err)
	}
	list, _, err := d.Presences(t.Context())
	if err != nil || len(list) != agents+1 || list[7].ID != "agent-0007" || list[7].Host != "h7" {
		t.Fatalf("%d presences, %v", len(list), err)
	}
	if odd := list[agents]; odd.ID != "odd" || !strings.Contains(odd.ListError, "cannot be read") {
		t.Fatalf("a presence that is no JSON: %+v", odd)
	}

	var mu sync.Mutex
	var seen []etcdcfg.Presence
	deliveries := 0
	background(t, func(ctx context.Context) error {
		return d.WatchPresences(ctx, func(p []etcdcfg.Presence) {
			mu.Lock()
			defer mu.Unlock()
			seen = p
			deliveries++
		}, nil)
	})
	all := func(kafka string, n int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			count := 0
			for _, p := range seen {
				if p.Kafka == kafka {
					count++
				}
			}
			return count == n
		}
	}
	testkit.Eventually(t, "the fleet", all("ok", agents))
	for i := range 5 {
		announce(fmt.Sprint(i))
	}
	testkit.Eventually(t, "the last state of all", all("4", agents))
	if _, err := d.client.Delete(t.Context(), etcdcfg.AgentsPrefix+"agent-0500"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "one left", all("4", agents-1))
	if mu.Lock(); deliveries > 60 {
		t.Errorf("%d deliveries of 5,001 changes", deliveries)
	}
	mu.Unlock()
	d.server.Stop(t)
	d.server.Wipe(t)
	d.server.Restart(t)
	testkit.Eventually(t, "all gone", all("4", 0))
}
