package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/agent/ship"
	"logctl/agent/state"
	"logctl/agent/transform"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// TestTopicFlips changes the topic of an entry to and fro, at any moment of the change
// before, while lines are written: each line goes to one of the topics, once.
func TestTopicFlips(t *testing.T) {
	b := newBench(t)
	topics := []string{"t1", "t2"}
	written := 0
	for i := range 200 {
		b.apply([]etcdcfg.Entry{b.entry("a.log", topics[i%2])}, int64(i+1))
		if i%10 == 0 {
			b.write("a.log", fmt.Sprintf("line %d\n", written))
			written++
		}
		if i%7 == 0 {
			b.sweep()
		}
		wait := rand.N(20 * time.Millisecond)
		for began := time.Now(); time.Since(began) < wait; runtime.Gosched() {
		}
	}
	b.write("a.log", "the last\n")
	sent := func() []string { return append(b.send.sent("t1"), b.send.sent("t2")...) }
	testkit.Eventually(t, "the last line was sent", func() bool { return slices.Contains(sent(), "the last") })
	times := map[string]int{}
	for _, line := range sent() {
		times[line]++
	}
	for i := range written {
		if line := fmt.Sprintf("line %d", i); times[line] != 1 {
			t.Errorf("%q was sent %d times", line, times[line])
		}
	}
	if len(times) != written+1 {
		t.Errorf("%d lines were sent, want %d", len(times), written+1)
	}
}

// TestPanicFreezesNothing has a task fail while it holds an event of one file and sends
// one of another: each event is sent once, and the positions move on.
func TestPanicFreezesNothing(t *testing.T) {
	b := newBench(t)
	b.shared.times.event = 300 * time.Millisecond
	e := b.entry("*.log", "t1")
	e.Multiline = &etcdcfg.Multiline{Start: "^E"}
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("a.log", "E1\n a\n")
	status := func() report.Task {
		_, tasks, _ := b.list()
		return tasks[0].status(time.Now())
	}
	testkit.Eventually(t, "the event of a.log is held", func() bool { return status().Lines == 2 })
	b.send.mu.Lock()
	b.send.panic = "t1"
	b.send.mu.Unlock()
	b.write("b.log", "E2\nE3\n")
	testkit.Eventually(t, "all events were sent", func() bool { return len(b.send.sent("t1")) >= 3 })
	testkit.Eventually(t, "all is acknowledged, and the positions say so", func() bool {
		sum := int64(0)
		for _, st := range b.shared.registry.States(e.Key()) {
			sum += st.Pos
		}
		st := status()
		return sum == int64(len("E1\n a\nE2\nE3\n")) && st.LagBytes == 0 && st.OldestUnackedMS == 0
	})
	got := b.send.sent("t1")
	slices.Sort(got)
	if want := []string{"E1\n a", "E2", "E3"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestEditedWhileItsTopicIsDown: the task of an edited entry waits for what was read
// before, and says why.
func TestEditedWhileItsTopicIsDown(t *testing.T) {
	b := newBench(t)
	e := b.entry("a.log", "t1")
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	b.send.mu.Lock()
	b.send.down["t1"] = true
	b.send.mu.Unlock()
	b.write("a.log", "two\n")
	b.expect("t1", "one", "two")
	e.ExcludeLines = []string{"^debug"}
	b.apply([]etcdcfg.Entry{e}, 2)
	_, tasks, _ := b.list()
	if st := tasks[0].status(time.Now()); st.State != state.TopicMissing || st.Error != "create it" {
		t.Errorf("got %q (%s), want what is wrong with the topic", st.State, st.Error)
	}
	b.send.mu.Lock()
	b.send.down["t1"] = false
	held := b.send.held["t1"]
	b.send.mu.Unlock()
	ackAll(held)
	b.write("a.log", "debug\nthree\n")
	b.expect("t1", "one", "two", "three")
}

// TestEventsAreWholeInABacklog reads a file with more than a turn of a task in it. When
// the turn is over, other files may take their time: the event that is held then waits
// for the next turn, not for the timer that ends the events of quiet files.
func TestEventsAreWholeInABacklog(t *testing.T) {
	b := newBench(t)
	e := b.entry("a.log", "t1")
	e.Multiline = &etcdcfg.Multiline{Start: "^E"}
	const lines = 99
	event := "E\n" + strings.Repeat(strings.Repeat("x", 1000)+"\n", lines)
	events := quantum/len(event) + 5
	b.write("a.log", strings.Repeat(event, events))
	task := newTask(b.shared, e, &counters{})
	rules, err := transform.Compile(ruleSpec(e))
	if err != nil {
		t.Fatal(err)
	}
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
	task.follows(set)
	for turn := range 2 {
		f, err := set.Ready(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := task.pump(ctx, f, rules); err != nil {
			t.Fatal(err)
		}
		sent := len(b.send.sent("t1"))
		if err := task.flushHeld(ctx, task.streamOf(f, rules), time.Now()); err != nil {
			t.Fatal(err)
		}
		if flushed := len(b.send.sent("t1")) - sent; flushed != turn {
			t.Errorf("turn %d: %d events were ended by the timer", turn+1, flushed)
		}
	}
	got := b.send.sent("t1")
	if len(got) != events {
		t.Errorf("%d events, want %d", len(got), events)
	}
	for i, text := range got {
		if n := strings.Count(text, "\n"); n != lines {
			t.Fatalf("event %d has %d lines", i, n+1)
		}
	}
}

// TestWhatWasHandedOverIsNotWaitedFor: lines that a topic refuses, and that went to the
// entry's new topic instead, do not hold up the end; lines of an entry that left do.
func TestWhatWasHandedOverIsNotWaitedFor(t *testing.T) {
	b := newBench(t)
	b.send.down["t1"], b.send.down["t3"] = true, true
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1"), b.entry("b.log", "t3")}, 1)
	b.write("a.log", "one\n")
	b.write("b.log", "two\n")
	b.expect("t1", "one")
	b.expect("t3", "two")
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t2")}, 2)
	b.expect("t2", "one")
	b.stop(context.Background())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if n := b.drain(ctx); n != 1 {
		t.Errorf("something of %d entries is waited for, want 1", n)
	}
	b.send.mu.Lock()
	held := b.send.held["t3"]
	b.send.mu.Unlock()
	ackAll(held)
	ctx, cancel = context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	if n := b.drain(ctx); n != 0 || ctx.Err() != nil {
		t.Errorf("something of %d entries is waited for", n)
	}
}

// TestQuietEntryIsRemovedForAMoment: positions are kept from when an entry left, not from
// when its files were last written to.
func TestQuietEntryIsRemovedForAMoment(t *testing.T) {
	b := newBench(t)
	e := b.entry("a.log", "t1")
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("a.log", "one\n")
	b.expect("t1", "one")
	testkit.Eventually(t, "it is acknowledged", func() bool {
		_, tasks, _ := b.list()
		return !tasks[0].unacked()
	})
	quiet := time.Now()
	b.apply(nil, 2)
	if err := b.shared.registry.Expire(quiet, b.wants); err != nil {
		t.Fatal(err)
	}
	b.write("a.log", "two\n")
	b.apply([]etcdcfg.Entry{e}, 3)
	b.expect("t1", "one", "two")
	if err := b.shared.registry.Expire(time.Now().Add(time.Hour), b.wants); err != nil || !b.shared.registry.Known(e.Key()) {
		t.Errorf("what is followed was forgotten: %v", err)
	}
}

// ackAll acknowledges bundles, as ship does when a topic is up again.
func ackAll(held []*ship.Bundle) {
	for _, b := range held {
		b.Done(ship.Result{Acked: len(b.Spans)})
	}
}
