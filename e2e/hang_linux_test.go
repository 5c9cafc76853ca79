package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"logctl/internal/testkit"
)

// TestHang is about file systems that do not answer.
func TestHang(t *testing.T) {
	runAll(t, []scenario{
		{name: "a_file_system_hangs", done: "a FUSE mount whose server never answers, under one entry of two: a state in words, status exits 1, the other entry ships, the agent ends and names the reader it leaves behind", run: hangs},
		{name: "a_hanging_file_system_comes_back_dead", done: "the server of that mount ends: the calls return, the state changes, the file that is there after unmounting is followed", run: hangsThenDies},
	})
}

// mute mounts a file system whose server never answers at dir. It returns what ends the
// server: after it, every call fails with ENOTCONN.
func (w *world) mute(dir string) (die func()) {
	w.t.Helper()
	w.must(os.MkdirAll(dir, 0o755))
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		w.t.Skipf("no FUSE here: %v", err)
	}
	opts := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)
	if err := unix.Mount("mute", dir, "fuse.mute", unix.MS_NOSUID|unix.MS_NODEV, opts); err != nil {
		_ = unix.Close(fd)
		w.t.Skipf("a file system may not be mounted here: %v", err)
	}
	dead := false
	die = func() {
		if !dead {
			dead = true
			_ = unix.Close(fd)
		}
	}
	w.t.Cleanup(func() {
		die()
		_ = unix.Unmount(dir, unix.MNT_DETACH)
	})
	return die
}

// hung starts an agent with two entries, of which one is on a file system that hangs.
func (w *world) hung() (path, topic string, wr *writer, l *ledger, agent *process, die func()) {
	w.t.Helper()
	dir := filepath.Dir(w.path("mnt/app.log"))
	die = w.mute(dir)
	path = filepath.Join(dir, "app.log")
	l = newLedger()
	wr = w.writer(l, "well.log")
	topic = w.stamped(3)
	w.put(collect(path, topic), collect(wr.path, topic))
	agent = w.startAgent(quickScan)
	w.awaitState(path, "file system hangs")
	return path, topic, wr, l, agent, die
}

func hangs(w *world) {
	path, topic, wr, l, agent, _ := w.hung()
	p, _ := w.presence()
	said := false
	for _, ts := range p.Tasks {
		said = said || ts.Path == path && strings.Contains(ts.Error, "the file system of "+path+" does not answer since ")
	}
	if !said {
		w.t.Errorf("the presence does not say what hangs: %+v", p.Tasks)
	}
	wr.lines(500)
	wr.rotate(".1")
	wr.lines(500)
	w.awaitLanded(1000, topic)
	st := start(w.t, nil, append([]string{"status"}, w.flags()...)...)
	if code := st.wait(); code != 1 || !strings.Contains(st.out.String(), "does not answer since") {
		w.t.Errorf("status exits %d and says %s", code, st.out.String())
	}
	begin := time.Now()
	agent.stop()
	w.t.Logf("ended in %v", time.Since(begin))
	if !strings.Contains(agent.err.String(), "leaves a reader behind") || !strings.Contains(agent.err.String(), path) {
		w.t.Errorf("the agent does not name the reader it left behind: %s", agent.err.String())
	}
	w.unproved = true // verify reads the files, one of which hangs
	w.clean(newCounter(l), topic)
}

func hangsThenDies(w *world) {
	path, topic, wr, l, agent, die := w.hung()
	die()
	testkit.Eventually(w.t, "the state is another one", func() bool {
		p, _ := w.presence()
		for _, ts := range p.Tasks {
			if ts.Path == path {
				return ts.State != "file system hangs"
			}
		}
		return false
	})
	w.must(unix.Unmount(filepath.Dir(path), unix.MNT_DETACH))
	back := w.writer(l, "mnt/app.log")
	back.lines(100)
	wr.lines(100)
	w.awaitLanded(200, topic)
	agent.stop()
	w.clean(newCounter(l), topic)
}
