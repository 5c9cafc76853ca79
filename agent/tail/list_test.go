package tail

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// sharers are Sets that follow a file each of one directory and share a Watcher.
func sharers(t *testing.T, dir string, n int) []*Set {
	t.Helper()
	w := NewWatcher(nil)
	t.Cleanup(w.close)
	var sets []*Set
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("app%02d.log", i))
		if err := os.WriteFile(path, []byte("line\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Config{Path: path, From: FromBeginning, Watcher: w, Interval: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		s.kept = map[string]*listing{}
		sets = append(sets, s)
	}
	return sets
}

// age gives a directory a time at which a change would be seen by its time.
func age(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(dir, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestSetsHoldOneListing: 5,000 entries for 5,000 files of a directory held 5,000 lists of
// its 5,000 names, a gigabyte.
func TestSetsHoldOneListing(t *testing.T) {
	dir := t.TempDir()
	sets := sharers(t, dir, 20)
	age(t, dir, time.Minute)
	first := sets[0].list(map[string]*listing{}, dir)
	if len(first.names) != 20 {
		t.Fatalf("names %q", first.names)
	}
	for i, s := range sets[1:] {
		if l := s.list(map[string]*listing{}, dir); l != first {
			t.Fatalf("set %d holds a listing of its own", i+1)
		}
	}
	// Who must read anew, and finds the same, holds the same too.
	clear(sets[1].kept)
	sets[1].cfg.Interval = -1
	if l := sets[1].list(map[string]*listing{}, dir); l != first {
		t.Error("what was read anew and is the same is held twice")
	}
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if l := sets[2].list(map[string]*listing{}, dir); len(l.names) != 21 {
		t.Errorf("after a change: names %q", l.names)
	}
}

// TestAListingThatMayHaveChangedIsNotShared: the names and the time of a directory are the
// same after a file was renamed over another one within a tick, the inodes are not.
func TestAListingThatMayHaveChangedIsNotShared(t *testing.T) {
	dir := t.TempDir()
	sets := sharers(t, dir, 2)
	now := time.Now().Add(time.Minute) // the directory is as old as what is read of it
	if err := os.Chtimes(dir, now, now); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "app00.log")
	idOf := func() fsys.Inode {
		var st fsys.Stat
		if err := fsys.StatPath(name, &st); err != nil {
			t.Fatal(err)
		}
		return st.ID
	}
	if at, err := sets[0].list(map[string]*listing{}, dir).find(&sets[0].sys, dir, idOf()); err != nil || at != name {
		t.Fatalf("%q, %v", at, err)
	}
	beside := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(beside, []byte("other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(beside, name); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(dir, now, now); err != nil {
		t.Fatal(err)
	}
	if at, err := sets[1].list(map[string]*listing{}, dir).find(&sets[1].sys, dir, idOf()); err != nil || at != name {
		t.Errorf("the file that was renamed there is at %q, %v", at, err)
	}
}

// TestListingOfLinks: the names and the time of a directory of links, as those of the logs of
// containers, stay what they are when the files behind them are rotated.
func TestListingOfLinks(t *testing.T) {
	dir, pods := t.TempDir(), t.TempDir()
	sets := sharers(t, dir, 2)
	target, link := filepath.Join(pods, "0.log"), filepath.Join(dir, "web.log")
	rotate := func() fsys.Inode {
		var st fsys.Stat
		if err := errors.Join(os.WriteFile(target, nil, 0o600), fsys.StatPath(target, &st)); err != nil {
			t.Fatal(err)
		}
		return st.ID
	}
	first := rotate()
	if err := os.Symlink(target, link); err != nil {
		testkit.SkipRefused(t, err)
		t.Fatal(err)
	}
	age(t, dir, time.Minute)
	if at, err := sets[0].list(map[string]*listing{}, dir).find(&sets[0].sys, dir, first); err != nil || at != link {
		t.Fatalf("%q, %v", at, err)
	}
	rename(t, target, target+".1")
	second := rotate()
	for _, forget := range []bool{false, true} {
		s := sets[1]
		clear(s.kept)
		if forget {
			s.forgetLists(nil, filepath.Join(dir, "any"))
		} else {
			s.cfg.Interval = -1 // the next scan
		}
		if at, err := s.list(map[string]*listing{}, dir).find(&s.sys, dir, second); err != nil || at != link {
			t.Errorf("forgotten: %v: the file that the link leads to now is at %q, %v", forget, at, err)
		}
		rename(t, target, target+".2")
		second = rotate()
		s.cfg.Interval = time.Hour
	}
}
