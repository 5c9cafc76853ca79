package tail

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestByteOrderMark drops the mark at the head of a file, there alone and when asked.
func TestByteOrderMark(t *testing.T) {
	for _, drop := range []bool{true, false} {
		p := tmp(t, "app.log")
		write(t, p, "\ufeffL00000001\n\ufeffL00000002\n")
		r := newRig(t, Config{Path: p, DropBOM: drop})
		r.step(2)
		first := "\ufeffL00000001"
		if drop {
			first = "L00000001"
		}
		r.want(first, "\ufeffL00000002")
		for _, st := range r.states {
			if st.Pos != 26 {
				t.Errorf("position %d of 26", st.Pos)
			}
		}
	}
}

// rotateBeside stops, rotates by app.N.log, and starts again: everything beside the
// log that is no generation is looked at on the way.
func rotateBeside(t *testing.T, dir string, rotated ...string) *rig {
	t.Helper()
	p := filepath.Join(dir, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p, Rotated: rotated})
	rotate := slide("app.log", "app.%d.log", 1, 0)
	l.Lines(5)
	r.step(2)
	for range 2 {
		r.stop()
		for range 3 {
			l.Lines(5)
			rotate(t, dir)
			nextTick(t, dir)
			l.Reopen()
			l.Lines(5)
		}
		r.begin()
		r.step(3)
	}
	r.numbers(l.Next - 1)
	if n := r.unreadable(); n != 0 {
		t.Errorf("%d bytes counted as unreadable", n)
	}
	return r
}

// TestNoFileAtRotatedName has a socket, a named pipe and directories where old
// generations go.
func TestNoFileAtRotatedName(t *testing.T) {
	dir := t.TempDir()
	if runtime.GOOS != "windows" {
		l, err := net.Listen("unix", filepath.Join(dir, "app-9.log"))
		if err != nil {
			t.Skip("this system lets no socket be bound in the file system:", err)
		}
		defer func() { _ = l.Close() }()
		if err := mkfifo(filepath.Join(dir, "app-8.log")); err != nil {
			t.Skip("this system has no named pipes in the file system:", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "app-7.log"), 0o755); err != nil {
		t.Fatal(err)
	}
	rotateBeside(t, dir)
}

// TestLinkLoopAtArchive has links that lead to themselves, and to the directory they
// are in, where archives would be.
func TestLinkLoopAtArchive(t *testing.T) {
	dir := t.TempDir()
	for link, to := range map[string]string{"archive": ".", "old": "old", "2026-11": "archive/2026-11", "app-5.log": "app-6.log", "app-6.log": "app-5.log"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("this user may not make symbolic links on this system:", err)
		}
	}
	rotateBeside(t, dir, "**/none-*.log")
}

// TestClosedArchive has an archive directory that cannot be read.
func TestClosedArchive(t *testing.T) {
	dir := t.TempDir()
	closed := filepath.Join(dir, "archive")
	if err := os.Mkdir(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	if _, err := os.ReadDir(closed); err == nil {
		t.Skip("the superuser may read every file, so no archive is closed to it")
	}
	if r := rotateBeside(t, dir); !strings.Contains(r.log.String(), "permission denied") {
		t.Errorf("nothing is said of it:\n%s", r.log.String())
	}
}

// TestManySiblings has a directory with a hundred thousand files, half of them named
// like old generations: a rotation costs a few readings of it, and opens none of them.
func TestManySiblings(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineIsSlow)
	n := 100_000
	if testing.Short() || runtime.GOOS == "windows" {
		n = 5000
	}
	dir := t.TempDir()
	old := time.Now().Add(-24 * time.Hour)
	one := filepath.Join(dir, "app.log.00000")
	if err := os.WriteFile(one, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(one, old, old); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("app-%d.log", i+10)
		if i%2 == 0 {
			name = fmt.Sprintf("other-%d.txt", i)
		}
		target := one
		if i%20000 == 0 { // a file has so many names at most
			target = filepath.Join(dir, fmt.Sprintf("more-%d", i))
			if err := os.WriteFile(target, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			one = target
			if err := os.Chtimes(one, old, old); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Link(target, filepath.Join(dir, name)); err != nil {
			t.Skip("this user may not make symbolic links on this system:", err)
		}
	}
	reads := 0
	p := filepath.Join(dir, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	r.set.sys.Names = func(string) { reads++ }
	r.sys.Names = r.set.sys.Names
	l.Lines(5)
	r.step(2)
	rename(t, p, p+".1")
	l.Reopen()
	l.Lines(5)
	r.step(3)
	r.numbers(10)
	if reads > 20 {
		t.Errorf("the directory was read %d times for one rotation", reads)
	}
}
