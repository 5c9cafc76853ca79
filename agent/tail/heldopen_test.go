package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDeletedWhileNamesMoved deletes a file that was opened at its name, while what was
// there before is renamed once more, so that all has to be looked at again.
func TestDeletedWhileNamesMoved(t *testing.T) {
	for _, then := range []string{"another one", "nothing"} {
		p := tmp(t, "app.log")
		write(t, p, "1\n")
		r := newRig(t, Config{Path: p})
		r.step(1)
		rename(t, p, p+".1")
		write(t, p, "2\n")
		r.set.sys.Names = func(string) {
			r.set.sys.Names = nil
			rename(t, p+".1", p+".2")
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
			if then != "nothing" {
				write(t, p, "3\n")
			}
		}
		r.step(2)
		want := []string{"1", "2", "3"}
		if then == "nothing" {
			want = want[:2]
		}
		r.want(want...)
		if n := r.unreadable(); n != 0 {
			t.Fatalf("%d bytes counted as unreadable", n)
		}
	}
}

// TestManyRotatedWhileClosed rotates or deletes more files of one directory at once than
// are kept open, and fills the new ones when they were seen empty: the directory is not
// read for each of them. The clock of the Set is ahead of that of the files.
func TestManyRotatedWhileClosed(t *testing.T) {
	const n, reads = 300, 40
	for _, away := range []func(p string) error{
		func(p string) error { return os.Rename(p, p+".1") },
		os.Remove,
	} {
		dir := t.TempDir()
		name := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%03d.log", i)) }
		for i := range n {
			write(t, name(i), "old\n")
		}
		r := newRig(t, Config{Path: filepath.Join(dir, "*.log"), MaxOpen: 16})
		r.clock = r.clock.Add(time.Hour)
		r.set.trusts = true
		r.step(2)
		if len(r.got) != n {
			t.Fatalf("read %d lines, want %d", len(r.got), n)
		}
		got := 0
		r.set.sys.Names = func(string) { got++ }
		for i := range n {
			if err := away(name(i)); err != nil {
				t.Fatal(err)
			}
			write(t, name(i), "")
		}
		r.step(2)
		for i := range n {
			write(t, name(i), "new\n")
		}
		r.step(2)
		if len(r.got) != 2*n {
			t.Fatalf("read %d lines, want %d", len(r.got), 2*n)
		}
		if got > reads {
			t.Fatalf("the directory was read %d times for %d files, want %d at most", got, n, reads)
		}
	}
}

// TestHeldOpenIsBounded deletes more files than are kept open for one name, before it is
// known what is there: what is closed is counted.
func TestHeldOpenIsBounded(t *testing.T) {
	const more = 6
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	r.step(1)
	sl := r.set.slotLocked(p)
	for i := range deletedMost + more {
		write(t, p, fmt.Sprintf("L%08d\n", i+1))
		a := r.set.arrive(sl)
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
		r.set.holdOpen(sl, &a, nil)
	}
	if n := r.unreadable(); n != more*10 || len(sl.heldOpen) != deletedMost {
		t.Fatalf("%d bytes counted as unreadable, %d files kept, want %d and %d", n, len(sl.heldOpen), more*10, deletedMost)
	}
	for i := range heldOpenMost {
		name := fmt.Sprintf("%s.%d", p, i+1)
		write(t, name, "rotated\n")
		h, st, err := r.set.openRetry(name)
		if err != nil {
			t.Fatal(err)
		}
		r.set.holdOpen(sl, &arrival{st: st, h: h, name: name, exists: true}, nil)
		if len(sl.heldOpen) != deletedMost {
			t.Fatalf("%d files kept, want %d: one that has a name is found again", len(sl.heldOpen), deletedMost)
		}
	}
	r.step(2)
	lines := map[string]bool{}
	for _, l := range r.got {
		lines[l] = true
	}
	for i := range deletedMost {
		if l := fmt.Sprintf("L%08d", more+i+1); !lines[l] {
			t.Fatalf("%s was not read", l)
		}
	}
}
