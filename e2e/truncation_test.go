package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestTruncation is group B: files that are cut, copied and rewritten in place.
func TestTruncation(t *testing.T) {
	restartable := []testkit.KafkaOption{testkit.Restartable()}
	runAll(t, []scenario{
		{name: "truncate_then_write", cases: "B01", done: "lines, truncation to zero, lines", run: truncateThenWrite},
		{name: "copytruncate_append_writer", cases: "B02", done: "copy and truncate, three times, under a writer that opened the file for appending", run: copyTruncateAppend},
		{name: "copytruncate_non_append_writer", cases: "B03", done: "copy and truncate under a writer that goes on at its old offset and so leaves a head of NUL bytes", run: copyTruncateSparse},
		{name: "copy_matches_the_glob", cases: "B04", done: "the copy has a rotated name and is matched by the glob too; both files get a new line", run: copyInGlob},
		{name: "copy_under_a_name_of_its_own", cases: "B04", done: "the copy app2.log of app1.log is a file of its own: its lines come again, once", run: copyOfItsOwn},
		{name: "slow_copytruncate", cases: "B05", done: "three files, three copytruncates each, 30 lines at 5 ms between them", run: slowCopyTruncate},
		{name: "regrown_larger", cases: "B06", done: "the file is truncated and written larger than before on the same inode, 50 times", run: regrownLarger},
		{name: "rewritten", cases: "B07", done: "rewritten in place to the same size, to a larger and to a smaller one", run: rewritten},
		{name: "truncated_to_smaller", cases: "B01", done: "truncated to half, then appended to", run: truncatedToSmaller},
		{name: "truncated_while_stopped", cases: "B08", done: "the agent is stopped; the file is truncated and written again, smaller than before", run: func(w *world) { truncatedWhileStopped(w, 5) }},
		{name: "regrown_while_stopped", cases: "B09", done: "the agent is stopped; the file is truncated and regrown past the saved position", run: func(w *world) { truncatedWhileStopped(w, 3000) }},
		{name: "output_blocked", cases: "B10", done: "Kafka is down; read lines wait; the file is truncated and written; Kafka comes back; the agent starts once more", run: truncatedBlocked, opts: restartable},
		{name: "stopped_before_the_next_look", cases: "B11", done: "truncated and stopped at once, before a look; then lines; start", run: truncatedThenStopped},
		{name: "atomic_replace_grown", cases: "B12", done: "a copy with one more line is renamed over the file", run: func(w *world) { atomicReplace(w, true) }},
		{name: "atomic_replace_new", cases: "B12", done: "a file with other content is renamed over the file, which was not read to its end", run: func(w *world) { atomicReplace(w, false) }},
		{name: "same_head", cases: "B13", done: "every generation begins with the same 2,000 bytes; rotation by rename and by truncation", run: sameHead},
		{name: "truncate_behind_a_symlink", cases: "B14", done: "the target is truncated while the link to it is removed and made again", run: truncateBehindLink},
	})
}

func truncateThenWrite(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(5)
	w.awaitLanded(5, topic)
	a.truncate(0)
	a.lines(5)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func copyTruncateAppend(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for i := range 3 {
		a.lines(2000)
		a.copyTruncate(fmt.Sprintf(".%d", i+1))
		a.lines(10)
		w.awaitLanded(l.written(), topic)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func copyTruncateSparse(w *world) {
	l := newLedger()
	path := w.path("app.log")
	f, err := os.Create(path) // no O_APPEND
	w.must(err)
	defer f.Close()
	a := &writer{w: w, l: l, lane: "app.log", path: path, f: f}
	topic, agent := w.follow(path)
	for i := range 3 {
		a.lines(500)
		w.awaitLanded(l.written(), topic)
		a.copyTruncate(fmt.Sprintf(".%d", i+1))
	}
	a.lines(500)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func copyInGlob(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(w.path("app.log*"))
	for i := range 3 {
		a.lines(2)
		w.awaitLanded(l.written(), topic)
		a.copyTruncate(fmt.Sprintf(".%d", i+1))
		every(500*time.Millisecond, 1, func(int) {}) // both are looked at
		b := w.writer(l, fmt.Sprintf("app.log.%d", i+1))
		b.lines(1)
		a.lines(1)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

// copyOfItsOwn is the limit of copyInGlob: nothing in two names like these says that
// one is a copy of the other, and two files that begin with the same lines may both
// have been written. To leave them out could lose lines; they come again exactly once.
func copyOfItsOwn(w *world) {
	l := newLedger()
	a := w.writer(l, "app1.log")
	topic, agent := w.follow(w.path("*.log"))
	a.lines(2)
	w.awaitLanded(2, topic)
	data, err := os.ReadFile(a.path)
	w.must(err)
	w.must(os.WriteFile(w.path("app2.log"), data, 0o644))
	a.truncate(0)
	every(500*time.Millisecond, 1, func(int) {}) // both are looked at
	b := w.writer(l, "app2.log")
	b.lines(1)
	a.lines(1)
	if v := w.spared(newCounter(l), 2, topic); v.Duplicated != 2 {
		w.t.Errorf("%d lines came again, want the 2 of the copy", v.Duplicated)
	}
	agent.stop()
}

func slowCopyTruncate(w *world) {
	l := newLedger()
	var files []*writer
	for i := range 3 {
		files = append(files, w.writer(l, fmt.Sprintf("f%d.log", i)))
	}
	topic, agent := w.follow(w.path("f?.log"))
	for round := range 3 {
		every(5*time.Millisecond, 30, func(int) {
			for _, f := range files {
				f.lines(1)
			}
		})
		for _, f := range files {
			f.copyTruncate(fmt.Sprintf(".%d", round))
		}
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func regrownLarger(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for i := range 50 {
		a.truncate(0)
		a.lines(50 * (i + 1) / 10)
		w.awaitLandedQuietly(l.written(), topic)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

// awaitLandedQuietly is awaitLanded without a word, for loops.
func (w *world) awaitLandedQuietly(n int, topic string) {
	w.t.Helper()
	testkit.Eventually(w.t, fmt.Sprintf("%d records in %s", n, topic), func() bool { return w.landed(topic) >= int64(n) })
}

func rewritten(w *world) {
	path, topic := w.path("app.log"), w.kafka.Topic(w.t, 1)
	w.put(collect(path, topic))
	agent := w.startAgent(quickScan)
	var want []string
	for _, content := range []string{"old line 1\nold line 2\n", "new line 1\nnew line 2\n", "a larger line 1\na larger line 2\na larger line 3\n", "small\n", "SMALL\n"} {
		w.must(os.WriteFile(path, []byte(content), 0o644)) // truncates, keeps the inode
		want = append(want, strings.Split(strings.TrimSuffix(content, "\n"), "\n")...)
		w.awaitLanded(len(want), topic)
	}
	w.exactly(topic, want...)
	agent.stop()
}

func truncatedToSmaller(w *world) {
	path, topic := w.path("app.log"), w.kafka.Topic(w.t, 1)
	w.put(collect(path, topic))
	appendTo(w.t, path, []byte("one\ntwo\nthree\nfour\n"))
	agent := w.startAgent(quickScan)
	w.awaitLanded(4, topic)
	w.must(os.Truncate(path, int64(len("one\ntwo\n"))))
	// What stays is read again: nobody can tell it from a rewritten file.
	w.awaitLanded(6, topic)
	appendTo(w.t, path, []byte("five\n"))
	w.exactly(topic, "one", "two", "three", "four", "one", "two", "five")
	agent.stop()
}

func truncatedWhileStopped(w *world, after int) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(1000)
	w.awaitLanded(1000, topic)
	agent.stop()
	a.truncate(0)
	a.lines(after)
	agent = w.startAgent(quickScan)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func truncatedBlocked(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(a.path, topic))
	agent := w.startAgent(quickScan, listen)
	a.lines(100)
	w.awaitLanded(100, topic)
	w.kafka.Stop()
	a.lines(1000)
	testkit.Eventually(w.t, "the lines are read", func() bool { return w.sum(agent, "logctl_task_read_lines_total") >= 1100 })
	a.truncate(0)
	a.lines(500)
	testkit.Eventually(w.t, "the new lines are read", func() bool { return w.sum(agent, "logctl_task_read_lines_total") >= 1600 })
	w.kafka.Start(w.t)
	w.awaitLanded(1600, topic)
	agent.stop()
	agent = w.startAgent(quickScan)
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func truncatedThenStopped(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 3)
	e := collect(a.path, topic)
	e["poll"] = true
	w.put(e)
	agent := w.startAgent("LOGCTL_AGENT_SCAN_INTERVAL=2s")
	a.lines(1000)
	w.awaitLanded(1000, topic)
	a.truncate(0)
	agent.stop()
	a.lines(10)
	agent = w.startAgent(quickScan)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func atomicReplace(w *world, grown bool) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(4)
	w.awaitLanded(4, topic)
	var data []byte
	if grown {
		old, err := os.ReadFile(a.path)
		w.must(err)
		data = old
	} else {
		a.lines(20_000) // unread, or not all of it
	}
	w.must(os.WriteFile(w.path("tmp"), append(data, l.lines(a.lane, 1)...), 0o644))
	// Within one tick of the file system's clock only events tell a file renamed over
	// another from one made after the other was removed, and a look may come before its
	// events; then lines rather come again than not at all. The follower's own test of
	// one tick has each order of events.
	every(20*time.Millisecond, 1, func(int) {})
	w.rename(w.path("tmp"), a.path)
	w.clean(newCounter(l), topic)
	agent.stop()
}

// sameHead begins each generation with the same long line, which makes it hard to
// tell them apart by their heads.
func sameHead(w *world) {
	path, topic := w.path("app.log"), w.kafka.Topic(w.t, 1)
	head := strings.Repeat("a", 2000)
	w.put(collect(path, topic))
	agent := w.startAgent(quickScan)
	w.awaitApplied()
	var want []string
	for i := range 6 {
		lines := []string{head}
		for n := range 2 + i {
			lines = append(lines, fmt.Sprintf("generation %d line %d", i, n))
		}
		appendTo(w.t, path, []byte(strings.Join(lines, "\n")+"\n"))
		want = append(want, lines...)
		if i%2 == 0 {
			w.rename(path, fmt.Sprintf("%s.%d", path, i))
			continue
		}
		w.awaitLanded(len(want), topic)
		w.must(os.Truncate(path, 0))
	}
	w.exactly(topic, want...)
	agent.stop()
}

func truncateBehindLink(w *world) {
	l := newLedger()
	a := w.writer(l, "target")
	link := w.path("app.log")
	w.must(os.Symlink(a.path, link))
	topic, agent := w.follow(link)
	a.lines(10)
	w.awaitLanded(10, topic)
	w.must(os.Remove(link))
	a.truncate(0)
	w.must(os.Symlink(a.path, link))
	a.lines(5)
	w.clean(newCounter(l), topic)
	agent.stop()
}
