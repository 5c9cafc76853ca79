package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
		r.set.sys.names = func(string) {
			r.set.sys.names = nil
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

// TestManyRotatedWhileClosed rotates more files of one directory at once than are kept
// open, and fills them when they were seen empty: the directory is not read for each of
// them. The clock of the Set is ahead of that of the files, by a second for each scan.
func TestManyRotatedWhileClosed(t *testing.T) {
	const n, reads = 300, 40
	dir := t.TempDir()
	name := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%03d.log", i)) }
	for i := range n {
		write(t, name(i), "old\n")
	}
	r := newRig(t, Config{Path: filepath.Join(dir, "*.log"), MaxOpen: 16})
	r.set.trusts = true
	r.step(2)
	if len(r.got) != n {
		t.Fatalf("read %d lines, want %d", len(r.got), n)
	}
	got := 0
	r.set.sys.names = func(string) { got++ }
	for i := range n {
		rename(t, name(i), name(i)+".1")
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
