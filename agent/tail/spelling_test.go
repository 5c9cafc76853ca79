package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
)

// foldingRig is a rig on a file system whose names have no case.
func foldingRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := newRig(t, cfg)
	_ = r.set.Close()
	r.sys.Folds, r.sys.Spell = true, spell
	r.start()
	return r
}

// spell returns a path as the names on it are written on the disk.
func spell(path string) string {
	dir, base := filepath.Split(path)
	if _, err := os.Lstat(path); err == nil || base == "" {
		return path
	}
	dir = spell(filepath.Clean(dir))
	names, err := fsys.ReadNames(dir)
	if err != nil {
		return path
	}
	for _, n := range names {
		if strings.EqualFold(n, base) {
			return filepath.Join(dir, n)
		}
	}
	return filepath.Join(dir, base)
}

// TestRotatedNamesWithoutCase rotates twice while nobody looks. The entry has another case
// than the names on the disk.
func TestRotatedNamesWithoutCase(t *testing.T) {
	for _, c := range []struct{ entry, file, first, second string }{
		{"s4.log", "S4.LOG", "S4.LOG.2", "S4.LOG.1"},
		{"S4.Log", "s4.log", "s4.log.2", "s4.log.1"},
		{"*.log", "S4.LOG", "S4.LOG.2", "S4.LOG.1"},
		{"s4.log*", "S4.LOG", "S4.LOG.2", "S4.LOG.1"},
		{"app.log", "APP.LOG", "APP-2026-01-31T18-29-40.123.LOG", "APP-2026-01-31T18-29-41.123.LOG"},
		{"logs/app.log", "LOGS/APP.LOG", "LOGS/APP.LOG.2", "LOGS/APP.LOG.1"},
		{"app.log", "App.Log", "Archives/App.Log.2", "Archives/App.Log.1"},
	} {
		t.Run(c.entry+" "+c.first, func(t *testing.T) {
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			for _, name := range []string{c.file, c.first} {
				if err := os.MkdirAll(filepath.Dir(at(name)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			r := foldingRig(t, Config{Path: at(c.entry)})
			r.step(1)
			write(t, at(c.file), "1\n")
			r.step(2)
			r.stop()
			write(t, at(c.file), "2\n")
			rename(t, at(c.file), at(c.first))
			write(t, at(c.file), "3\n")
			rename(t, at(c.file), at(c.second))
			write(t, at(c.file), "4\n")
			r.begin()
			r.step(3)
			r.want("1", "2", "3", "4")
		})
	}
}

// TestEntryChangesItsCase writes the path of an entry otherwise between two runs, and the
// name on the disk too: it is the same log.
func TestEntryChangesItsCase(t *testing.T) {
	dir := t.TempDir()
	r := foldingRig(t, Config{Path: filepath.Join(dir, "s4.log")})
	write(t, filepath.Join(dir, "S4.LOG"), "1\n")
	r.step(2)
	r.stop()
	r.cfg.Path = filepath.Join(dir, "S4.log")
	rename(t, filepath.Join(dir, "S4.LOG"), filepath.Join(dir, "s4.log.1"))
	write(t, filepath.Join(dir, "s4.log"), "2\n")
	r.begin()
	r.step(2)
	rename(t, filepath.Join(dir, "s4.log"), filepath.Join(dir, "S4.Log"))
	write(t, filepath.Join(dir, "S4.Log"), "3\n")
	r.step(3)
	r.want("1", "2", "3")
	if n := len(r.set.Files()); n != 2 {
		t.Errorf("%d generations are followed, want 2", n)
	}
}

// TestArchiveThatTheEntryNames moves files into a directory under numbers, as NLog does,
// while nobody looks: the entry's rotated globs say what they are, whatever else the name
// may mean.
func TestArchiveThatTheEntryNames(t *testing.T) {
	for _, folds := range []bool{false, true} {
		t.Run(fmt.Sprint("names without case: ", folds), func(t *testing.T) {
			dir := t.TempDir()
			path, archive := filepath.Join(dir, "app.log"), filepath.Join(dir, "archives")
			if err := os.Mkdir(archive, 0o755); err != nil {
				t.Fatal(err)
			}
			cfg := Config{Path: path, Rotated: []string{"archives/*.log"}}
			if folds {
				path = filepath.Join(dir, "App.LOG")
			}
			r := newRig(t, cfg)
			if folds {
				r = foldingRig(t, cfg)
			}
			r.sys.Born = func(*os.File) int64 { return 0 } // as on Windows
			r.restart()
			write(t, path, "1\n")
			r.step(2)
			r.stop()
			for i := 2; i < 5; i++ {
				write(t, path, fmt.Sprintf("%d\n", i))
				if at := time.Now().Add(time.Duration(i) * 100 * time.Millisecond); os.Chtimes(path, at, at) != nil {
					t.Fatal("the file cannot be given a time")
				}
				rename(t, path, filepath.Join(archive, fmt.Sprintf("app.%d.log", i)))
			}
			write(t, path, "5\n")
			r.begin()
			r.step(3)
			r.want("1", "2", "3", "4", "5")
		})
	}
}

// TestMovingSpelled: where names have no case, it is the name however it is written that is
// being changed.
func TestMovingSpelled(t *testing.T) {
	p := tmp(t, "App.log")
	r := newRig(t, Config{Path: p})
	r.set.sys = fsys.System{Now: r.set.sys.Now, Folds: true}
	sl := r.set.slotOf(p)
	r.set.dirty[sl] = struct{}{}
	if !r.set.moving(p) {
		t.Error("the names of the log are not known to be changing")
	}
}
