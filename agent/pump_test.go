package agent

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"logctl/agent/ship"
	"logctl/agent/tail"
	"logctl/internal/testkit"
)

// TestNothingMovesThePositionPastUnsentLines ends a task between two ranges of a file:
// the first holds lines that are not sent any more, the second none to send. The second
// must not count as acknowledged, or the lines of the first are lost.
func TestNothingMovesThePositionPastUnsentLines(t *testing.T) {
	b := newBench(t)
	task := newTask(b.shared, b.entry("a.log", "t1"), &counters{})
	s := &stream{id: tail.FileID{Dev: 1, Ino: 2}, window: window{used: &task.segments}}
	now := time.Now()
	parcelTo := func(pos int64, spans ...ship.Span) *parcel {
		pc := task.shared.parcels.get(task, s)
		pc.bundle.Data, pc.lines, pc.bytes = []byte("line"), 1, 5
		pc.bundle.Spans = append(pc.bundle.Spans, spans...)
		pc.seg = s.window.track(tail.State{ID: s.id, Pos: pos}, false, now)
		return pc
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := task.dispatch(ctx, parcelTo(5, ship.Span{End: 4}), now); err != nil {
		t.Fatal(err)
	}
	if err := task.dispatch(ctx, parcelTo(10), now); err != nil { // the filter dropped its line
		t.Fatal(err)
	}
	if pos, _ := s.window.position(); pos != 10 {
		t.Fatalf("position %d while the task runs, want 10", pos)
	}
	cancel()
	if err := task.dispatch(ctx, parcelTo(15, ship.Span{End: 4}), now); !errors.Is(err, context.Canceled) {
		t.Errorf("lines after the end: %v", err)
	}
	if err := task.dispatch(ctx, parcelTo(20), now); !errors.Is(err, context.Canceled) {
		t.Errorf("a range without lines after the end: %v", err)
	}
	if pos, _ := s.window.position(); pos != 10 {
		t.Errorf("position %d, past lines that were not sent", pos)
	}
	if saved := b.shared.registry.States(task.entry.Key()); len(saved) != 1 || saved[0].Pos != 10 {
		t.Errorf("saved %+v, want position 10", saved)
	}
	if task.unacked() || task.counters.ackedLines.Load() != 2 {
		t.Errorf("unacked %v, %d lines acknowledged, want 2", task.unacked(), task.counters.ackedLines.Load())
	}
}

// TestPositionsAreThereWhenNothingIsUnacked stops an acknowledgement between the window
// and the registry: what is not saved yet must still count as on its way, or a successor
// that waits for that would take over the position before it.
func TestPositionsAreThereWhenNothingIsUnacked(t *testing.T) {
	b := newBench(t)
	task := newTask(b.shared, b.entry("a.log", "t1"), &counters{})
	s := &stream{id: tail.FileID{Dev: 1, Ino: 2}, window: window{used: &task.segments}}
	task.streams[s.id] = s
	seg := s.window.track(tail.State{ID: s.id, Pos: 5}, false, time.Now())
	done := make(chan struct{})
	task.mu.Lock()
	go func() {
		defer close(done)
		task.acknowledge(s, seg)
	}()
	for began := time.Now(); time.Since(began) < 50*time.Millisecond; runtime.Gosched() {
		if _, ok := s.window.oldest(); !ok {
			t.Error("nothing is on its way, and the position is not saved")
			break
		}
	}
	task.mu.Unlock()
	<-done
	if saved := b.shared.registry.States(task.entry.Key()); len(saved) != 1 || saved[0].Pos != 5 || task.unacked() {
		t.Errorf("saved %+v, unacked %v, want position 5", saved, task.unacked())
	}
}

// TestTruncatedGenerationGoesBeforeItsCopyMoves has a file copied and truncated before
// anything of it was read. When the copy is read, the saved positions must not hold the
// truncated generation any more: a start after a kill would take the copy, however far
// it was delivered, back to where that one was.
func TestTruncatedGenerationGoesBeforeItsCopyMoves(t *testing.T) {
	b := newBench(t)
	b.write("a.log", strings.Repeat("a line of the first generation\n", 100))
	task := newTask(b.shared, b.entry("a.log", "t1"), &counters{})
	set, err := task.open(&pumps{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	if err := set.Scan(ctx); err != nil {
		t.Fatal(err)
	}
	first := set.Unsaved()
	if err := b.shared.registry.Register(task.entry.Key(), first); err != nil || len(first) != 1 {
		t.Fatalf("registered %+v: %v", first, err)
	}
	task.follows(set)
	path := filepath.Join(b.dir, "a.log")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path+".1", data, 0o600), os.Truncate(path, 0)); err != nil {
		t.Fatal(err)
	}
	b.write("a.log", "new\n")
	var f *tail.File
	for f == nil || f.ID() == first[0].ID {
		if f != nil {
			if _, err := f.Next(); !errors.Is(err, io.EOF) {
				t.Fatalf("the truncated file was read: %v", err)
			}
			f.Release()
		}
		if f, err = set.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
	defer f.Release()
	task.streamOf(f, nil)
	known := false
	for _, st := range b.shared.registry.States(task.entry.Key()) {
		if st.ID == first[0].ID {
			t.Errorf("the truncated generation is still saved, at position %d", st.Pos)
		}
		known = known || st.ID == f.ID()
	}
	if !known || !strings.HasPrefix(f.Info().Name, path+".1") {
		t.Errorf("%s is read (saved: %v), want the copy", f.Info().Name, known)
	}
}
