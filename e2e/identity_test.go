package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestIdentity is group C: which file is which.
func TestIdentity(t *testing.T) {
	runAll(t, []scenario{
		{name: "inode_used_again", cases: "C01", done: "a file is removed and another is created on its inode, with the same size and larger, five times", run: inodeReuse},
		{name: "delete_and_recreate", cases: "C02", done: "101 lines, removed, 10,100 lines under the same name at once; then again after a pause", run: deleteRecreate},
		{name: "recreated_every_700_ms", cases: "C02", done: "written, removed and created again every 700 ms", run: recreatedOften},
		{name: "identical_heads", cases: "C03", done: "two files with the same first kilobyte and one with exactly the same content", run: identicalHeads},
		{name: "tiny_file", cases: "C04", done: "a file of one short line is shipped at once", run: tinyFile},
		{name: "growing_over_restarts", cases: "C05", done: "1, 2, 1,000, 2,000 lines with a restart between each", run: growingFile},
		{name: "renamed_while_stopped", cases: "C06", done: "stopped; lines; the file is renamed and a new one begun; start", run: renamedWhileStopped},
		{name: "symlink_switched", cases: "C07", done: "a link is switched to another target; both targets get lines", run: symlinkSwitched},
		{name: "symlink_switched_often", cases: "C07", done: "a link is switched to a new target ten times, each written before and after", run: symlinkOften},
		{name: "symlink_removed", cases: "C08", done: "the link is removed while its target is written", run: symlinkRemoved},
		{name: "one_file_many_names", cases: "C09 C10", done: "links and hard links to one file, a dangling link beside them: every line once", run: manyNames},
		{name: "one_file_two_topics", cases: "C09", done: "two entries with the same path and different topics: each topic has every line once", run: twoTopics},
	})
}

func inodeReuse(w *world) {
	l := newLedger()
	topic, agent := w.follow(w.path("*.log"))
	reused := 0
	var before os.FileInfo
	for i := range 5 {
		a := w.writer(l, fmt.Sprintf("f%d.log", i))
		a.lines(100 + 50*(i%2))
		now, err := a.f.Stat()
		w.must(err)
		if before != nil && os.SameFile(before, now) {
			reused++
		}
		before = now
		w.awaitLanded(l.written(), topic)
		a.close()
		w.must(os.Remove(a.path))
		testkit.Eventually(w.t, "the removed file is closed", func() bool {
			return !strings.Contains(strings.Join(agent.descriptors(), "\n"), a.path)
		})
	}
	w.t.Logf("%d of 4 inodes were used again", reused)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func deleteRecreate(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for _, pause := range []time.Duration{time.Millisecond, 3 * time.Second} {
		a.lines(101)
		a.close()
		w.awaitLanded(l.written(), topic)
		w.must(os.Remove(a.path))
		every(pause, 1, func(int) {})
		a.reopen()
		a.lines(10_100)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func recreatedOften(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	rounds := 5
	if torture() {
		rounds = 30
	}
	every(700*time.Millisecond, rounds, func(int) {
		a.lines(2000)
		w.must(os.Remove(a.path))
		a.lines(10) // still to the removed one
		a.reopen()
		a.lines(10)
	})
	w.clean(newCounter(l), topic)
	agent.stop()
}

func identicalHeads(w *world) {
	topic := w.kafka.Topic(w.t, 1)
	head := strings.Repeat("the same first kilobyte\n", 60)
	var want []string
	for i, rest := range []string{"first\n", "second\n", "second\n"} {
		text := head + rest
		w.must(os.WriteFile(w.path(fmt.Sprintf("f%d.log", i)), []byte(text), 0o644))
		want = append(want, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	w.put(collect(w.path("*.log"), topic))
	agent := w.startAgent(quickScan)
	var got []string
	for _, r := range w.values(len(want), topic) {
		got = append(got, string(r.Value))
	}
	if len(got) != len(want) {
		w.t.Errorf("got %d lines, want %d", len(got), len(want))
	}
	v := verdict{Written: len(want)}
	for s, n := range countOf(want) {
		d := countOf(got)[s] - n
		v.Lost += max(0, -d)
		v.Duplicated += max(0, d)
	}
	if v.Lost+v.Duplicated > 0 {
		w.t.Error(v)
	}
	record(w.t, v)
	agent.stop()
}

func countOf(values []string) map[string]int {
	out := map[string]int{}
	for _, s := range values {
		out[s]++
	}
	return out
}

func tinyFile(w *world) {
	path, topic := w.path("app.log"), w.kafka.Topic(w.t, 1)
	w.put(collect(path, topic))
	agent := w.startAgent()
	w.awaitState(path, "waiting for file")
	appendTo(w.t, path, []byte("tiny\n"))
	w.awaitLanded(1, topic)
	w.exactly(topic, "tiny")
	agent.stop()
}

func growingFile(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for _, total := range []int{1, 2, 1000, 2000} {
		a.lines(total - l.written())
		w.awaitLanded(total, topic)
		agent.stop()
		agent = w.startAgent(quickScan)
	}
	w.awaitApplied()
	agent.stop()
	if n := len(w.states()); n != 1 {
		w.t.Errorf("%d states are saved of one file", n)
	}
	w.clean(newCounter(l), topic)
}

func renamedWhileStopped(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(1000)
	w.awaitLanded(1000, topic)
	agent.stop()
	a.lines(500)
	a.rotate(".1")
	a.lines(500)
	agent = w.startAgent(quickScan)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func symlinkSwitched(w *world) {
	l := newLedger()
	a, b := w.writer(l, "t1"), w.writer(l, "t2")
	link := w.path("app.log")
	w.must(os.Symlink(a.path, link))
	topic, agent := w.follow(link)
	a.lines(1)
	w.awaitLanded(1, topic)
	w.switchLink(link, b.path)
	a.lines(1)
	b.lines(1)
	w.clean(newCounter(l), topic)
	agent.stop()
}

// switchLink puts another target behind a link in one step.
func (w *world) switchLink(link, target string) {
	w.t.Helper()
	w.must(os.Symlink(target, link+".new"))
	w.rename(link+".new", link)
}

func symlinkOften(w *world) {
	l := newLedger()
	link := w.path("app.log")
	a := w.writer(l, "gen-0")
	w.must(os.Symlink(a.path, link))
	topic, agent := w.follow(link)
	a.lines(10)
	w.awaitLanded(10, topic)
	for i := range 10 {
		next := w.writer(l, fmt.Sprintf("gen-%d", i+1))
		a.lines(500)
		w.switchLink(link, next.path)
		a.lines(5)
		next.lines(500)
		every(100*time.Millisecond, 1, func(int) {})
		a = next
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func symlinkRemoved(w *world) {
	l := newLedger()
	a := w.writer(l, "target")
	link := w.path("app.log")
	w.must(os.Symlink(a.path, link))
	topic, agent := w.follow(link)
	a.lines(100)
	w.awaitLanded(100, topic)
	w.must(os.Remove(link))
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func manyNames(w *world) {
	l := newLedger()
	a := w.writer(l, "a.log")
	for i := range 3 {
		w.must(os.Symlink(a.path, w.path(fmt.Sprintf("link%d.log", i))))
	}
	w.must(os.Link(a.path, w.path("hard.log")))
	w.must(os.Symlink(w.path("nowhere"), w.path("dangling.log")))
	other := w.writer(l, "other.log")
	topic, agent := w.follow(w.path("*.log"))
	for range 3 {
		a.lines(100)
		other.lines(100)
		w.awaitLanded(l.written(), topic)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func twoTopics(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	one, two := w.kafka.Topic(w.t, 1), w.kafka.Topic(w.t, 1)
	w.put(collect(a.path, one), collect(a.path, two))
	agent := w.startAgent(quickScan)
	w.awaitApplied()
	a.lines(500)
	a.rotate(".1")
	a.lines(500)
	w.awaitLanded(1000, one)
	w.awaitLanded(1000, two)
	w.clean(newCounter(l), one)
	w.clean(newCounter(l), two)
	agent.stop()
}
