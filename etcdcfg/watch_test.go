package etcdcfg_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// watched records what a Watch delivers.
type watched struct {
	mu     sync.Mutex
	snaps  []etcdcfg.Snapshot
	states []error
}

func (w *watched) onSnapshot(s etcdcfg.Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snaps = append(w.snaps, s)
}

func (w *watched) onState(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = append(w.states, err)
}

func (w *watched) last() (s etcdcfg.Snapshot, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n = len(w.snaps); n > 0 {
		s = w.snaps[n-1]
	}
	return s, n
}

func (w *watched) state() (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n = len(w.states); n > 0 {
		err = w.states[n-1]
	}
	return n, err
}

// begin starts a Watch that ends, and is waited for, with the test.
func (d *desk) begin(t *testing.T) *watched {
	t.Helper()
	w := &watched{}
	background(t, func(ctx context.Context) error { return d.Watch(ctx, d.key, w.onSnapshot, w.onState) })
	testkit.Eventually(t, "connected, with a first snapshot", func() bool {
		n, err := w.state()
		_, snaps := w.last()
		return n > 0 && err == nil && snaps > 0
	})
	return w
}

// background runs f until the test ends.
func background(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(testkit.Hang):
			t.Error("does not end with its context")
		}
	})
	t.Cleanup(stop)
	return stop
}

func (w *watched) waitPaths(t *testing.T, want string) etcdcfg.Snapshot {
	t.Helper()
	testkit.Eventually(t, "the list "+want, func() bool {
		s, n := w.last()
		return n > 0 && s.Err == nil && paths(s) == want
	})
	s, _ := w.last()
	return s
}

func TestWatchDeliversEveryKindOfChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	w := d.begin(t)
	if s, _ := w.last(); s.ModRevision != 0 || s.Err != nil {
		t.Fatalf("absent: %+v", s)
	}
	rev := d.put(t, `[{"path":"/a","topic":"t"}]`)
	if s := w.waitPaths(t, "/a"); s.ModRevision != rev || s.Revision < rev || s.Key != d.key {
		t.Fatalf("%+v", s)
	}
	d.put(t, `[{"path":"/a","topic":"t"},]`)
	testkit.Eventually(t, "the bad list", func() bool {
		s, _ := w.last()
		return errors.As(s.Err, new(*etcdcfg.ListError)) && s.Entries == nil && s.ModRevision > rev
	})
	saved := d.save(t, d.load(t), "", "/b")
	if s := w.waitPaths(t, "/b"); s.ModRevision != saved.ModRevision {
		t.Fatalf("%+v", s)
	}
	if _, err := d.client.Delete(t.Context(), d.key); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the deletion", func() bool {
		s, _ := w.last()
		return s.ModRevision == 0 && s.Raw == nil && s.Err == nil && s.Revision > saved.ModRevision
	})
	if n, err := w.state(); n != 1 || err != nil {
		t.Fatalf("%d states, the last %v", n, err)
	}
}

// TestWatchCoalescesABurst makes 1,000 edits while the receiver is slow: it sees the
// last one soon, and not all of them.
func TestWatchCoalescesABurst(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	w := &watched{}
	busy := make(chan struct{})
	background(t, func(ctx context.Context) error {
		return d.Watch(ctx, d.key, func(s etcdcfg.Snapshot) {
			w.onSnapshot(s)
			select {
			case <-busy:
			case <-ctx.Done():
			}
		}, w.onState)
	})
	testkit.Eventually(t, "the first snapshot", func() bool { _, n := w.last(); return n == 1 })
	for i := range 1000 {
		d.put(t, fmt.Sprintf(`[{"path":"/%d","topic":"t"}]`, i))
	}
	close(busy)
	w.waitPaths(t, "/999")
	if _, n := w.last(); n > 500 {
		t.Fatalf("%d of 1,000 edits were delivered one by one", n)
	}
}

// TestWatchMissesNothingBetweenReadAndWatch edits as fast as it can while watches
// begin: each must end with the last edit.
func TestWatchMissesNothingBetweenReadAndWatch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var all []*watched
	for i := range 20 {
		d.put(t, fmt.Sprintf(`[{"path":"/%d","topic":"t"}]`, i))
		w := &watched{}
		background(t, func(ctx context.Context) error { return d.Watch(ctx, d.key, w.onSnapshot, w.onState) })
		all = append(all, w)
	}
	d.put(t, `[{"path":"/last","topic":"t"}]`)
	for _, w := range all {
		w.waitPaths(t, "/last")
	}
}

// TestWatchSurvivesOutageAndCompaction stops the server, and before the watch is
// back changes the list and compacts the change away.
func TestWatchSurvivesOutageAndCompaction(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	d.save(t, d.load(t), "", "/a")
	w := d.begin(t)
	w.waitPaths(t, "/a")
	for round := range 2 {
		d.server.Stop(t)
		before, _ := w.state()
		testkit.Eventually(t, "the outage", func() bool { _, err := w.state(); return err != nil })
		if n, err := w.state(); n != before+1 && round == 0 || err == nil {
			t.Fatalf("%d states, the last %v", n, err)
		}
		d.server.Restart(t)
		want := fmt.Sprintf("/b%d", round)
		other := dial(t, etcdcfg.Config{Endpoints: d.server.Endpoints()})
		for _, p := range []string{"/x", "/y", want} {
			if _, err := other.Put(t.Context(), d.key, fmt.Sprintf(`[{"path":%q,"topic":"t"}]`, p)); err != nil {
				t.Fatal(err)
			}
		}
		d.server.Compact(t)
		w.waitPaths(t, want)
		testkit.Eventually(t, "connected again", func() bool { _, err := w.state(); return err == nil })
	}
	if n, _ := w.state(); n != 5 {
		t.Errorf("%d states were told, want connected, away, back, away, back", n)
	}
	_, n := w.last()
	d.server.Stop(t)
	testkit.Eventually(t, "the outage", func() bool { _, err := w.state(); return err != nil })
	d.server.Restart(t)
	testkit.Eventually(t, "connected again", func() bool { _, err := w.state(); return err == nil })
	if _, after := w.last(); after != n {
		t.Errorf("an outage without a change delivered %d snapshots", after-n)
	}
}

// TestWatchOfACompactedRevisionReadsAgain compacts while a watch is open and again
// while it begins.
func TestWatchOfACompactedRevisionReadsAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	w := d.begin(t)
	for i := range 5 {
		d.put(t, fmt.Sprintf(`[{"path":"/%d","topic":"t"}]`, i))
		d.server.Compact(t)
	}
	w.waitPaths(t, "/4")
	d.put(t, `[{"path":"/5","topic":"t"}]`)
	w.waitPaths(t, "/5")
}

// TestWatchOfAStoreThatLostItsDisk restarts the server empty: its revisions begin
// again below the one that was watched.
func TestWatchOfAStoreThatLostItsDisk(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	for i := range 20 {
		d.put(t, fmt.Sprintf(`[{"path":"/%d","topic":"t"}]`, i))
	}
	w := d.begin(t)
	w.waitPaths(t, "/19")
	d.server.Stop(t)
	d.server.Wipe(t)
	d.server.Restart(t)
	testkit.Eventually(t, "the key is gone", func() bool { s, _ := w.last(); return s.ModRevision == 0 })
	d.put(t, `[{"path":"/new","topic":"t"}]`)
	w.waitPaths(t, "/new")
}

// TestWatchBeginsWithoutAServer starts the server after the watch.
func TestWatchBeginsWithoutAServer(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	d.put(t, `[{"path":"/a","topic":"t"}]`)
	d.server.Stop(t)
	fresh := etcdcfg.NewStore(dial(t, etcdcfg.Config{Endpoints: d.server.Endpoints()}), "")
	w := &watched{}
	background(t, func(ctx context.Context) error { return fresh.Watch(ctx, d.key, w.onSnapshot, w.onState) })
	testkit.Eventually(t, "the reason", func() bool {
		n, err := w.state()
		return n == 1 && err != nil && err.Error() == "etcd at "+d.server.Endpoints()[0]+": connection refused: is it running, and is [etcd] address right?"
	})
	d.server.Restart(t)
	w.waitPaths(t, "/a")
	testkit.Eventually(t, "connected", func() bool { n, err := w.state(); return n == 2 && err == nil })
	if err := fresh.Watch(t.Context(), "", nil, nil); err == nil {
		t.Fatal("a watch of no key")
	}
}
