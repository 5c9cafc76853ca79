package tail

import (
	"os"
	"strings"
	"testing"
)

// longLine is more than a file must have in common with another one to be taken for it.
var longLine = strings.Repeat("x", 2000)

// rigOfLong returns a rig that has read a file with such a line.
func rigOfLong(t *testing.T) (path string, r *rig) {
	t.Helper()
	path = tmp(t, "app.log")
	r = newRig(t, Config{Path: path, From: FromBeginning})
	write(t, path, longLine+"\n")
	r.step(2)
	r.want(longLine)
	return path, r
}

func (r *rig) nothingUnreadable() {
	r.t.Helper()
	if n := r.unreadable(); n > 0 {
		r.t.Errorf("%d bytes unreadable", n)
	}
}

// replace puts a copy of the file in its place, as editors and rsync do.
func replace(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path+"~", string(b))
	rename(t, path+"~", path)
}

// TestReplacedUndelivered: what was read of a file, but not delivered, before it was replaced
// by a copy of itself is read again by a later run, from that copy.
func TestReplacedUndelivered(t *testing.T) {
	p, r := rigOfLong(t)
	r.outage = true
	write(t, p, "two\n")
	r.step(2)
	r.want("two")
	replace(t, p)
	r.step(1)
	write(t, p, "three\n")
	r.step(2)
	r.want("three")
	r.stop()
	r.outage = false
	r.begin()
	r.step(3)
	r.want("two", "three")
	r.nothingUnreadable()
}

// TestReplacedForLong: a file that was replaced by a copy of itself, to which nothing is
// written, is known to a later run when what was there before is long gone.
func TestReplacedForLong(t *testing.T) {
	p, r := rigOfLong(t)
	replace(t, p)
	r.step(deletedAfter + 3)
	r.want()
	r.restart()
	r.step(3)
	r.want()
}

// TestReplacedByWhatIsShorter: a copy that was made before the last lines were written takes the
// place of a file that is not read to its end. These lines are in the deleted file.
func TestReplacedByWhatIsShorter(t *testing.T) {
	p, r := rigOfLong(t)
	write(t, p, "two\n")
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p+"~", string(b))
	write(t, p, "three\n")
	r.scan()
	rename(t, p+"~", p)
	r.scan()
	write(t, p, "four\n")
	r.step(deletedAfter + 5)
	r.want("two", "three", "four")
	r.nothingUnreadable()
	r.restart()
	r.step(2)
	r.want()
}

// TestReplacedWithinALine: where a copy ends within a line, both are read.
func TestReplacedWithinALine(t *testing.T) {
	p, r := rigOfLong(t)
	write(t, p, "two\nthree\n")
	write(t, p+"~", longLine+"\ntwo\nth")
	r.scan()
	rename(t, p+"~", p)
	r.scan()
	write(t, p, "\n")
	r.step(deletedAfter + 5)
	r.want("two", "three", "two", "th")
	r.nothingUnreadable()
}

// TestReplacedAfterALineNobodySaw: a line that was written since the last look, and is in the
// file that was replaced and in what replaced it, comes once.
func TestReplacedAfterALineNobodySaw(t *testing.T) {
	p, r := rigOfLong(t)
	write(t, p, "two\n")
	replace(t, p)
	write(t, p, "three\n")
	r.step(deletedAfter + 5)
	r.want("two", "three")
	r.nothingUnreadable()
}

// TestReplacedAndWrittenLate: lines that come to a file after it was replaced are read from it,
// and those that came since the last look come once.
func TestReplacedAndWrittenLate(t *testing.T) {
	p, r := rigOfLong(t)
	w, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	late := func(line string) {
		if _, err := w.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	late("two\n")
	replace(t, p)
	r.step(2)
	late("three\n")
	r.step(2)
	write(t, p, "four\n")
	r.step(2)
	r.want("two", "three", "four")
}
