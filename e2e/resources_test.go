//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestResources is group F with what belongs to it of E: many files, few descriptors,
// no permissions, nothing leaked.
func TestResources(t *testing.T) {
	runAll(t, []scenario{
		{name: "many_files", cases: "F01", done: "2,000 files, 50 of them active (10,000 and 100 in the long form): all lines, descriptors bounded, idle afterwards", run: manyFilesActive, alone: true},
		{name: "few_descriptors", cases: "E09 F02 F03 F05", done: "200 files under ulimit -n 100, written, rotated, written again, over a restart", run: fewDescriptors},
		{name: "close_and_reopen_with_slow_output", cases: "F04", done: "files are closed for want of descriptors and written again while Kafka is down", run: closeReopen, opts: []testkit.KafkaOption{testkit.Restartable()}},
		{name: "no_inotify", cases: "F09", done: "all inotify instances of the user are taken: the agent polls", run: noInotify, alone: true},
		{name: "poll", cases: "F12", done: "poll = true: rotation, truncation, removal, a switched link", run: pollMode},
		{name: "fairness", cases: "F10", done: "20 files with a large backlog and one with a line every 50 ms, with a small buffer", run: fairness},
		{name: "nothing_leaks", cases: "E10", done: "100 entries added and removed (1,000 in the long form): no goroutine and no descriptor more than before", run: nothingLeaks, alone: true},
	})
}

// TestPlaces is about paths that are not, not yet, or no longer a file to be read.
func TestPlaces(t *testing.T) {
	runAll(t, []scenario{
		{name: "unreadable_then_readable", cases: "F06", done: "mode 0, then 0644; another user than root", run: becomesReadable},
		{name: "unreadable_directory", cases: "F06 E09", done: "the directory loses its permissions for a while: positions are kept", run: directoryLocked},
		{name: "directory_appears", cases: "F07 F08", done: "the directory is made after the start, with a file in it", run: directoryAppears},
		{name: "parent_becomes_a_file", cases: "F07", done: "the directory is moved away, a file takes its place, then the directory comes back", run: parentReplaced},
		{name: "path_is_a_directory", cases: "F08", done: "the path is a directory, later a file", run: pathIsDirectory},
		{name: "path_is_a_pipe", cases: "F08", done: "a named pipe under the path, and one matched by a glob, block nothing", run: pathIsPipe},
		{name: "outside_allow_paths", done: "allow_paths: an entry outside, one that climbs out with .., and a link that leads outside are refused", run: outsideAllowed},
		{name: "no_permission_on_the_data_directory", done: "the agent ends with exit code 1 and one line that says why", run: noDataDir},
		{name: "strange_names", cases: "C09", done: "spaces, Chinese, quotes and glob characters in names", run: strangeNames},
	})
}

func manyFilesActive(w *world) {
	files, active := 2000, 50
	if torture() {
		files, active = 10_000, 100
	}
	l := newLedger()
	for i := range files {
		dir := w.path(fmt.Sprint(i % 20))
		if i < 20 {
			w.must(os.Mkdir(dir, 0o755))
		}
		name := fmt.Sprintf("%d/f%d.log", i%20, i)
		appendTo(w.t, w.path(name), l.lines(name, 1))
	}
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(w.path("**/*.log"), topic))
	agent := w.startAgent()
	w.awaitLanded(files, topic)
	for range 5 {
		for i := range active {
			name := fmt.Sprintf("%d/f%d.log", i%20, i)
			appendTo(w.t, w.path(name), l.lines(name, 20))
		}
		every(200*time.Millisecond, 1, func(int) {})
	}
	w.clean(newCounter(l), topic)
	if n := len(agent.descriptors()); n > 4500 {
		w.t.Errorf("%d descriptors are open", n)
	} else {
		w.t.Logf("%d files, %d descriptors", files, n)
	}
	idle := agent.load(3 * time.Second)
	w.t.Logf("idle with %d files: %.1f %% of a processor", files, 100*idle)
	if limit := 0.25; !testkit.Race && idle > limit {
		w.t.Errorf("idle takes %.0f %% of a processor, want at most %.0f %%", 100*idle, 100*limit)
	}
	agent.stop()
}

// limited starts the agent with a limit of open files.
func (w *world) limited(files int, env ...string) *process {
	w.t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", "ulimit -n " + strconv.Itoa(files) + ` && exec "$0" "$@"`, binary}, w.agentArgs()...)...)
	return launch(w.t, cmd, env)
}

func fewDescriptors(w *world) {
	l := newLedger()
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(w.path("*.log"), topic))
	name := func(i int) string { return fmt.Sprintf("f%d.log", i) }
	write := func(n int) {
		for i := range 200 {
			appendTo(w.t, w.path(name(i)), l.lines(name(i), n))
		}
	}
	write(50)
	agent := w.limited(100, quickScan)
	w.awaitLanded(l.written(), topic)
	write(5)
	w.awaitLanded(l.written(), topic)
	for i := range 200 {
		if i%3 == 0 {
			w.rename(w.path(name(i)), w.path(name(i)+".1"))
		}
	}
	write(5)
	w.awaitLanded(l.written(), topic)
	agent.stop()
	write(5)
	agent = w.limited(100, quickScan)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func closeReopen(w *world) {
	l := newLedger()
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(w.path("*.log"), topic))
	name := func(i int) string { return fmt.Sprintf("f%d.log", i) }
	write := func(n int) {
		for i := range 120 {
			appendTo(w.t, w.path(name(i)), l.lines(name(i), n))
		}
	}
	write(40)
	agent := w.limited(100, quickScan)
	w.awaitLanded(l.written(), topic)
	w.kafka.Stop()
	write(10)
	every(500*time.Millisecond, 2, func(int) { write(1) })
	w.kafka.Start(w.t)
	write(1)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func noInotify(w *world) {
	if os.Getuid() != 0 {
		w.t.Skip("taking another user's inotify instances needs root")
	}
	self, err := os.Executable()
	w.must(err)
	copied := filepath.Join(filepath.Dir(w.data), "holder")
	data, err := os.ReadFile(self)
	w.must(err)
	w.must(os.WriteFile(copied, data, 0o755))
	w.must(os.MkdirAll(w.data, 0o755))
	for dir := filepath.Dir(copied); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		w.must(os.Chmod(dir, 0o755))
	}
	cmd := exec.Command(copied)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Dir = "/"
	stdin, err := cmd.StdinPipe()
	w.must(err)
	defer stdin.Close()
	holder := launch(w.t, cmd, []string{inotifyHolder + "=1"})
	testkit.Eventually(w.t, "the instances are taken", func() bool { return strings.Contains(holder.out.String(), "held") })
	w.t.Log(strings.TrimSpace(holder.out.String()))

	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(a.path, topic))
	agent := w.asNobody(quickScan)
	w.awaitApplied()
	for i := range 5 {
		a.lines(100)
		a.rotate(fmt.Sprintf(".%d", i))
		every(50*time.Millisecond, 1, func(int) {})
	}
	w.clean(newCounter(l), topic)
	if !strings.Contains(agent.err.String(), "poll") {
		w.t.Errorf("the log does not say that the agent polls:\n%s", lastLines(agent.err.String(), 10))
	}
	agent.stop()
}

func pollMode(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	link := w.path("link.log")
	one, two := w.writer(l, "t1"), w.writer(l, "t2")
	w.must(os.Symlink(one.path, link))
	topic, agent := w.follow(w.path("*.log"), entry{"poll": true})
	for i := range 3 {
		a.lines(300)
		a.rotate(fmt.Sprintf(".%d", i))
		a.lines(300)
		w.awaitLanded(l.written(), topic)
		a.truncate(0)
		a.lines(100)
		w.awaitLanded(l.written(), topic)
		w.must(os.Remove(a.path))
		a.lines(10)
		a.reopen()
		one.lines(10)
	}
	w.switchLink(link, two.path)
	one.lines(10)
	two.lines(10)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func fairness(w *world) {
	l := newLedger()
	for i := range 20 {
		name := fmt.Sprintf("big%d.log", i)
		appendTo(w.t, w.path(name), l.lines(name, 20_000))
	}
	small := w.writer(l, "small.log")
	topic, quick := w.kafka.Topic(w.t, 3), w.kafka.Topic(w.t, 1)
	w.put(collect(w.path("*.log"), topic), collect(small.path, quick))
	agent := w.startAgent("LOGCTL_AGENT_MAX_BUFFER=1MiB", "LOGCTL_KAFKA_CHAN_SIZE=3000")
	w.awaitApplied()
	for range 10 {
		before := w.landed(quick)
		small.lines(1)
		testkit.Eventually(w.t, "the line of the small file lands", func() bool { return w.landed(quick) > before })
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func becomesReadable(w *world) {
	l := newLedger()
	a, b := w.writer(l, "a.log"), w.writer(l, "b.log")
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(a.path, topic), collect(b.path, topic))
	w.must(os.Chmod(a.path, 0))
	agent := w.asNobody(quickScan)
	a.lines(100)
	b.lines(100)
	w.awaitLanded(100, topic)
	w.awaitState(a.path, "permission denied")
	w.awaitState(b.path, "shipping")
	w.must(os.Chmod(a.path, 0o644))
	w.awaitLanded(200, topic)
	w.awaitState(a.path, "shipping")
	w.clean(newCounter(l), topic)
	agent.stop()
}

func directoryLocked(w *world) {
	l := newLedger()
	a := w.writer(l, "in/a.log")
	dir := filepath.Dir(a.path)
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(filepath.Join(dir, "*.log"), topic))
	agent := w.asNobody(quickScan)
	a.lines(100)
	w.awaitLanded(100, topic)
	for range 2 {
		w.must(os.Chmod(dir, 0))
		a.lines(50) // by the descriptor that is open
		every(time.Second, 1, func(int) {})
		agent.stop()
		agent = w.asNobody(quickScan)
		w.awaitState(filepath.Join(dir, "*.log"), "permission denied")
		w.must(os.Chmod(dir, 0o755))
		w.awaitLanded(l.written(), topic)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}

func directoryAppears(w *world) {
	l := newLedger()
	path := w.path("later/deep/app.log")
	topic, agent := w.follow(path)
	w.awaitState(path, "waiting for file")
	a := w.writer(l, "later/deep/app.log")
	a.lines(100)
	w.awaitLanded(100, topic)
	w.must(os.RemoveAll(w.path("later")))
	a.close()
	w.awaitState(path, "waiting for file")
	a.reopen()
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func parentReplaced(w *world) {
	l := newLedger()
	a, other := w.writer(l, "dir/app.log"), w.writer(l, "other.log")
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(a.path, topic), collect(other.path, topic))
	agent := w.startAgent(quickScan)
	w.awaitApplied()
	a.lines(100)
	w.awaitLanded(100, topic)
	dir := filepath.Dir(a.path)
	w.rename(dir, dir+".away")
	w.must(os.WriteFile(dir, []byte("a file now\n"), 0o644))
	a.lines(50) // by its descriptor
	other.lines(100)
	w.awaitLanded(250, topic)
	w.must(os.Remove(dir))
	w.rename(dir+".away", dir)
	a.lines(50)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func pathIsDirectory(w *world) {
	l := newLedger()
	path := w.path("app.log")
	other := w.writer(l, "other.log")
	w.must(os.Mkdir(path, 0o755))
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(path, topic), collect(other.path, topic))
	agent := w.startAgent(quickScan)
	other.lines(10)
	w.awaitLanded(10, topic)
	testkit.Eventually(w.t, "the presence says that it is a directory", func() bool {
		p, _ := w.presence()
		for _, task := range p.Tasks {
			if task.Path == path && strings.Contains(task.State+task.Error, "directory") {
				return true
			}
		}
		return false
	})
	w.must(os.Remove(path))
	w.writer(l, "app.log").lines(10)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func pathIsPipe(w *world) {
	l := newLedger()
	path := w.path("pipe.log")
	w.must(syscall.Mkfifo(path, 0o644))
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 1)
	w.put(collect(path, topic), collect(w.path("*.log"), topic))
	agent := w.startAgent(quickScan)
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}

func outsideAllowed(w *world) {
	l := newLedger()
	in, out := w.writer(l, "allowed/in.log"), w.writer(newLedger(), "outside.log")
	out.lines(10)
	link := filepath.Join(filepath.Dir(in.path), "link.log")
	w.must(os.Symlink(out.path, link))
	topic := w.kafka.Topic(w.t, 1)
	climbing := filepath.Dir(in.path) + "/../climbed.log"
	w.writer(newLedger(), "climbed.log").lines(10)
	w.put(collect(in.path, topic), collect(out.path, topic), collect(link, topic), collect(climbing, topic))
	agent := w.startAgent(quickScan, "LOGCTL_AGENT_ALLOW_PATHS="+filepath.Dir(in.path)+"/**")
	for _, path := range []string{out.path, link, climbing} {
		w.awaitState(path, "not allowed")
	}
	in.lines(100)
	w.unproved = true             // files outside of what is allowed are not sent
	w.clean(newCounter(l), topic) // lines from outside would be lines that were never written
	agent.stop()
}

func noDataDir(w *world) {
	if os.Getuid() == 0 {
		w.must(os.MkdirAll(w.data, 0o755))
		parent := filepath.Join(w.data, "locked")
		w.must(os.Mkdir(parent, 0o700)) // root's
		w.data = filepath.Join(parent, "data")
		for dir := filepath.Dir(parent); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			w.must(os.Chmod(dir, 0o755))
		}
		w.must(os.Chmod(filepath.Dir(binary), 0o755))
	} else {
		w.data = "/proc/none/data"
	}
	cmd := exec.Command(binary, w.agentArgs()...)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	cmd.Dir = "/"
	p := launch(w.t, cmd, nil)
	if code := p.wait(); code != 1 {
		w.t.Errorf("exit code %d, want 1", code)
	}
	text := strings.TrimSpace(p.err.String())
	if !strings.Contains(text, "data_dir") || !strings.Contains(text, w.data) || strings.Contains(text, "\n") {
		w.t.Errorf("it says %q, want one line that names the directory and the setting", text)
	}
}

func strangeNames(w *world) {
	l := newLedger()
	topic := w.kafka.Topic(w.t, 1)
	names := []string{"with space.log", "交易日志.log", `quo"te'd.log`, "new\nline.log", "percent%20.log", "\xff\xfe.log", strings.Repeat("n", 250) + ".log"}
	var writers []*writer
	for _, n := range names {
		wr := w.writer(l, n)
		wr.lane = fmt.Sprintf("lane%d", len(writers))
		writers = append(writers, wr)
	}
	literal := w.writer(l, "a[1]{x}.txt")
	w.put(collect(w.path("*.log"), topic), collect(w.path(`a\[1\]\{x\}.txt`), topic))
	agent := w.startAgent(quickScan)
	for range 2 {
		for _, wr := range append(writers, literal) {
			wr.lines(20)
		}
		w.awaitLanded(l.written(), topic)
	}
	w.clean(newCounter(l), topic)
	agent.stop()
}
