package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestOneLogUnderAGlob has generations of one log that a glob matches, by the names of
// several writers: behind, and over a restart, the lines come in order, and all have
// the path of the log.
func TestOneLogUnderAGlob(t *testing.T) {
	for _, c := range []struct {
		name, glob, active, path string
		rotate                   func(*testing.T, string) // of a writer with an active name
		direct                   func(n int) string       // the name of the nth file of one without
		rotated                  []string
	}{
		{name: "numbers behind the name", glob: "app.log*", active: "app.log", path: "app.log", rotate: slide("app.log", "app.log.%d", 1, 0)},
		{name: "rising numbers behind the name", glob: "app.log*", active: "app.log", path: "app.log", rotate: rise("app.log", "app.log.%d")},
		{name: "spdlog", glob: "app*", active: "app.log", path: "app.log", rotate: slide("app.log", "app.%d.log", 1, 0)},
		{name: "log4rs", glob: "app*", active: "app.log", path: "app.log", rotate: slide("app.log", "app.%d.log", 0, 0)},
		{name: "log4j2 %i", glob: "app*", active: "app.log", path: "app.log", rotate: rise("app.log", "app-%d.log")},
		{name: "Boost.Log", glob: "app*", active: "app.log", path: "app.log", rotate: rise("app.log", "app_%05d.log")},
		{name: "winston tailable", glob: "app*", active: "app.log", path: "app.log", rotate: slide("app.log", "app%d.log", 1, 0)},
		{name: "mv into another directory", glob: "**/app*", active: "app.log", path: "app.log", rotate: into("kept", rise("app.log", "kept/app.%d.txt"))},
		{name: "copytruncate", glob: "app*", active: "app.log", path: "app.log", rotate: copied(slide("app.log", "app.log.%d", 1, 0), "app.log.1")},
		{name: "copytruncate with dates", glob: "app*", active: "app.log", path: "app.log", rotate: copied(rise("app.log", "app-202601%02d.log"), "")},
		{name: "svlogd", glob: "{current,@*}", active: "current", path: "current", rotate: rise("current", "@40000000%016x.s")},
		{name: "dates before the extension", glob: "*.log", active: "app.log", path: "app.log", rotate: rise("app.log", "app-202601%02d.log")},
		{name: "a file a day", glob: "app-*.log", path: "app-*.log", direct: func(n int) string { return fmt.Sprintf("app-2026-01-%02d.log", n) }},
		{name: "log4j2 DirectWrite", glob: "*.log", path: "app-*.log", direct: func(n int) string { return fmt.Sprintf("app-01-30-2026-%d.log", n) }},
		{name: "tracing-appender", glob: "*", path: "prefix.*", direct: func(n int) string { return fmt.Sprintf("prefix.2026-01-30-%02d", n) }},
		{name: "rotatelogs", glob: "app.log.*", path: "app.log.*", direct: func(n int) string { return fmt.Sprintf("app.log.%d", 1769817600+60*n) }},
		{name: "PostgreSQL", glob: "postgresql-*.log", path: "postgresql-*.log", direct: func(n int) string { return fmt.Sprintf("postgresql-2026-01-30_18%02d00.log", n) }},
		{name: "numbers alone, said", glob: "app-*.log", path: "app-*.log", rotated: []string{"app-*.log"}, direct: func(n int) string { return fmt.Sprintf("app-%d.log", n) }},
	} {
		for _, mode := range []string{"behind", "restart"} {
			t.Run(c.name+" "+mode, func(t *testing.T) {
				dir := t.TempDir()
				n := 1
				name := c.active
				if c.direct != nil {
					name = c.direct(n)
				}
				l := testkit.NewLog(t, filepath.Join(dir, name))
				r := newRig(t, Config{Path: filepath.Join(dir, c.glob), Rotated: c.rotated, From: FromBeginning, FirstStart: true, Exclude: []string{filepath.Join(dir, ".*")}})
				l.Lines(10)
				r.step(2)
				for range 3 {
					if mode == "restart" {
						r.stop()
					}
					for range 3 {
						l.Lines(5)
						nextTick(t, dir)
						if n++; c.direct != nil {
							l.Path = filepath.Join(dir, c.direct(n))
						} else {
							c.rotate(t, dir)
						}
						l.Reopen()
						l.Lines(5)
					}
					if mode == "restart" {
						r.begin()
					}
					r.step(4)
				}
				r.numbers(l.Next - 1)
				for _, f := range r.set.Files() {
					if f.Path != filepath.Join(dir, c.path) {
						t.Errorf("%s has the path %s", f.Name, f.Path)
					}
				}
				if got := r.unreadable(); got != 0 {
					t.Errorf("%d bytes counted as unreadable", got)
				}
				l.Lines(5) // the active one is read on
				r.step(2)
				r.numbers(l.Next - 1)
			})
		}
	}
}

// copied is rotate by a copy and a truncation: the file that rotate moved to a name goes back,
// emptied, and a copy of it takes the name; to: "" for the last one in order.
func copied(rotate func(*testing.T, string), to string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		active := filepath.Join(dir, "app.log")
		rotate(t, dir)
		name := filepath.Join(dir, to)
		if to == "" {
			all, err := filepath.Glob(filepath.Join(dir, "app-*"))
			if err != nil {
				t.Fatal(err)
			}
			name = all[len(all)-1]
		}
		rename(t, name, active)
		copyFile(t, active, name)
		nextTick(t, dir)
		truncateTo(t, active, 0)
	}
}

// into is rotate into a directory, which is made first.
func into(sub string, rotate func(*testing.T, string)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		rotate(t, dir)
	}
}

// TestBesideALearnedName: a worker's log may have a name like those that the old generations
// of another log were seen under. Written beside it, it stays a log of its own.
func TestBesideALearnedName(t *testing.T) {
	for _, mode := range []string{"live", "behind", "restart"} {
		for _, born := range []string{"before the rotation", "after the rotation"} {
			t.Run(mode+", "+born, func(t *testing.T) { besideALearnedName(t, mode, born) })
		}
	}
}

func besideALearnedName(t *testing.T, mode, born string) {
	dir := t.TempDir()
	r := &rig{t: t, cfg: Config{Path: filepath.Join(dir, "app*")}, clock: fileTime(0), pause: time.Second, states: map[FileID]State{}}
	files := newModelFiles(t, func() time.Time { return r.clock })
	r.sys = files.system()
	files.touched(dir)
	main, worker := filepath.Join(dir, "app.log"), filepath.Join(dir, "app.7.log")
	n := 0
	line := func(path string, first int) {
		made := !fileExists(path)
		write(t, path, fmt.Sprintf("L%08d\n", first+n))
		if made {
			files.made(path)
		}
		files.touched(path)
		n++
		r.clock = r.clock.Add(400 * time.Millisecond)
	}
	rotate := func(number int) {
		for i := number; i > 1; i-- {
			rename(t, fmt.Sprintf("%s/app.%d.log", dir, i-1), fmt.Sprintf("%s/app.%d.log", dir, i))
		}
		rename(t, main, filepath.Join(dir, "app.1.log"))
		files.moved(main)
	}
	look := func() {
		if mode == "live" {
			r.step(1)
		}
	}
	line(main, 0)
	r.open()
	t.Cleanup(func() { _ = r.set.Close() })
	r.step(2)
	rotate(1)
	line(main, 0)
	r.step(2) // the names are learned
	if mode == "restart" {
		r.stop()
	}
	if born == "before the rotation" {
		line(worker, 1000)
		look()
	}
	for range 5 {
		line(main, 0)
	}
	for range 8 {
		line(worker, 1000)
		look()
	}
	rotate(2)
	line(main, 0)
	look()
	for range 8 {
		line(worker, 1000)
		line(main, 0)
		look()
	}
	if mode == "restart" {
		r.begin()
	}
	r.step(3)
	line(worker, 1000)
	r.step(3)
	paths := map[string]int{}
	for _, f := range r.set.Files() {
		paths[filepath.Base(f.Path)]++
	}
	if paths["app.7.log"] != 1 || paths["app.log"] != 3 || len(paths) != 2 {
		t.Errorf("paths %v, want one file of app.7.log and three of app.log", paths)
	}
	if len(r.got) != n {
		t.Errorf("%d lines of %d", len(r.got), n)
	}
	if t.Failed() {
		t.Log(r.log.String())
	}
}

// TestLogsSideBySide has files of several workers under one glob: each is a log of its
// own, whatever the names.
func TestLogsSideBySide(t *testing.T) {
	for _, names := range [][]string{
		{"app-1.log", "app-2.log"},
		{"app.log", "app-1.log", "app.2.log"},
		{"worker-1-2026-01-31.log", "worker-2-2026-01-31.log"},
		{"app-2026-01-31-1.log", "app-2026-01-31-2.log"},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(names, " restart ", restart), func(t *testing.T) {
				dir := t.TempDir()
				r := newRig(t, Config{Path: filepath.Join(dir, "*.log"), From: FromBeginning, FirstStart: true})
				for round := range 3 {
					for i, name := range names {
						write(t, filepath.Join(dir, name), fmt.Sprintf("L%08d\n", 100*i+round))
						// Workers that run for hours are told by that.
						at := fileTime(0).Add(10 * 60e9)
						dated(t, dir+"/", at, name)
					}
					r.step(2)
					if restart {
						r.restart()
					}
				}
				r.step(1)
				var paths []string
				for _, f := range r.set.Files() {
					paths = append(paths, filepath.Base(f.Path))
				}
				slices.Sort(paths)
				want := slices.Clone(names)
				slices.Sort(want)
				if names[0] == "worker-1-2026-01-31.log" {
					want = []string{"worker-1-*.log", "worker-2-*.log"}
				}
				if names[0] == "app-2026-01-31-1.log" {
					want[0] = "app-*.log"
				}
				if !slices.Equal(paths, want) {
					t.Errorf("paths %q, want %q", paths, want)
				}
				if len(r.got) != 3*len(names) {
					t.Errorf("%d lines of %d", len(r.got), 3*len(names))
				}
			})
		}
	}
}
