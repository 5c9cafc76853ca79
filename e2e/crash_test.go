//go:build unix

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"logctl/internal/testkit"
)

// TestCrash is group E: ends of every kind, and what is saved.
func TestCrash(t *testing.T) {
	restartable := []testkit.KafkaOption{testkit.Restartable()}
	all := []scenario{
		{name: "restart", cases: "E01", done: "lines before, while the agent is stopped, and after; three times", run: restarts},
		{name: "killed_twenty_times", cases: "E02 E06", done: "SIGKILL twenty times while three files are written and rotated (100 times, 20 files in the long form): nothing lost, nothing twice; the positions are sound at each start", run: killedTwenty},
		{name: "killed_right_after_the_start", cases: "E02", done: "SIGKILL some milliseconds after the start, later and later, twenty times", run: killedEarly},
		{name: "killed_with_unacknowledged_lines", cases: "E03", done: "Kafka is down; lines are read; SIGKILL; Kafka and the agent come back", run: killedUnacked, opts: restartable},
		{name: "stopped_midway", cases: "E04", done: "SIGTERM in the middle of 200,000 lines, four times: no line twice", run: stoppedMidway},
		{name: "leftover_temporary_files", cases: "E06", done: "half-written temporary files of the cached list lie in the data directory", run: leftovers},
		{name: "data_directory_read_only", cases: "E07", done: "the data directory loses its write permission while the agent runs", run: readOnlyData},
		{name: "data_directory_full", cases: "E07", done: "the disk of the data directory is full for a while", run: fullData},
		{name: "positions_bounded", cases: "E08", done: "50 files of 20 generations each (500 of 200 in the long form): the saved positions stay few", run: positionsBounded},
		{name: "second_agent", done: "a second agent on the same data directory ends with exit code 1 and says why; the first goes on", run: secondAgent},
	}
	for _, bad := range badPositions() {
		all = append(all, scenario{
			name: "positions_" + strings.ReplaceAll(bad.name, " ", "_"), cases: "E05",
			done: "the positions file is " + bad.name + ": it is set aside with a warning, files are read from their beginning", run: bad.run,
		})
	}
	for _, s := range stopStates() {
		all = append(all, scenario{name: "sigterm_" + strings.ReplaceAll(s.name, " ", "_"), cases: "E11", done: "SIGTERM " + s.name + ": exit code 0", run: s.run, opts: restartable})
	}
	runAll(t, all)
}

func restarts(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for range 3 {
		a.lines(500)
		w.awaitLanded(l.written(), topic)
		a.lines(500)
		agent.stop()
		a.lines(500)
		agent = w.startAgent(quickScan)
	}
	a.lines(500)
	w.clean(newCounter(l), topic)
	w.proved()
	agent.stop()
}

// load writes and rotates files until it is stopped.
type load struct {
	stop func()
}

func (w *world) load(l *ledger, files, lines int, interval time.Duration) load {
	var writers []*writer
	for i := range files {
		writers = append(writers, w.writer(l, fmt.Sprintf("load%d.log", i)))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			for i, wr := range writers {
				wr.lines(lines)
				if n%20 == i {
					wr.rotate(fmt.Sprintf(".%d", n))
				}
			}
		}
	})
	return load{stop: func() { close(done); wg.Wait() }}
}

func (w *world) soundPositions() {
	w.t.Helper()
	if bad, _ := filepath.Glob(filepath.Join(w.data, "*.bad-*")); len(bad) > 0 {
		w.t.Errorf("positions were set aside: %v", bad)
	}
}

func killedTwenty(w *world) {
	l := newLedger()
	topic, agent := w.follow(w.path("load*.log"))
	files, lines, kills := 3, 50, 20
	if torture() {
		files, lines, kills = 20, 10, 100
	}
	writing := w.load(l, files, lines, 5*time.Millisecond)
	for i := range kills {
		// Lives of some saves, of one, and of none.
		every(time.Duration(250+50*(i%15))*time.Millisecond, 1, func(int) {})
		w.kill(agent)
		agent = w.startAgent(quickScan)
	}
	writing.stop()
	w.crashed(newCounter(l), topic)
	w.proved()
	w.soundPositions()
	agent.stop()
}

func killedEarly(w *world) {
	l := newLedger()
	topic, agent := w.follow(w.path("load*.log"))
	writing := w.load(l, 2, 20, 5*time.Millisecond)
	for i := range 20 {
		w.kill(agent)
		agent = w.startAgent(quickScan)
		every(time.Duration(10+10*i)*time.Millisecond, 1, func(int) {})
	}
	writing.stop()
	w.crashed(newCounter(l), topic)
	w.proved()
	w.soundPositions()
	agent.stop()
}

func killedUnacked(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.stamped(3)
	w.put(collect(a.path, topic))
	agent := w.startAgent(quickScan, listen)
	a.lines(1000)
	w.awaitLanded(1000, topic)
	w.cut()
	w.kafka.Stop()
	a.lines(2000)
	testkit.Eventually(w.t, "the lines are read", func() bool { return w.sum(agent, "logctl_task_read_lines_total") >= 3000 })
	w.kill(agent)
	a.rotate(".1")
	a.lines(100)
	w.kafka.Start(w.t)
	agent = w.startAgent(quickScan)
	w.crashed(newCounter(l), topic)
	w.proved()
	agent.stop()
}

func stoppedMidway(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	for range 4 {
		a.lines(50_000)
	}
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(a.path, topic))
	for range 4 {
		had := w.landed(topic)
		agent := w.startAgent(quickScan, "LOGCTL_KAFKA_CHAN_SIZE=2000")
		testkit.Eventually(w.t, "some lines landed", func() bool { return w.landed(topic) > had || had >= 200_000 })
		agent.stop()
	}
	agent := w.startAgent(quickScan)
	w.clean(newCounter(l), topic)
	w.proved()
	agent.stop()
}

type badFile struct {
	name string
	run  func(w *world)
}

// badPositions are ways in which the positions file can be wrong. The entries are
// followed from their end, so that a wrong policy would lose lines.
func badPositions() []badFile {
	write := func(data []byte) func(path string) error {
		return func(path string) error { return os.WriteFile(path, data, 0o600) }
	}
	var out []badFile
	for name, spoil := range map[string]func(path string) error{
		"empty":        write(nil),
		"text":         write([]byte(strings.Repeat("not a database\n", 5000))),
		"zeroes":       write(make([]byte, 64<<10)),
		"cut short":    func(path string) error { return os.Truncate(path, 5000) },
		"scribbled on": scribble,
		"of another program": func(path string) error {
			return rebuild(path, func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("theirs"))
				return err
			})
		},
		"of a version to come": func(path string) error {
			return rebuild(path, func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucket([]byte("meta"))
				if err != nil {
					return err
				}
				return b.Put([]byte("version"), []byte("logctl-positions-99"))
			})
		},
	} {
		out = append(out, badFile{name, func(w *world) { spoilt(w, spoil) }})
	}
	return out
}

// scribble writes over everything behind the first pages.
func scribble(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := 8 << 10; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	return os.WriteFile(path, data, 0o600)
}

// rebuild makes a database of somebody else's.
func rebuild(path string, fill func(tx *bbolt.Tx) error) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(fill), db.Close())
}

func spoilt(w *world, spoil func(path string) error) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 1)
	w.put(entry{"path": a.path, "topic": topic})
	agent := w.startAgent(quickScan)
	w.awaitApplied()
	w.awaitState(a.path, "shipping")
	a.lines(100)
	w.awaitLanded(100, topic)
	agent.stop()
	path := filepath.Join(w.data, "positions.db")
	w.must(spoil(path))
	a.lines(100)
	agent = w.startAgent(quickScan)
	if v := w.spared(newCounter(l), 100, topic); v.Duplicated != 100 {
		w.t.Errorf("%d lines came again, want the 100 that were shipped before the positions were destroyed", v.Duplicated)
	}
	if bad, _ := filepath.Glob(path + ".bad-*"); len(bad) != 1 {
		w.t.Errorf("set aside: %v, want the bad file", bad)
	}
	if log := agent.err.String(); !strings.Contains(log, ".bad-") || !strings.Contains(log, "level=WARN") {
		w.t.Errorf("the log does not say that the file was set aside:\n%s", lastLines(log, 10))
	}
	agent.stop()
}

func leftovers(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(100)
	w.awaitLanded(100, topic)
	agent.stop()
	for _, name := range []string{"entries.json.12345", "entries.json.tmp", "positions.db.tmp"} {
		w.must(os.WriteFile(filepath.Join(w.data, name), []byte(`{"key": "hal`), 0o600))
	}
	agent = w.startAgent(quickScan)
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

// asNobody starts the agent as a user who may not do everything, with the world's
// directories in his hands.
func (w *world) asNobody(env ...string) *process {
	w.t.Helper()
	if os.Getuid() != 0 {
		return w.startAgent(env...)
	}
	w.must(os.MkdirAll(w.data, 0o700))
	w.must(os.Chown(w.data, nobody, nobody))
	for _, dir := range []string{w.data, w.logs, binary} {
		for dir = filepath.Dir(dir); len(dir) > len(os.TempDir()) && strings.HasPrefix(dir, os.TempDir()); dir = filepath.Dir(dir) {
			w.must(os.Chmod(dir, 0o755))
		}
	}
	cmd := exec.Command(binary, w.agentArgs()...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Dir = "/"
	return launch(w.t, cmd, env)
}

// nobody is the user of that name everywhere.
const nobody = 65534

func readOnlyData(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(a.path, topic))
	agent := w.asNobody(quickScan)
	a.lines(100)
	w.awaitLanded(100, topic)
	w.must(os.Chmod(w.data, 0o500))
	w.put(collect(a.path, topic), collect(w.path("second.log"), topic)) // its list cannot be cached
	b := w.writer(l, "second.log")
	a.lines(100)
	b.lines(100)
	w.awaitLanded(300, topic)
	testkit.Eventually(w.t, "the log says that the list cannot be cached", func() bool {
		return strings.Contains(agent.err.String(), "list cannot be cached")
	})
	agent.stop()
	w.must(os.Chmod(w.data, 0o700))
	agent = w.asNobody(quickScan)
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func fullData(w *world) {
	w.must(os.MkdirAll(w.data, 0o755))
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", w.data).CombinedOutput(); err != nil {
		w.t.Skipf("a small file system cannot be mounted here (it takes root): %v %s", err, out)
	}
	w.t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", w.data).CombinedOutput(); err != nil {
			w.t.Errorf("umount: %v %s", err, out)
		}
	})
	l := newLedger()
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(w.path("*.log"), topic))
	agent := w.startAgent(quickScan)
	w.writer(l, "f.log").lines(10)
	w.awaitLanded(10, topic)
	filler := filepath.Join(w.data, "filler")
	_ = os.WriteFile(filler, make([]byte, 2<<20), 0o600) // fails when the disk is full, which is wanted
	for i := range 300 {
		w.writer(l, fmt.Sprintf("many%d.log", i)).lines(10) // many states, which take new pages
	}
	w.awaitLanded(l.written(), topic)
	testkit.Eventually(w.t, "the log says that positions cannot be saved", func() bool {
		return strings.Contains(agent.err.String(), "no space left")
	})
	w.must(os.Remove(filler))
	every(time.Second, 2, func(int) {}) // it tries again
	agent.stop()
	agent = w.startAgent(quickScan)
	w.writer(l, "f.log").lines(10)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func positionsBounded(w *world) {
	files, generations := 50, 20
	if torture() {
		files, generations = 500, 200
	}
	l := newLedger()
	topic, agent := w.follow(w.path("*.log"))
	var writers []*writer
	for i := range files {
		writers = append(writers, w.writer(l, fmt.Sprintf("f%d.log", i)))
	}
	for range generations {
		// With as many as it keeps open (4096), an agent closes those that are read first,
		// which are then not seen to be open.
		testkit.Eventually(w.t, "removed files are closed", func() bool { return len(agent.descriptors()) < 3000 })
		for _, wr := range writers {
			wr.lines(1)
		}
		// What is removed before anybody can open it is gone in principle; so each
		// generation is removed as soon as the agent has it open, read or not.
		agent.awaitOpen(writers)
		for _, wr := range writers {
			wr.rotate(".1") // the one before is removed by it
		}
	}
	every(4*time.Second, 1, func(int) {}) // removed files are kept open for ten looks
	agent.stop()
	if n := len(w.states()); n > 4*files {
		w.t.Errorf("%d states are saved for %d files", n, files)
	} else {
		w.t.Logf("%d states are saved for %d files with %d generations", n, files, generations)
	}
	if st, err := os.Stat(filepath.Join(w.data, "positions.db")); err != nil || st.Size() > 8<<20 {
		w.t.Errorf("positions.db: %v, %d bytes", err, st.Size())
	}
	w.clean(newCounter(l), topic)
}

// awaitOpen waits until the process has the files of the writers open.
func (p *process) awaitOpen(writers []*writer) {
	p.t.Helper()
	testkit.Eventually(p.t, "the files are open", func() bool {
		open := map[string]bool{}
		for _, to := range p.descriptors() {
			open[to] = true
		}
		for _, wr := range writers {
			if !open[wr.path] {
				return false
			}
		}
		return true
	})
}

func secondAgent(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	second := w.startAgent()
	if code := second.wait(); code != 1 {
		w.t.Errorf("exit code %d, want 1", code)
	}
	if text := second.err.String(); !strings.Contains(text, "another agent uses this data directory") || strings.Count(strings.TrimSpace(text), "\n") > 0 {
		w.t.Errorf("it says %q, want one line that names the cause", text)
	}
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}
