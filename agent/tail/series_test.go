package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestNeverRenamed: under a glob, files of a program that begins a new one without
// renaming the old are read one after another, also after a pause and over a restart.
func TestNeverRenamed(t *testing.T) {
	for name, names := range map[string][]string{
		"winston":   {"app.log", "app1.log", "app2.log", "app3.log"},
		"pino-roll": {"app.8.log", "app.9.log", "app.10.log", "app.11.log"},
		"tinylog":   {"app.0.log", "app.1.log", "app.2.log", "app.3.log"},
	} {
		for _, when := range []string{"start", "pause", "restart"} {
			t.Run(name+"/"+when, func(t *testing.T) {
				dir := t.TempDir()
				r := newRig(t, Config{Path: filepath.Join(dir, "app*.log")})
				if when != "start" {
					r.step(1)
				}
				n := 1
				for i, name := range names {
					n = numbered(t, filepath.Join(dir, name), n, 3)
					if i == 0 && when != "start" {
						r.step(1)
						n = numbered(t, filepath.Join(dir, name), n, 2) // not read yet
						if when == "restart" {
							r.stop()
						}
					}
				}
				if when == "restart" {
					r.begin()
				}
				r.step(3)
				r.numbers(n - 1)
			})
		}
	}
}

// numbered writes count numbered lines to a file, from n on, and returns the next number.
// Files made one after another have times that differ.
func numbered(t *testing.T, path string, n, count int) int {
	t.Helper()
	var b strings.Builder
	for range count {
		fmt.Fprintf(&b, "L%08d\n", n)
		n++
	}
	write(t, path, b.String())
	tick(t, path)
	return n
}

// tick waits until a file that is made now has a later time than the one at path.
func tick(t *testing.T, path string) {
	t.Helper()
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(t.TempDir(), "clock")
	testkit.Eventually(t, "the clock of the file system goes on", func() bool {
		write(t, scratch, "x")
		now, err := os.Stat(scratch)
		return err == nil && now.ModTime().After(before.ModTime())
	})
}

// TestSlidingAtTheFirstStart: files that are found at the first start are read in the order
// in which they were written, also where numbers fall.
func TestSlidingAtTheFirstStart(t *testing.T) {
	dir := t.TempDir()
	n := 1
	for _, name := range []string{"app.3.log", "app.2.log", "app.1.log", "app.log"} {
		n = numbered(t, filepath.Join(dir, name), n, 3)
	}
	r := newRig(t, Config{Path: filepath.Join(dir, "app*.log")})
	r.step(2)
	r.numbers(n - 1)
}

// TestWorkersDoNotWait: of files that are written side by side none waits for another, and
// none waits for one that cannot be read.
func TestWorkersDoNotWait(t *testing.T) {
	dir := t.TempDir()
	p := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"app-1.log", "app-2.log"} {
		write(t, p(name), "")
	}
	later := time.Now().Add(3 * time.Second)
	for _, name := range []string{"app-1.log", "app-2.log"} {
		numbered(t, p(name), 1, 1)
		if err := os.Chtimes(p(name), later, later); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, Config{Path: p("app*.log")})
	r.scan()
	if n := len(r.set.waits); n > 0 {
		t.Errorf("%d files wait for one that is written side by side with them", n)
	}
	r.read()
	if got := strings.Join(r.got, " "); len(r.got) != 2 {
		t.Errorf("read %q, want a line of each", got)
	}
}

// TestWaitsEnd: a file that another one waits for and that is deleted, or replaced by what
// cannot be read, holds nobody up.
func TestWaitsEnd(t *testing.T) {
	for _, what := range []string{"deleted", "a circle"} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			p := func(name string) string { return filepath.Join(dir, name) }
			r := newRig(t, Config{Path: p("app*.log")})
			numbered(t, p("app.1.log"), 1, 2)
			numbered(t, p("app.2.log"), 3, 2)
			r.scan()
			if n := len(r.set.waits); n != 1 {
				t.Fatalf("%d files wait, want one", n)
			}
			switch what {
			case "deleted":
				if err := os.Remove(p("app.1.log")); err != nil {
					t.Fatal(err)
				}
			case "a circle":
				for f, o := range r.set.waits {
					r.set.waits[o] = f
				}
			}
			r.step(3)
			if n := len(r.set.waits); n != 0 || len(r.got) != 4 {
				t.Errorf("%d files wait, read %q", n, r.got)
			}
		})
	}
}

// TestNeverRenamedSaid: where `rotated` says that the files of the glob are one log, lines
// of all of them have its path.
func TestNeverRenamedSaid(t *testing.T) {
	dir := t.TempDir()
	glob := filepath.Join(dir, "app*.log")
	r := newRig(t, Config{Path: glob, Rotated: []string{"app*.log"}})
	n := 1
	for _, name := range []string{"app.log", "app1.log", "app2.log"} {
		n = numbered(t, filepath.Join(dir, name), n, 3)
	}
	r.step(1)
	n = numbered(t, filepath.Join(dir, "app3.log"), n, 3)
	r.restart()
	n = numbered(t, filepath.Join(dir, "app4.log"), n, 3)
	r.step(3)
	r.numbers(n - 1)
	for _, f := range r.set.Files() {
		if f.Path != glob {
			t.Errorf("%s has the path %s, want %s", f.Name, f.Path, glob)
		}
	}
}

// TestWaitForAnEmptyFile: a new file is seen without content, like a copy that is being made,
// before it and the next ones are written.
func TestWaitForAnEmptyFile(t *testing.T) {
	dir := t.TempDir()
	p := func(name string) string { return filepath.Join(dir, name) }
	r := newRig(t, Config{Path: p("app*.log")})
	n := numbered(t, p("app.log"), 1, 3)
	r.step(1)
	write(t, p("app1.log"), "")
	r.step(1)
	n = numbered(t, p("app1.log"), n, 3)
	n = numbered(t, p("app2.log"), n, 3)
	r.step(15)
	r.numbers(n - 1)
	if len(r.set.waits) > 0 {
		t.Errorf("%d files wait for ever", len(r.set.waits))
	}
}
