package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// TestEvidence is about what tells which file is which, where names and times do not.
func TestEvidence(t *testing.T) {
	gap := func(path, copied string) func(*world) {
		return func(w *world) { copyWithGap(w, path, copied) }
	}
	runAll(t, []scenario{
		{name: "copy_ends_before_the_position", cases: "B04", done: "three times: the file is copied, gets more lines, which are read, and is truncated", run: gap("app.log", "app.log.%d")},
		{name: "copy_with_a_date_before_the_extension", cases: "B04", done: "the same with copies named app-2026010N.log, which the glob *.log matches", run: gap("*.log", "app-2026010%d.log")},
		{name: "touched_then_rotated_twice_while_stopped", cases: "E01", done: "the file gets a time 100 s ahead; the agent is stopped; two rotations; the agent starts", run: touchedAndRotated},
		{name: "copied_to_another_inode", cases: "B12", done: "running, then stopped: the file is copied with its times, and the copy put in its place", run: newInode},
		{name: "shredded_after_rotation", done: "a rotated file that was read is overwritten with noise three times, then removed", run: shredded},
	})
}

func copyWithGap(w *world, path, copied string) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(w.path(path))
	for i := range 3 {
		a.lines(200)
		w.awaitLanded(l.written(), topic)
		data, err := os.ReadFile(a.path)
		w.must(err)
		w.must(os.WriteFile(w.path(fmt.Sprintf(copied, i+1)), data, 0o644))
		a.lines(3)
		w.awaitLanded(l.written(), topic)
		a.truncate(0)
		a.lines(1)
		w.awaitLanded(l.written(), topic)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func touchedAndRotated(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(10)
	w.awaitLanded(10, topic)
	ahead := time.Now().Add(100 * time.Second)
	w.must(os.Chtimes(a.path, ahead, ahead))
	every(1500*time.Millisecond, 1, func(int) {}) // the time is seen
	agent.stop()
	a.rename(".1")
	b := w.writer(l, "app.log")
	b.lines(10)
	w.rename(a.path+".1", a.path+".2")
	b.rename(".1")
	c := w.writer(l, "app.log")
	c.lines(10)
	agent = w.startAgent()
	w.clean(newCounter(l), topic)
	agent.stop()
}

func newInode(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(200)
	w.awaitLanded(200, topic)
	for range 2 {
		st, err := os.Stat(a.path)
		w.must(err)
		data, err := os.ReadFile(a.path)
		w.must(err)
		w.must(os.WriteFile(a.path+"~", data, 0o644))
		w.must(os.Chtimes(a.path+"~", st.ModTime(), st.ModTime()))
		a.close()
		w.must(os.Remove(a.path))
		w.rename(a.path+"~", a.path)
		a.reopen()
		a.lines(5)
		if agent == nil {
			agent = w.startAgent()
		}
		w.awaitLanded(l.written(), topic)
		agent.stop()
		agent = nil
	}
	agent = w.startAgent()
	w.clean(newCounter(l), topic)
	agent.stop()
}

func shredded(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(200)
	w.awaitLanded(200, topic)
	a.rename(".1")
	b := w.writer(l, "app.log")
	b.lines(5)
	w.awaitLanded(205, topic)
	a.close()
	noise := make([]byte, 8192)
	every(300*time.Millisecond, 3, func(pass int) {
		for i := range noise {
			noise[i] = byte(128 + (i*31+pass)%128)
		}
		f, err := os.OpenFile(a.path+".1", os.O_WRONLY, 0)
		w.must(err)
		_, err = f.Write(noise)
		w.must(err)
		w.must(f.Close())
	})
	w.must(os.Remove(a.path + ".1"))
	b.lines(5)
	w.clean(newCounter(l), topic)
	agent.stop()
}
