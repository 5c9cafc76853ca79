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

// scheme is how a program names the old generations of its log.
type scheme struct {
	name    string
	active  string                         // name of the log
	rotate  func(t *testing.T, dir string) // moves the active file away
	rotated []string                       // Config.Rotated
	live    bool                           // only a running agent can learn these names
	births  bool                           // and only creation times tell that they follow one another
}

// slide moves the active file to the first of names made by format, and what is there
// up by one. At most keep are kept; 0: all.
func slide(active, format string, first, keep int) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		name := func(n int) string { return filepath.Join(dir, fmt.Sprintf(format, n)) }
		n := first
		for fileExists(name(n)) {
			n++
		}
		if keep > 0 && n == first+keep {
			n--
			remove(t, name(n))
		}
		for ; n > first; n-- {
			rename(t, name(n-1), name(n))
		}
		makeDir(t, name(first))
		rename(t, filepath.Join(dir, active), name(first))
	}
}

// rise moves the active file to the next of the names made by format.
func rise(active, format string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		n := 1
		for fileExists(filepath.Join(dir, fmt.Sprintf(format, n))) {
			n++
		}
		to := filepath.Join(dir, fmt.Sprintf(format, n))
		makeDir(t, to)
		rename(t, filepath.Join(dir, active), to)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func makeDir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
}

var schemes = []scheme{
	{name: "numbers behind the name", active: "app.log", rotate: slide("app.log", "app.log.%d", 1, 0)},
	{name: "spdlog", active: "app.log", rotate: slide("app.log", "app.%d.log", 1, 0)},
	{name: "log4rs", active: "app.log", rotate: slide("app.log", "app.%d.log", 0, 0)},
	{name: "log4j2 rising", active: "app.log", rotate: rise("app.log", "app-%d.log")},
	{name: "winston tailable", active: "app.log", rotate: slide("app.log", "app%d.log", 1, 0)},
	{name: "flexi_logger", active: "app_rCURRENT.log", rotate: rise("app_rCURRENT.log", "app_r%05d.log")},
	{name: "flexi_logger with a plain name", active: "app.log", rotate: rise("app.log", "app_r%05d.log")},
	{name: "java.util.logging", active: "app.0.log", rotate: slide("app.0.log", "app.%d.log", 1, 0)},
	{name: "log4j2 archive of months", active: "app.log", rotate: rise("app.log", "archive/2026-11/app-11-30-2026-%d.log")},
	{name: "logrotate olddir", active: "app.log", rotate: slide("app.log", "old/app.log.%d", 1, 0)},
	{name: "months beside the log", active: "app.log", rotate: rise("app.log", "2026-11/app-%d.log"), births: true},
	{name: "svlogd", active: "current", rotate: rise("current", "@40000000%016x.s")},
	{name: "a date in front", active: "app.log", rotate: rise("app.log", "202611%02d-app.log")},
	{name: "any other name", active: "app.log", rotate: rise("app.log", "part_%d_done.txt"), live: true},
	{name: "any other directory", active: "app.log", rotate: rise("app.log", "parts/%d.txt"), live: true, births: true},
	{name: "any other name, said", active: "app.log", rotate: rise("app.log", "parts/%d.txt"), rotated: []string{"parts/*.txt"}},
}

// TestFamilies rotates faster than the Set looks, and while it is stopped: whatever
// the names, every line comes once and in order.
func TestFamilies(t *testing.T) {
	for _, sc := range schemes {
		for _, mode := range []string{"behind", "restart"} {
			if mode == "restart" && sc.live {
				continue
			}
			t.Run(sc.name+" "+mode, func(t *testing.T) {
				dir := t.TempDir()
				if sc.births {
					needsBirths(t, dir)
				}
				p := filepath.Join(dir, sc.active)
				l := testkit.NewLog(t, p)
				r := newRig(t, Config{Path: p, Rotated: sc.rotated})
				l.Lines(10)
				r.step(2)
				for range 3 {
					if mode == "restart" {
						r.stop()
					}
					for range 3 {
						l.Lines(5)
						sc.rotate(t, dir)
						nextTick(t, dir)
						l.Reopen()
						l.Lines(5)
					}
					if mode == "restart" {
						r.begin()
					}
					r.step(3)
				}
				r.numbers(l.Next - 1)
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes counted as unreadable", n)
				}
			})
		}
	}
}

// nextTick waits until the clock of the file system has gone on.
func nextTick(t *testing.T, dir string) {
	t.Helper()
	probe := filepath.Join(dir, ".tick")
	stamp := func() time.Time {
		if err := os.WriteFile(probe, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(probe)
		if err != nil {
			t.Fatal(err)
		}
		return st.ModTime()
	}
	from := stamp()
	testkit.Eventually(t, "the clock of the file system goes on", func() bool { return stamp().After(from) })
	remove(t, probe)
}

// TestFamilyOfDeleted deletes what was followed last while the Set is stopped: the
// rest is a family by its times alone.
func TestFamilyOfDeleted(t *testing.T) {
	needsBirths(t, t.TempDir())
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(10)
	r.step(2)
	r.stop()
	rotate := slide("app.log", "app.%d.log", 1, 3)
	for range 4 { // the first ten lines are gone, but were read
		rotate(t, dir)
		nextTick(t, dir)
		l.Reopen()
		l.Lines(5)
	}
	r.begin()
	r.step(3)
	r.numbers(l.Next - 1)
}

// TestWorkersStayApart has logs that are named like old generations and are written
// side by side with the log: they are no generations of it.
func TestWorkersStayApart(t *testing.T) {
	for _, c := range []struct{ name, log, worker string }{
		{"numbers", "app.log", "app-1.log"},
		{"numbers from one", "app.log", "app.1.log"},
		{"no separator", "app.log", "app2.log"},
		{"the first has the number 0", "app.0.log", "app.1.log"},
	} {
		for _, quiet := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, " quiet ", quiet), func(t *testing.T) {
				dir := t.TempDir()
				p := filepath.Join(dir, c.log)
				l := testkit.NewLog(t, p)
				r := newRig(t, Config{Path: p})
				l.Lines(5)
				r.step(1)
				nextTick(t, dir)
				worker := filepath.Join(dir, c.worker)
				write(t, worker, "a line of the worker\n")
				if !quiet {
					l.Lines(5)
					write(t, worker, "another\n")
				}
				r.step(1)
				for n := range 3 {
					rename(t, p, fmt.Sprintf("%s.%d", p, n+1))
					nextTick(t, dir)
					l.Reopen()
					l.Lines(5)
					if n != 1 {
						r.restart()
					}
					r.step(2)
					write(t, worker, "another\n")
				}
				r.numbers(l.Next - 1)
			})
		}
	}
}

// TestLinkBetweenTargets moves a link on twice between two looks, and while the Set is
// stopped: the file between was never behind the link when anyone looked.
func TestLinkBetweenTargets(t *testing.T) {
	needsBirths(t, t.TempDir())
	for _, mode := range []string{"behind", "restart"} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			link := filepath.Join(dir, "prog.INFO")
			r := newRig(t, Config{Path: link, From: FromBeginning, FirstStart: true})
			n, line := 0, 0
			next := func() {
				n++
				name := fmt.Sprintf("prog.host.root.log.INFO.20261130-18%02d00.%d", n, 4711+n/3)
				for range 5 {
					line++
					write(t, filepath.Join(dir, name), fmt.Sprintf("L%08d\n", line))
				}
				if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				if err := os.Symlink(name, link); err != nil {
					t.Skip("no symbolic links here:", err)
				}
				nextTick(t, dir)
			}
			next()
			r.step(2)
			for range 3 {
				if mode == "restart" {
					r.stop()
				}
				for range 3 {
					next()
				}
				if mode == "restart" {
					r.begin()
				}
				r.step(3)
			}
			r.numbers(line)
		})
	}
}

// TestFamilyIsSaidOnce checks what the log tells of inferred names.
func TestFamilyIsSaidOnce(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(5)
	r.step(1)
	rotate := slide("app.log", "app.%d.log", 1, 0)
	for range 4 {
		rotate(t, dir)
		l.Reopen()
		l.Lines(5)
		r.step(2)
	}
	r.numbers(l.Next - 1)
	if n := strings.Count(r.log.String(), "old generations of a log are named like this"); n != 1 {
		t.Errorf("said %d times:\n%s", n, r.log.String())
	}
}

// TestDoubtfulNameIsSaid leaves a file alone that may be a generation and is not known
// to be one, and says so.
func TestDoubtfulNameIsSaid(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(5)
	r.step(1)
	r.stop()
	rename(t, p, p+".1")
	nextTick(t, dir)
	write(t, filepath.Join(dir, "app-7.log"), "another line\n")
	nextTick(t, dir)
	l.Reopen()
	l.Lines(5)
	r.begin()
	r.step(3)
	r.numbers(l.Next - 1)
	if !strings.Contains(r.log.String(), "name it in the entry's rotated globs") {
		t.Errorf("nothing is said of app-7.log:\n%s", r.log.String())
	}
}
