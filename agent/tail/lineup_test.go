package tail

import (
	"fmt"
	"os"
	"testing"

	"logctl/agent/tail/internal/fsys"
)

// TestNamesMoveWhileTheFirstLookGoesOn moves all names up by one after they were listed, at
// a start after some rotations: the oldest generation is at a name that was not listed, and
// is found last. It is read first, also where a part of it was read by the run before.
func TestNamesMoveWhileTheFirstLookGoesOn(t *testing.T) {
	for _, rest := range []bool{false, true} {
		p := tmp(t, "app.log")
		r := newRig(t, Config{Path: p + "*"})
		write(t, p, "zero\n")
		r.step(2)
		r.stop()
		kept := tmp(t, "kept") // so that its number is not given again
		if err := os.Link(p, kept); err != nil {
			t.Skip("this file system has no hard links:", err)
		}
		write(t, p, "one\n")
		if !rest {
			remove(t, p)
			write(t, p, "one\n")
		}
		rotatePacked(t, p)
		for _, g := range []string{"two\n", "three\n"} {
			write(t, p, g)
			rotatePacked(t, p)
		}
		write(t, p, "four\n")
		moved := false
		r.sys.Adapt = func(st *fsys.Stat) {
			if moved || !st.Regular || r.set == nil || !r.set.mu.TryLock() {
				return
			}
			moved = r.set.slotAtLocked(p) != nil // it was listed
			r.set.mu.Unlock()
			if moved {
				rotatePacked(t, p)
				write(t, p, "five\n")
			}
		}
		r.begin()
		r.step(3)
		if !moved {
			t.Fatal("no name was moved")
		}
		r.want("zero", "one", "two", "three", "four", "five")
	}
}

// rotatePacked moves the compressed generations of the log up by one and compresses it.
func rotatePacked(t *testing.T, p string) {
	t.Helper()
	most := 1
	for fileExists(fmt.Sprintf("%s.%d.gz", p, most)) {
		most++
	}
	for n := most - 1; n > 0; n-- {
		rename(t, fmt.Sprintf("%s.%d.gz", p, n), fmt.Sprintf("%s.%d.gz", p, n+1))
	}
	packers[0].compress(t, p, p+".1.gz", false)
}
