package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestWatches is about the other limit of inotify: the watches of a user, not the
// instances.
func TestWatches(t *testing.T) {
	runAll(t, []scenario{
		{name: "no_watches_left", cases: "F09", done: "two inotify watches for twelve directories, by the limit of a user namespace: the agent polls, says so, and follows rotations everywhere", run: noWatches},
		{name: "no_watches_at_all", cases: "F09", done: "not one inotify watch for an entry without a glob", run: noWatchesAtAll},
	})
}

// inNamespace prepares a command that runs in a user namespace of its own with so many
// inotify watches, which nobody outside of it notices.
func inNamespace(watches int, binary string, args ...string) *exec.Cmd {
	script := fmt.Sprintf(`echo %d > /proc/sys/user/max_inotify_watches && exec "$0" "$@"`, watches)
	cmd := exec.Command("sh", append([]string{"-c", script, binary}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}

// withWatches starts the agent with so many inotify watches.
func (w *world) withWatches(watches int, env ...string) *process {
	w.t.Helper()
	if out, err := inNamespace(watches, "true").CombinedOutput(); err != nil {
		w.t.Skipf("user namespaces with limits of their own are refused here: %v %s", err, out)
	}
	return launch(w.t, inNamespace(watches, binary, w.agentArgs()...), env)
}

func noWatches(w *world) {
	const dirs = 12
	l := newLedger()
	var writers []*writer
	for i := range dirs {
		writers = append(writers, w.writer(l, fmt.Sprintf("d%d/app.log", i)))
	}
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(w.path("*/app.log"), topic))
	agent := w.withWatches(2)
	w.awaitApplied()
	for round := range 4 {
		for _, wr := range writers {
			wr.lines(50)
			wr.rotate(fmt.Sprintf(".%d", round))
			wr.lines(50)
		}
		began := time.Now()
		w.awaitLanded(l.written(), topic)
		w.t.Logf("round %d took %v", round, time.Since(began).Round(time.Millisecond))
	}
	w.clean(newCounter(l), topic)
	w.saysItPolls(agent)
	agent.stop()
}

func noWatchesAtAll(w *world) {
	l := newLedger()
	a := w.writer(l, "app.log")
	topic := w.kafka.Topic(w.t, 3)
	w.put(collect(a.path, topic))
	agent := w.withWatches(0)
	w.awaitApplied()
	for range 5 {
		a.lines(100)
		a.shift(6)
		a.reopen()
	}
	a.lines(100)
	w.clean(newCounter(l), topic)
	w.saysItPolls(agent)
	agent.stop()
}

// saysItPolls checks that the log names the limit and what is done instead.
func (w *world) saysItPolls(agent *process) {
	w.t.Helper()
	testkit.Eventually(w.t, "the log says why the agent polls", func() bool {
		log := agent.err.String()
		return strings.Contains(log, "poll: no file watches left, raise fs.inotify.max_user_watches")
	})
	if n := strings.Count(agent.err.String(), "how changes are noticed"); n > 3 {
		w.t.Errorf("it says so %d times", n)
	}
}
