package fsys

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"logctl/internal/testkit"
)

// told collects what a notifier tells.
type told struct {
	mu   sync.Mutex
	evs  []Event
	lost int
}

func (o *told) tell(ev Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.evs = append(o.evs, ev)
}

func (o *told) miss() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost++
}

func (o *told) has(name string, op fsnotify.Op) bool { return o.count(name, op) > 0 }

func (o *told) count(name string, op fsnotify.Op) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, ev := range o.evs {
		if ev.Name == name && ev.Op&op != 0 {
			n++
		}
	}
	return n
}

// startInotify runs a notifier until the test ends.
func startInotify(t *testing.T) (*inotify, *told) {
	t.Helper()
	got, err := NewNotifier()
	if err != nil {
		t.Fatal(err)
	}
	n, o := got.(*inotify), &told{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx, o.tell, o.miss) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("run returned %v", err)
		}
		n.Close()
		n.Close() // once is enough
		if _, err := n.Add("/"); err != fsnotify.ErrClosed {
			t.Errorf("add after close: %v", err)
		}
	})
	return n, o
}

func TestInotify(t *testing.T) {
	t.Parallel()
	n, o := startInotify(t)
	dir := t.TempDir()
	if _, err := n.Add(dir); err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(dir, "日志.log"), filepath.Join(dir, "b.log")
	see := func(what, name string, op fsnotify.Op) {
		t.Helper()
		testkit.Eventually(t, what, func() bool { return o.has(name, op) })
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(a, []byte("x\n"), 0o600))
	see("creation", a, fsnotify.Create)
	see("a write", a, fsnotify.Write)
	must(os.Rename(a, b))
	see("the old name", a, fsnotify.Rename)
	see("the new name", b, fsnotify.Create)
	must(os.Chmod(b, 0o644))
	see("a changed mode", b, fsnotify.Chmod)
	must(os.Remove(b))
	see("removal", b, fsnotify.Remove)

	// After all has been quiet, an event is told again.
	<-time.After(4 * eventPace)
	c := filepath.Join(dir, "c.log")
	must(os.WriteFile(c, nil, 0o600))
	see("creation after a silence", c, fsnotify.Create)

	n.Remove(dir)
	n.Remove(dir)
	must(os.WriteFile(filepath.Join(dir, "unseen"), nil, 0o600))
	_, err := n.Add(dir)
	must(err)
	must(os.WriteFile(filepath.Join(dir, "seen"), nil, 0o600))
	see("creation", filepath.Join(dir, "seen"), fsnotify.Create)
	if o.has(filepath.Join(dir, "unseen"), fsnotify.Create) {
		t.Error("told of a directory that was not watched")
	}
	if o.lost != 0 {
		t.Errorf("lost %d times", o.lost)
	}
}

// TestInotifyDirectory: a directory that goes away, under its name or for good, says so
// and can be watched again.
func TestInotifyDirectory(t *testing.T) {
	t.Parallel()
	n, o := startInotify(t)
	dir := filepath.Join(t.TempDir(), "logs")
	for _, away := range []struct {
		what string
		do   func() error
		op   fsnotify.Op
	}{
		{"removed", func() error { return os.RemoveAll(dir) }, fsnotify.Remove},
		{"moved", func() error { return os.Rename(dir, dir+".old") }, fsnotify.Rename},
	} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Add(dir); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, away.what)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "creation", func() bool { return o.has(name, fsnotify.Create) })
		if err := away.do(); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the directory is "+away.what, func() bool { return o.has(dir, away.op) })
		testkit.Eventually(t, "nothing is kept of it", func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			return len(n.dirs) == 0 && len(n.names) == 0
		})
	}
}

// TestInotifyAlias: a directory that is watched by two names tells of both, and goes on
// telling of one when the other is no longer asked for.
func TestInotifyAlias(t *testing.T) {
	t.Parallel()
	n, o := startInotify(t)
	dir := t.TempDir()
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(dir, alias); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, alias} {
		if _, err := n.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	for _, d := range []string{dir, alias} {
		testkit.Eventually(t, "creation in "+d, func() bool { return o.has(filepath.Join(d, "one"), fsnotify.Create) })
	}
	n.Remove(dir)
	write("two")
	testkit.Eventually(t, "creation in the alias", func() bool { return o.has(filepath.Join(alias, "two"), fsnotify.Create) })
	if o.has(filepath.Join(dir, "two"), fsnotify.Create) {
		t.Error("told of the name that was removed")
	}
}

// TestInotifyFolds: what is written while the pace lasts is told once.
func TestInotifyFolds(t *testing.T) {
	t.Parallel()
	n, o := startInotify(t)
	dir := t.TempDir()
	if _, err := n.Add(dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "app.log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const writes = 20000
	begin := time.Now()
	for range writes {
		if _, err := f.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(begin)
	testkit.Eventually(t, "a write", func() bool { return o.has(name, fsnotify.Write) })
	if most := int(took/eventPace) + 2; o.count(name, fsnotify.Write) > most {
		t.Errorf("%d writes in %v were told %d times, want %d at most", writes, took, o.count(name, fsnotify.Write), most)
	}
}

// TestInotifyDecode: what the kernel may send, whole and in part.
func TestInotifyDecode(t *testing.T) {
	t.Parallel()
	got, err := NewNotifier()
	if err != nil {
		t.Fatal(err)
	}
	n := got.(*inotify)
	defer n.Close()
	n.names[1], n.dirs["/"] = []string{"/"}, 1
	n.names[2], n.dirs["/var/log"] = []string{"/var/log"}, 2
	ev := func(wd int32, mask uint32, name string) []byte {
		size := (len(name) + 1 + 15) / 16 * 16
		if name == "" {
			size = 0
		}
		b := binary.NativeEndian.AppendUint32(nil, uint32(wd))
		b = binary.NativeEndian.AppendUint32(b, mask)
		b = binary.NativeEndian.AppendUint32(b, 0)
		b = binary.NativeEndian.AppendUint32(b, uint32(size))
		return append(append(b, name...), make([]byte, size-len(name))...)
	}
	b := slices.Concat(
		ev(2, unix.IN_MODIFY, "a"), ev(2, unix.IN_MODIFY, "a"), // folded
		ev(1, unix.IN_MODIFY, "a"), ev(2, unix.IN_MODIFY, "a"), // another directory between
		ev(7, unix.IN_MODIFY, "a"), // not watched any more
		ev(2, unix.IN_CREATE|unix.IN_ISDIR, "sub"),
		ev(-1, unix.IN_Q_OVERFLOW, ""),
		ev(2, unix.IN_IGNORED, ""),
		ev(2, unix.IN_MODIFY, strings.Repeat("n", 255)), // nor this
	)
	var o told
	n.decode(b, o.tell, o.miss)
	want := []Event{
		{"/var/log", "/var/log/a", fsnotify.Write}, {"/", "/a", fsnotify.Write}, {"/var/log", "/var/log/a", fsnotify.Write},
		{"/var/log", "/var/log/sub", fsnotify.Create}, {"/var/log", "/var/log", fsnotify.Remove},
	}
	if !slices.Equal(o.evs, want) || o.lost != 1 {
		t.Errorf("told %v and lost %d, want %v and 1", o.evs, o.lost, want)
	}
	n.decode(ev(1, unix.IN_MODIFY, "cut")[:20], o.tell, o.miss)
	if o.lost != 2 {
		t.Error("an event that was cut short was not noticed")
	}
}
