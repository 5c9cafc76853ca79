package agent

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"logctl/agent/ship"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// TestAQuietTaskHasNoGoroutine ships lines of many entries and counts what runs when all is
// acknowledged: 5,000 entries had 55,000 goroutines with 250 MB of stacks.
func TestAQuietTaskHasNoGoroutine(t *testing.T) {
	const entries = 40
	b := newBench(t)
	b.apply([]etcdcfg.Entry{b.entry("first.log", "t1")}, 1)
	b.write("first.log", "first\n")
	b.expect("t1", "first")
	before := runtime.NumGoroutine() // with a pump more, perhaps
	list := []etcdcfg.Entry{b.entry("first.log", "t1")}
	var want []string
	for i := range entries {
		name := fmt.Sprintf("app-%02d.log", i)
		b.write(name, name+"\n")
		e := b.entry(name, "t2")
		e.From = etcdcfg.FromBeginning
		list = append(list, e)
		want = append(want, name)
	}
	b.apply(list, 2)
	testkit.Eventually(t, "all lines are there", func() bool { return len(b.send.sent("t2")) == len(want) })
	now := 0
	testkit.Eventually(t, "no goroutine for a task", func() bool {
		now = runtime.NumGoroutine()
		return now <= before+4
	})
}

// TestNothingIsReadForAClosedTopic: where nothing can be sent, lines stay in their files, how
// long they wait is told all the same, and they go when the topic opens. Each of 5,000 entries
// of a missing topic took a chunk and a goroutine.
func TestNothingIsReadForAClosedTopic(t *testing.T) {
	const entries = 40
	b := newBench(t)
	b.send.closed["t1"] = true
	var list []etcdcfg.Entry
	var want []string
	for i := range entries {
		name := fmt.Sprintf("app-%02d.log", i)
		b.write(name, name+"\n")
		list = append(list, b.entry(name, "t1"))
		want = append(want, name)
	}
	b.apply(append(list, b.entry("none.log", "t1")), 1)
	_, tasks, _ := b.list()
	none := tasks[entries]
	tasks = tasks[:entries]
	testkit.Eventually(t, "all wait, and say since when", func() bool {
		for _, task := range tasks {
			r := task.status(time.Now().Add(time.Minute))
			if r.State != state.TopicMissing || r.OldestUnackedMS < 60_000 || r.LagBytes != int64(len("app-00.log\n")) {
				return false
			}
		}
		return true
	})
	if r := none.status(time.Now()); r.OldestUnackedMS != 0 {
		t.Errorf("a line waits for %d ms where there is no file", r.OldestUnackedMS)
	}
	for _, task := range tasks {
		if r := task.status(time.Now()); r.Lines != 0 {
			t.Fatalf("%d lines of %s were read", r.Lines, r.Path)
		}
	}
	b.send.mu.Lock()
	b.send.closed["t1"] = false
	b.send.mu.Unlock()
	b.shared.closed.changed(ship.TopicStatus{Topic: "t1"})
	testkit.Eventually(t, "all lines are there", func() bool { return len(b.send.sent("t1")) == len(want) })
	testkit.Eventually(t, "nothing waits", func() bool { return tasks[0].status(time.Now()).OldestUnackedMS == 0 })
	if n := len(b.shared.closed.waiting); n != 0 {
		t.Errorf("%d topics are still waited for", n)
	}
}

// TestATopicThatOpensAtAnyMoment opens and closes a topic while lines come: none is left behind.
func TestATopicThatOpensAtAnyMoment(t *testing.T) {
	b := newBench(t)
	b.apply([]etcdcfg.Entry{b.entry("a.log", "t1")}, 1)
	var want []string
	for i := range 200 {
		closed := i%2 == 0
		b.send.mu.Lock()
		b.send.closed["t1"] = closed
		b.send.mu.Unlock()
		b.shared.closed.changed(ship.TopicStatus{Topic: "t1", Closed: closed})
		line := fmt.Sprintf("line %d", i)
		b.write("a.log", line+"\n")
		want = append(want, line)
	}
	b.expect("t1", want...)
}
