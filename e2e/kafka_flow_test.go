package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// rotation is a way to rotate a file. It gets the path and the number of the
// rotation, counted from 1.
type rotation func(path string, n int) error

// byRename is logrotate's default: the file gets another name, the writer makes a
// new one.
func byRename(path string, n int) error {
	return os.Rename(path, fmt.Sprintf("%s.%d", path, n))
}

// byCopy is logrotate's copytruncate. The writer of these tests waits meanwhile, so
// no line falls into its window.
func byCopy(path string, n int) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(fmt.Sprintf("%s.%d", path, n))
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	if err := to.Close(); err != nil {
		return err
	}
	return os.Truncate(path, 0)
}

// byRemoval deletes the file once the given process has it open: what is deleted
// before anyone could open it is gone in principle.
func (p *process) byRemoval(path string, _ int) error {
	deadline := time.NewTimer(testkit.Hang)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.hasOpen(path) {
			return os.Remove(path)
		}
		select {
		case <-p.done:
			return fmt.Errorf("the agent ended before it opened %s", path)
		case <-deadline.C:
			return fmt.Errorf("the agent did not open %s within %v", path, testkit.Hang)
		case <-tick.C:
		}
	}
}

// hasOpen says whether the process has a descriptor of the file that is at path now.
func (p *process) hasOpen(path string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "fd")
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil && to == path {
			return true
		}
	}
	return false
}

// laneSpec says how one followed file is written.
type laneSpec struct {
	name   string
	rotate rotation // nil: never
}

// flow writes lines at a steady pace, in a goroutine of its own, until stop.
type flow struct {
	t      *testing.T
	w      *world
	l      *ledger
	lanes  []laneSpec
	lines  int // a lane and tick
	rotate int // ticks between two rotations of a lane
	end    chan struct{}
	once   sync.Once
	done   sync.WaitGroup
}

// flow starts writing: every 10 ms so many lines to each lane, and a rotation of each
// lane every so many ticks, no two lanes at once. It waits until the agent follows the
// lanes: what was rotated away before the first look at an entry is an old archive.
func (w *world) flow(l *ledger, lines, rotate int, lanes ...laneSpec) *flow {
	w.t.Helper()
	for _, la := range lanes {
		w.awaitFollowed(w.path(la.name))
	}
	f := &flow{t: w.t, w: w, l: l, lanes: lanes, lines: lines, rotate: rotate, end: make(chan struct{})}
	f.done.Go(f.run)
	w.t.Cleanup(f.stop)
	return f
}

func (f *flow) run() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	turns := make([]int, len(f.lanes))
	for n := 0; ; n++ {
		for i, la := range f.lanes {
			path := f.w.path(la.name)
			if err := write(path, f.l.lines(la.name, f.lines)); err != nil {
				f.t.Errorf("writer: %v", err)
				return
			}
			if la.rotate == nil || f.rotate == 0 || (n+i*f.rotate/len(f.lanes))%f.rotate != f.rotate-1 {
				continue
			}
			turns[i]++
			if err := la.rotate(path, turns[i]); err != nil {
				f.t.Errorf("writer, rotation %d of %s: %v", turns[i], la.name, err)
				return
			}
		}
		select {
		case <-f.end:
			return
		case <-tick.C:
		}
	}
}

// write appends to a file, making it when there is none.
func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// stop ends the writing and waits for it.
func (f *flow) stop() {
	f.once.Do(func() { close(f.end) })
	f.done.Wait()
}

// during lets time pass: it returns when as many lines were written since, which at
// the pace of a flow is a time, and a bound on work on a slow machine.
func (f *flow) during(d time.Duration) {
	f.t.Helper()
	pause(f.t, d)
}

// pause returns after d. Scenarios use it only for what is a duration by nature: how
// long an outage lasts.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// collectAll is an entry for every lane, all to one topic.
func (w *world) collectAll(topic string, lanes ...laneSpec) []entry {
	var out []entry
	for _, la := range lanes {
		out = append(out, collect(w.path(la.name), topic))
	}
	return out
}

// renamed makes n lanes that rotate by rename.
func renamed(n int) []laneSpec {
	var out []laneSpec
	for i := range n {
		out = append(out, laneSpec{fmt.Sprintf("file%d.log", i), byRename})
	}
	return out
}

// arrived waits until n records are in the topic, so that a fault meets lines that
// flow.
func (w *world) arrived(n int64, topic string) {
	w.t.Helper()
	admin := kafka.NewAdmin(w.client())
	testkit.Eventually(w.t, fmt.Sprintf("%d records are in %s", n, topic), func() bool {
		return w.ends(admin, topic) >= n
	})
	if err := admin.Close(); err != nil {
		w.t.Error(err)
	}
}

// more waits until n more records are in the topic than are now.
func (w *world) more(n int64, topic string) {
	w.t.Helper()
	admin := kafka.NewAdmin(w.client())
	now := w.ends(admin, topic)
	if err := admin.Close(); err != nil {
		w.t.Error(err)
	}
	w.arrived(now+n, topic)
}

// ends is the number of records the topic ever held; 0 when it cannot be asked.
func (w *world) ends(admin *kafka.Admin, topic string) int64 {
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	all, err := admin.Offsets(ctx, topic)
	if err != nil {
		return 0
	}
	sum := int64(0)
	for _, p := range all[topic] {
		sum += max(0, p.Newest)
	}
	return sum
}

// proxies does something to the proxy of every broker.
func (w *world) proxies(do func(p *testkit.Proxy)) {
	w.t.Helper()
	if len(w.kafka.Proxies()) == 0 {
		w.t.Fatal("no proxies: ask for testkit.Proxied()")
	}
	for _, p := range w.kafka.Proxies() {
		do(p)
	}
}
