package tail

import (
	"errors"
	"os"
	"testing"

	"logctl/agent/tail/internal/fsys"
)

// TestNamesMoveWhileTheFirstLookGoesOn moves all names up by one after they were listed, at
// a start after some rotations: the oldest generation is at a name that was not listed, and
// is found last. It is read first.
func TestNamesMoveWhileTheFirstLookGoesOn(t *testing.T) {
	gz := packers[0]
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p + "*"})
	write(t, p, "one\n")
	r.step(2)
	r.stop()
	rename(t, p, tmp(t, "kept")) // so that its number is not given again
	for _, g := range []string{"two\n", "three\n"} {
		if fileExists(p + ".1.gz") {
			rename(t, p+".1.gz", p+".2.gz")
		}
		write(t, p, g)
		gz.compress(t, p, p+".1.gz", false)
	}
	write(t, p, "four\n")
	moved := false
	r.sys.Adapt = func(*fsys.Stat) {
		if moved || r.set == nil || !r.set.mu.TryLock() {
			return
		}
		listed := r.set.slotAtLocked(p+".1.gz") != nil
		r.set.mu.Unlock()
		if moved = listed; !listed {
			return
		}
		err := errors.Join(os.Rename(p+".2.gz", p+".3.gz"), os.Rename(p+".1.gz", p+".2.gz"))
		if err != nil {
			t.Fatal(err)
		}
		gz.compress(t, p, p+".1.gz", false)
		write(t, p, "five\n")
	}
	r.begin()
	r.step(3)
	if !moved {
		t.Fatal("no name was moved")
	}
	r.want("one", "two", "three", "four", "five")
}
