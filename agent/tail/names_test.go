package tail

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

func TestSymlinkSwitched(t *testing.T) {
	dir := t.TempDir()
	p := dir + "/app.log"
	write(t, dir+"/t1", "a\n")
	write(t, dir+"/t2", "b\n")
	link(t, "t1", p)
	r := newRig(t, Config{Path: p})
	r.step(1)
	write(t, dir+"/t1", "late\n")
	link(t, "t2", p)
	r.step(2)
	r.want("a", "late", "b")
	write(t, dir+"/t1", "later\n")
	r.step(1)
	r.want("later")
	link(t, "t1", p)
	write(t, dir+"/t1", "back\n")
	r.step(1)
	r.want("back")
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	r.step(1)
	write(t, dir+"/t1", "link removed\n")
	r.step(1)
	r.want("link removed")
}

func TestOneFileTwoNames(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a.log", "1\n")
	if err := os.Link(dir+"/a.log", dir+"/b.log"); err != nil {
		t.Fatal(err)
	}
	link(t, "a.log", dir+"/c.log")
	link(t, "nowhere", dir+"/d.log")
	mkdir(t, dir+"/e.log")
	r := newRig(t, Config{Path: dir + "/*.log"})
	r.step(2)
	write(t, dir+"/b.log", "2\n")
	r.step(1)
	r.want("1", "2")
	r.restart()
	write(t, dir+"/a.log", "3\n")
	r.step(1)
	r.want("3")
}

func TestRotatedNameMatchesGlob(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p + "*", Exclude: []string{"**/*.gz"}})
	for range 5 {
		l.Lines(10)
		r.step(1)
		l.Lines(10)
		l.Shift(9)
	}
	write(t, p+".9.gz", "no\n")
	r.step(3)
	r.restart()
	l.Lines(5)
	l.Shift(9)
	r.step(3)
	r.numbers(l.Next - 1)
}

func TestCopyMatchesGlob(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p + "*"})
	l.Lines(10)
	r.step(1)
	for i := range 3 {
		l.Lines(10)
		l.CopyTruncate(fmt.Sprintf(".2026010%d", i))
		l.Lines(1)
		r.step(1)
		write(t, fmt.Sprintf("%s.2026010%d", p, i), fmt.Sprintf("L%08d\n", l.Next))
		l.Next++
		r.step(3)
	}
	// The copy is seen before the truncation.
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p+".20260109", string(b))
	r.step(3)
	l.Truncate(0)
	l.Lines(10)
	r.step(5)
	r.numbers(l.Next - 1)
}

// TestCopySeenWhileItIsMade looks between the bytes of the copy: with nothing, a
// part, or all of the content, it is no new file.
func TestCopySeenWhileItIsMade(t *testing.T) {
	for _, size := range []int{0, 1, 25, 600, 2000} {
		for _, unread := range []int{0, 7} {
			p := tmp(t, "app.log")
			l := testkit.NewLog(t, p)
			r := newRig(t, Config{Path: p + "*", Interval: time.Minute}) // the copy is young at every look
			l.Lines(100)
			r.step(1)
			l.Lines(unread)
			whole, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			size = min(size, len(whole))
			write(t, p+".1", string(whole[:size]))
			r.scan()
			r.scan()
			write(t, p+".1", string(whole[size:]))
			r.step(1)
			l.Truncate(0)
			l.Lines(10)
			r.step(5)
			r.numbers(l.Next - 1)
		}
	}
}

// TestLikeACopyAtFirst has a rotated name and begins like a copy, or with nothing, and
// is a file of its own.
func TestLikeACopyAtFirst(t *testing.T) {
	for _, begin := range []string{"", "one\n", "one\ntwo\n"} {
		p := tmp(t, "app.log")
		r := newRig(t, Config{Path: p + "*"})
		write(t, p, "one\ntwo\nthree\n")
		r.step(1)
		write(t, p+".1", begin)
		r.scan()
		write(t, p+".1", "other\n")
		r.step(3)
		write(t, p+".1", "more\n")
		r.step(1)
		r.want(append([]string{"one", "two", "three"}, append(strings.Split(strings.TrimSuffix(begin+"other\n", "\n"), "\n"), "more")...)...)
	}
}

func TestDirectoryAppearsAndTurnsIntoFile(t *testing.T) {
	dir := t.TempDir() + "/sub"
	p := dir + "/app.log"
	r := newRig(t, Config{Path: p})
	r.step(1)
	r.waiting("waiting for file")
	write(t, dir, "a file\n")
	r.step(1)
	r.waiting("not a directory")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	mkdir(t, p)
	r.step(1)
	r.waiting("is a directory")
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	write(t, p, "a\n")
	r.step(1)
	r.want("a")
	r.waiting("")
}

func TestNotAllowed(t *testing.T) {
	dir := t.TempDir()
	mkdir(t, dir+"/ok")
	write(t, dir+"/secret", "s\n")
	link(t, dir+"/secret", dir+"/ok/app.log")
	r := newRig(t, Config{Path: dir + "/ok/*.log", Allowed: func(p string) error {
		if !strings.HasPrefix(p, dir+"/ok/") {
			return errors.New(p + " is outside of allow_paths")
		}
		return nil
	}})
	r.step(2)
	r.want()
	r.waiting("not allowed: " + dir + "/secret")
	if err := os.Remove(dir + "/ok/app.log"); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/ok/app.log", "fine\n")
	r.step(1)
	r.want("fine")
}

func TestUnreadableBecomesReadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser may read every file")
	}
	p := tmp(t, "app.log")
	write(t, p, "a\n")
	if err := os.Chmod(p, 0); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Config{Path: p})
	r.step(2)
	r.waiting("permission denied")
	if err := os.Chmod(p, 0o644); err != nil {
		t.Fatal(err)
	}
	r.step(1)
	r.want("a")
}

func TestMovedOutOfTheDirectory(t *testing.T) {
	dir := t.TempDir()
	mkdir(t, dir+"/other")
	p := dir + "/app.log"
	write(t, p, "1\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	rename(t, p, dir+"/other/x")
	write(t, dir+"/other/x", "2\n")
	r.step(2)
	r.want("1", "2")
}

// TestHardLinkToTheNewest: a program numbers its files and keeps a hard link to the newest.
// The link is followed, and was moved over several files since the last look.
func TestHardLinkToTheNewest(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "latest.log")
	next := func(n int) {
		name := filepath.Join(dir, fmt.Sprintf("app.%d.log", n))
		write(t, name, rows(10*n+1, 10*n+10))
		if err := os.Link(name, p+".new"); err != nil {
			t.Fatal(err)
		}
		rename(t, p+".new", p)
		nextTick(t, dir)
	}
	next(0)
	r := newRig(t, Config{Path: p})
	r.step(2)
	for n := 1; n <= 9; n++ {
		next(n)
		if n%3 == 0 {
			r.step(3)
		}
	}
	r.wantRows(1, 100)
}
