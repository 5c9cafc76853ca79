package agent

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"logctl/agent/report"
	"logctl/agent/ship"
	"logctl/agent/state"
	"logctl/agent/tail"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTopicOfAPathChanges(t *testing.T) {
	b := newBench(t)
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1")}, 1)
	b.write("a.log", "one\ntwo\n")
	b.expect("t1", "one", "two")
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t2")}, 2)
	b.write("a.log", "three\n")
	b.expect("t2", "three")
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1")}, 3)
	b.write("a.log", "four\n")
	b.expect("t1", "one", "two", "four")
}

func TestDeadTopicHandsItsLinesOver(t *testing.T) {
	b := newBench(t)
	b.send.down["t1"] = true
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1")}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t2")}, 2)
	b.expect("t2", "one")
	// A late acknowledgement must not make the old source known again.
	b.send.mu.Lock()
	held := b.send.held["t1"]
	b.send.mu.Unlock()
	for _, bundle := range held {
		bundle.Done(ship.Result{Acked: 1})
	}
	old := b.entry("a.log", "t1")
	if b.shared.registry.Known(old.Key()) {
		t.Error("the positions of the old topic came back")
	}
}

func TestSameTopicWaitsForItsAcknowledgements(t *testing.T) {
	b := newBench(t)
	b.send.down["t1"] = true
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1")}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	filtered := b.entry("a.log", "t1")
	filtered.ExcludeLines = []string{"never"}
	b.apply([]etcdcfg.Entry{filtered}, 2) // the same path and topic, with a filter
	b.write("a.log", "two\n")
	b.send.mu.Lock()
	held := b.send.held["t1"]
	b.send.down["t1"] = false
	b.send.mu.Unlock()
	if len(b.send.sent("t1")) != 1 {
		t.Error("the successor read before its predecessor's lines were acknowledged")
	}
	for _, bundle := range held {
		bundle.Done(ship.Result{Acked: 1})
	}
	b.expect("t1", "one", "two")
}

// TestSuccessorStoppedWhileItWaits stops a task that waits for the acknowledgements of
// its predecessor: the next one must wait for them as well, and not read again.
func TestSuccessorStoppedWhileItWaits(t *testing.T) {
	b := newBench(t)
	b.send.down["t1"] = true
	e := b.entry("a.log", "t1")
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	for revision := int64(2); revision < 40; revision += 2 {
		b.apply(nil, revision)
		b.apply([]etcdcfg.Entry{e}, revision+1)
		b.sweep()
	}
	b.supervisor.mu.Lock()
	waits := slices.Clone(b.tasks[e.Key()].after)
	b.supervisor.mu.Unlock()
	if len(waits) == 0 || !slices.ContainsFunc(waits, (*task).unacked) {
		t.Errorf("it waits for %d tasks, for none of which lines are on their way", len(waits))
	}
	b.send.mu.Lock()
	held := b.send.held["t1"]
	b.send.down["t1"] = false
	b.send.mu.Unlock()
	for _, bundle := range held {
		bundle.Done(ship.Result{Acked: 1})
	}
	b.write("a.log", "two\n")
	b.expect("t1", "one", "two")
	testkit.Eventually(t, "what was stopped is forgotten", func() bool {
		b.sweep()
		b.supervisor.mu.Lock()
		defer b.supervisor.mu.Unlock()
		return len(b.last) == 0
	})
}

// TestTopicChangesBackWhileLinesAreOnTheirWay: what a dead topic holds is not handed to
// a successor that was stopped before it took anything over.
func TestTopicChangesBackWhileLinesAreOnTheirWay(t *testing.T) {
	b := newBench(t)
	b.send.down["t1"] = true
	one, two := b.entry("a.log", "t1"), b.entry("a.log", "t2")
	b.apply([]etcdcfg.Entry{one}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	b.apply([]etcdcfg.Entry{two}, 2)
	b.apply([]etcdcfg.Entry{one}, 3)
	b.send.mu.Lock()
	held := b.send.held["t1"]
	b.send.down["t1"] = false
	b.send.mu.Unlock()
	for _, bundle := range held {
		bundle.Done(ship.Result{Acked: 1})
	}
	b.write("a.log", "two\n")
	b.expect("t1", "one", "two")
	if got := b.send.sent("t2"); len(got) != 0 {
		t.Errorf("t2 got %q", got)
	}
}

func TestRemovedEntryComesBack(t *testing.T) {
	b := newBench(t)
	e := b.entry("a.log", "t1")
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	b.apply(nil, 2)
	b.write("a.log", "two\n")
	b.apply([]etcdcfg.Entry{e}, 3)
	b.expect("t1", "one", "two")
}

// TestTwoTopicsOfOnePath restarts one of two entries of a path: each must wait for its
// own predecessor only, and keep its own positions.
func TestTwoTopicsOfOnePath(t *testing.T) {
	b := newBench(t)
	one, two := b.entry("a.log", "t1"), b.entry("a.log", "t2")
	b.apply([]etcdcfg.Entry{one, two}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	b.expect("t2", "one")
	one.ExcludeLines, two.ExcludeLines = []string{"x"}, []string{"y"}
	b.apply([]etcdcfg.Entry{one, two}, 2)
	b.apply([]etcdcfg.Entry{one}, 3)
	b.write("a.log", "two\n")
	b.expect("t1", "one", "two")
	b.apply([]etcdcfg.Entry{one, two}, 4)
	b.expect("t2", "one", "two")
}

func TestNothingIsLeftOfRemovedEntries(t *testing.T) {
	b := newBench(t)
	for i := range 50 {
		name := fmt.Sprintf("f%d.log", i)
		b.apply([]etcdcfg.Entry{b.entry(name, fmt.Sprintf("t%d", i))}, int64(i))
		b.write(name, "one\n")
		b.expect(fmt.Sprintf("t%d", i), "one")
	}
	b.apply(nil, 100)
	testkit.Eventually(t, "stopped tasks are forgotten, and their topics", func() bool {
		b.sweep()
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.last)+len(b.counters)+len(b.topics) == 0 && len(b.send.forgotten) == 50
	})
}

func TestPanicIsOneTasksAlone(t *testing.T) {
	b := newBench(t)
	b.send.panic = "t1"
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1"), b.entry("b.log", "t2")}, 1)
	b.write("a.log", "one\n")
	b.write("b.log", "two\n")
	b.expect("t2", "two")
	b.expect("t1", "one") // it started again, and nothing is lost
}

func TestBadRuleIsSaidAndHeals(t *testing.T) {
	b := newBench(t)
	bad := b.entry("a.log", "t1")
	bad.IncludeLines = []string{"("}
	b.apply([]etcdcfg.Entry{bad}, 1)
	look := func() report.Task {
		_, tasks, _ := b.list()
		return tasks[0].status(time.Now())
	}
	testkit.Eventually(t, "the task says why it fails", func() bool {
		st := look()
		return st.State == state.Failed && strings.Contains(st.Error, `include_lines "("`)
	})
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1")}, 2)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
}

func TestMultilineEvents(t *testing.T) {
	b := newBench(t)
	e := b.entry("a.log", "t1")
	e.Multiline = &etcdcfg.Multiline{Start: "^E"}
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("a.log", "E1\n a\n")
	b.write("a.log", " b\nE2\n")
	b.expect("t1", "E1\n a\n b", "E2") // the last one when no line followed for a while
	testkit.Eventually(t, "the position is behind the last event", func() bool {
		for _, st := range b.shared.registry.States(e.Key()) {
			if st.Pos == int64(len("E1\n a\n b\nE2\n")) {
				return true
			}
		}
		return false
	})
}

// TestMultilinePreset joins by what a program prints; a complete record waits for nothing,
// and the last one as long as its entry says.
func TestMultilinePreset(t *testing.T) {
	b := newBench(t)
	b.shared.times.event = time.Hour
	e := b.entry("a.log", "t1")
	e.Multiline = &etcdcfg.Multiline{Preset: "json"}
	f := b.entry("b.log", "t2")
	f.Multiline = &etcdcfg.Multiline{Preset: "java", Timeout: etcdcfg.MinMultilineTimeout}
	b.apply([]etcdcfg.Entry{e, f}, 2)
	b.write("a.log", "{\n \"a\": 1\n}\nplain\n")
	b.expect("t1", "{\n \"a\": 1\n}", "plain")
	b.write("b.log", "Exception in thread \"main\" x.E: y\n\tat a.b(c)\n")
	b.expect("t2", "Exception in thread \"main\" x.E: y\n\tat a.b(c)")
}

func TestFiltersCountAsDone(t *testing.T) {
	b := newBench(t)
	e := b.entry("a.log", "t1")
	e.IncludeLines = []string{"keep"}
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("a.log", "drop\nkeep 1\ndrop\n")
	b.expect("t1", "keep 1")
	testkit.Eventually(t, "all lines are dealt with", func() bool {
		_, tasks, _ := b.list()
		st := tasks[0].status(time.Now())
		return st.AckedLines == 3 && st.LagBytes == 0
	})
}

func TestStates(t *testing.T) {
	b := newBench(t)
	b.send.down["t2"] = true
	off := b.entry("c.log", "t1")
	off.Disabled = true
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1"), b.entry("b.log", "t2"), off}, 1)
	b.write("b.log", "waits\n")
	testkit.Eventually(t, "states in words", func() bool {
		_, tasks, _ := b.list()
		return tasks[0].status(time.Now()).State == state.WaitingForFile &&
			tasks[1].status(time.Now()).State == state.TopicMissing && tasks[2] == nil
	})
	_, tasks, _ := b.list()
	st := tasks[1].status(time.Now())
	if st.LagBytes != int64(len("waits\n")) || len(st.TopFiles) != 1 || st.TopFiles[0].Acked != 0 || st.Error != "create it" {
		t.Errorf("got %+v", st)
	}
}

// TestOneBadFileOfAGlob tells of the one file that is not followed, as long as nothing
// worse is to be told.
func TestOneBadFileOfAGlob(t *testing.T) {
	b := newBench(t)
	bad := filepath.Join(b.dir, "2.log")
	b.shared.allowed = func(path string) error {
		if path == bad {
			return ErrNotAllowed
		}
		return nil
	}
	b.write("1.log", "goes\n")
	b.write("2.log", "stays\n")
	b.apply([]etcdcfg.Entry{b.entry("*.log", "t1")}, 1)
	is := func(code state.Code, reason string) func() bool {
		return func() bool {
			_, tasks, _ := b.list()
			st := tasks[0].status(time.Now())
			return st.State == code && strings.Contains(st.Error, reason)
		}
	}
	testkit.Eventually(t, "the file is named", is(state.NotAllowed, bad))
	b.send.mu.Lock()
	b.send.down["t1"] = true
	b.send.mu.Unlock()
	testkit.Eventually(t, "the topic matters more", is(state.TopicMissing, "create it"))
}

func TestTopFilesAreThoseWithMostLag(t *testing.T) {
	var files []tail.FileInfo
	for i := range 40 {
		files = append(files, tail.FileInfo{ID: tail.FileID{Ino: uint64(i)}, Path: fmt.Sprint(i), Size: int64(i * 7 % 40), Read: 0})
	}
	var r report.Task
	fillFiles(&r, func(visit func(tail.FileInfo)) {
		for _, f := range files {
			visit(f)
		}
	}, nil)
	if len(r.TopFiles) != topFiles {
		t.Fatalf("got %d files", len(r.TopFiles))
	}
	for i, f := range r.TopFiles {
		if want := int64(39 - i); f.Size != want {
			t.Errorf("place %d has lag %d, want %d", i, f.Size, want)
		}
	}
	if r.LagBytes != 39*40/2 {
		t.Errorf("sum %d", r.LagBytes)
	}
}

// Of files that are all sent, the one that is written to is named before old generations.
func TestTopFilesNameWhatHasItsName(t *testing.T) {
	var r report.Task
	fillFiles(&r, func(visit func(tail.FileInfo)) {
		for i := range 40 {
			visit(tail.FileInfo{ID: tail.FileID{Gen: uint64(i)}, Path: "/app.log", Name: fmt.Sprint("/app.log.", 40-i), Size: 9, Read: 9, Rotated: true})
		}
		visit(tail.FileInfo{ID: tail.FileID{Gen: 40}, Path: "/app.log", Size: 5, Read: 6}) // it grew since it was looked at
		visit(tail.FileInfo{ID: tail.FileID{Gen: 41}, Path: "/other.log", Size: 5, Read: 4})
	}, nil)
	var got []string
	for _, f := range r.TopFiles[:4] {
		got = append(got, f.Path)
	}
	if want := []string{"/other.log", "/app.log", "/app.log.1", "/app.log.2"}; len(r.TopFiles) != topFiles || !slices.Equal(got, want) {
		t.Errorf("%d files, first %v, want %v", len(r.TopFiles), got, want)
	}
}

func BenchmarkWindow(b *testing.B) {
	b.ReportAllocs()
	w := window{used: new(sync.Pool)}
	now := time.Now()
	for b.Loop() {
		w.ack(w.track(tail.State{}, false, now))
	}
}
