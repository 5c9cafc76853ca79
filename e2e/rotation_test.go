package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestRotation is group A: files that are renamed, moved and replaced.
func TestRotation(t *testing.T) {
	runAll(t, []scenario{
		{name: "late_writes_to_the_renamed_file", cases: "A01", done: "a file is renamed and created again; the writer writes one more line to the old descriptor, then to the new file", run: lateWrites},
		{name: "two_rotations_with_late_writes", cases: "A02", done: "two rotations in a row, a late write to each old descriptor", run: twoLateWrites},
		{name: "twice_while_the_output_stands", cases: "A03", done: "Kafka is down; the file is rotated twice, 10,000 lines in each of three generations; Kafka comes back", run: rotatedWhileBlocked, opts: []testkit.KafkaOption{testkit.Restartable()}},
		{name: "many_files_at_once", cases: "A04", done: "three files of one glob, each rotated three times with lines before, late and after", run: manyFiles},
		{name: "slow_writers", cases: "A05", done: "three files, three rotations each, 30 lines at 5 ms between them", run: slowRotations},
		{name: "moved_to_another_directory", cases: "A06", done: "the file is moved out of the watched directory while the writer keeps writing to it", run: movedAway},
		{name: "unfinished_last_line", cases: "A07", done: "the file ends without a newline when it is renamed; a new one begins", run: unfinishedTail},
		{name: "backlog_at_the_rotation", cases: "A11", done: "a burst is written and the file rotated at once, long before it can be read", run: backlogAtRotation},
		{name: "full_speed", cases: "A12", done: "four generations written without a pause, renamed in between", run: fullSpeed},
		{name: "ten_renames_in_a_moment", cases: "A12", done: "ten generations filled and renamed within 0.3 s", run: tenRenames},
		{name: "steady_rate", cases: "A12", done: "5,000 lines a second, renamed again and again", run: steadyRate},
		{name: "chain_of_names", cases: "A13", done: ".1 becomes .2, .2 becomes .3, the file becomes .1, five times; what was shipped is not sent again", run: renameChain},
		{name: "rotated_and_removed", cases: "A14", done: "the file is renamed and removed before it was read to its end; its descriptor is released afterwards", run: rotatedAndRemoved},
		{name: "rotated_name_matches_the_glob", cases: "A15", done: "the glob app.log* also matches app.log.1, .2, …", run: globMatchesRotated},
		{name: "timestamp_suffix", cases: "A16", done: "rotation to names with dates, with writers slower and faster than the looks", run: timestampSuffix},
		{name: "stopped_and_rotated_twice", cases: "E01", done: "the agent is stopped; lines, rotation, lines, rotation, lines; the agent starts again", run: stoppedTwice},
		{name: "between_two_looks", done: "by polling every 2 s: files created, filled and renamed between two looks, five generations", run: betweenTwoLooks},
		{name: "two_rotations_while_behind", cases: "A03", done: "the reader is held up by a full buffer while the file is rotated twice", run: rotatedWhileBehind, opts: []testkit.KafkaOption{testkit.Restartable()}},
	})
}

func lateWrites(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(1)
	w.awaitLanded(1, topic)
	a.rename(".1")
	next := w.writer(l, "app.log")
	a.late(1)
	next.lines(1)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func twoLateWrites(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(1)
	w.awaitLanded(1, topic)
	a.rename(".1")
	b := w.writer(l, "app.log")
	a.late(1)
	b.lines(1)
	w.awaitLanded(3, topic)
	w.rename(a.path+".1", a.path+".2")
	b.rename(".1")
	c := w.writer(l, "app.log")
	b.late(1)
	c.lines(1)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func rotatedWhileBlocked(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(10)
	w.awaitLanded(10, topic)
	w.kafka.Stop()
	for range 2 {
		a.lines(10_000)
		a.shift(3)
		a.reopen()
	}
	a.lines(10_000)
	w.kafka.Start(w.t)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func manyFiles(w *world) {
	l := newLedger()
	var files []*writer
	for i := range 3 {
		files = append(files, w.writer(l, fmt.Sprintf("f%d.log", i)))
	}
	topic, agent := w.follow(w.path("*.log"))
	for round := range 3 {
		for i, f := range files {
			f.lines(5)
			f.rename(fmt.Sprintf(".%d", round+1))
			next := w.writer(l, fmt.Sprintf("f%d.log", i))
			f.late(3)
			next.lines(5)
			files[i] = next
		}
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func slowRotations(w *world) {
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
			f.close()
			w.rename(f.path, fmt.Sprintf("%s.%d", f.path, round))
			f.reopen()
		}
	}
	if v := w.clean(newCounter(l), topic); v.Written != 270 {
		w.t.Errorf("wrote %d lines, want 270", v.Written)
	}
	agent.stop()
}

func movedAway(w *world) {
	l := newLedger()
	a := w.writer(l, "in/app.log")
	topic, agent := w.follow(a.path)
	a.lines(100)
	w.awaitLanded(100, topic)
	w.must(os.Mkdir(w.path("out"), 0o755))
	w.rename(a.path, w.path("out/app.log"))
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func unfinishedTail(w *world) {
	path := w.path("app.log")
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(path, topic))
	appendTo(w.t, path, []byte("line1\nline2\n"))
	agent := w.startAgent(quickScan)
	w.awaitLanded(2, topic)
	appendTo(w.t, path, []byte("line3\nline4\npartial"))
	w.rename(path, path+".1")
	appendTo(w.t, path, []byte("newline1\nnewline2\n"))
	w.exactly(topic, "line1", "line2", "line3", "line4", "partial", "newline1", "newline2")
	agent.stop()
}

// backlogAtRotation writes 300 MB in the long form, 15 in the short.
func backlogAtRotation(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	blocks := 6
	if torture() {
		blocks = 120
	}
	for range blocks {
		a.lines(25_000)
	}
	a.rotate(".1")
	a.lines(1000)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func fullSpeed(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	per := 20_000
	if torture() {
		per = 100_000
	}
	for i := range 4 {
		for range 10 {
			a.lines(per / 10)
		}
		a.rotate(fmt.Sprintf(".%d", i))
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func tenRenames(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	per := 3_000
	if torture() {
		per = 30_000
	}
	blocks := make([][]byte, 10)
	for i := range blocks {
		blocks[i] = l.lines(a.lane, per)
	}
	every(30*time.Millisecond, len(blocks), func(i int) {
		a.raw(blocks[i])
		a.shift(11)
		a.reopen()
	})
	w.clean(newCounter(l), topic)
	agent.stop()
}

func steadyRate(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	rounds, ticks := 5, 25
	if torture() {
		ticks = 100
	}
	for i := range rounds {
		every(20*time.Millisecond, ticks, func(int) { a.lines(100) })
		a.rotate(fmt.Sprintf(".%d", i))
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func renameChain(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for range 5 {
		a.lines(200)
		w.awaitLanded(l.written(), topic)
		a.shift(4)
		a.reopen()
	}
	agent.stop()
	agent = w.startAgent(quickScan)
	a.lines(200)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func rotatedAndRemoved(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(10)
	w.awaitLanded(10, topic)
	a.lines(20_000)
	a.rename(".r")
	w.must(os.Remove(a.path + ".r"))
	a.lines(1000)
	a.reopen()
	a.lines(1000)
	w.clean(newCounter(l), topic)
	testkit.Eventually(w.t, "the descriptor of the removed file is released", func() bool {
		return !strings.Contains(strings.Join(agent.descriptors(), "\n"), "app.log.r (deleted)")
	})
	agent.stop()
}

// descriptors are what the files in /proc/PID/fd of a process lead to.
func (p *process) descriptors() []string {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	names, err := os.ReadDir(dir)
	if err != nil {
		p.t.Skipf("open descriptors of a process cannot be seen here: %v", err)
	}
	var out []string
	for _, n := range names {
		if to, err := os.Readlink(filepath.Join(dir, n.Name())); err == nil {
			out = append(out, to)
		}
	}
	return out
}

func globMatchesRotated(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(w.path("app.log*"))
	for range 4 {
		a.lines(500)
		a.shift(6)
		a.reopen()
		every(50*time.Millisecond, 5, func(int) { a.lines(20) })
	}
	w.awaitLanded(l.written(), topic)
	agent.stop()
	agent = w.startAgent(quickScan) // all names are there now: nothing may come again
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func timestampSuffix(w *world) {
	l := newLedger()
	slow, fast := w.writer(l, "slow.log"), w.writer(l, "fast.log")
	topic, agent := w.follow(w.path("*.log"))
	for i := range 4 {
		every(100*time.Millisecond, 5, func(int) {
			fast.lines(1000)
			slow.lines(1)
		})
		stamp := fmt.Sprintf("-2026112%d-101500", i)
		fast.rotate(stamp)
		slow.rotate(stamp)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func stoppedTwice(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(1000)
	w.awaitLanded(1000, topic)
	a.lines(1000)
	agent.stop()
	for range 2 {
		a.lines(1000)
		a.shift(4)
		a.reopen()
	}
	a.lines(1000)
	agent = w.startAgent(quickScan)
	w.awaitLanded(l.written(), topic)
	a.lines(1000)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func betweenTwoLooks(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 3)
	e := collect(a.path, topic)
	e["poll"] = true
	w.put(e)
	agent := w.startAgent("LOGCTL_AGENT_SCAN_INTERVAL=2s")
	a.lines(100)
	w.awaitLanded(100, topic)
	for i := range 5 {
		a.lines(1000)
		a.rotate(fmt.Sprintf(".%d", i))
	}
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func rotatedWhileBehind(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(a.path, topic))
	agent := w.startAgent(quickScan, "LOGCTL_AGENT_MAX_BUFFER=1MiB", "LOGCTL_KAFKA_CHAN_SIZE=2000")
	a.lines(100)
	w.awaitLanded(100, topic)
	w.kafka.Stop()
	for range 2 {
		a.lines(30_000) // more than the buffer holds
		a.shift(3)
		a.reopen()
	}
	a.lines(30_000)
	w.kafka.Start(w.t)
	w.clean(newCounter(l), topic)
	agent.stop()
}
