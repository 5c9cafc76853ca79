package tail

import (
	"fmt"
	"io"
	"os"
	"testing"

	"logctl/internal/ownfile"
	"logctl/internal/testkit"
)

// lateWriter writes to a file that was renamed, through the descriptor it had.
func lateWriter(t *testing.T, path string) func(line string) {
	t.Helper()
	f, err := ownfile.OpenShared(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return func(line string) {
		if _, err := f.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLateWritesComeFirst(t *testing.T) {
	p := tmp(t, "app.log")
	old := lateWriter(t, p)
	r := newRig(t, Config{Path: p})
	for round := range 5 {
		old("a\n")
		r.step(1)
		rename(t, p, fmt.Sprintf("%s.%d", p, round))
		next := lateWriter(t, p)
		r.step(1)
		old("b\n")
		old("c\n")
		next("d\n")
		r.step(1)
		r.want("a", "b", "c", "d")
		old = next
	}
	r.step(100)
	r.want()
}

// TestLateWriterNeverStops has two writers, one of which keeps the old file.
func TestLateWriterNeverStops(t *testing.T) {
	p := tmp(t, "app.log")
	old := lateWriter(t, p)
	old("a\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	rename(t, p, p+".1")
	write(t, p, "b\n")
	r.step(1)
	r.want("a", "b")
	for i := range 50 {
		old(fmt.Sprint("old", i, "\n"))
		write(t, p, fmt.Sprint("new", i, "\n"))
		r.step(1)
		r.want(fmt.Sprint("old", i), fmt.Sprint("new", i))
		old("never a whole ")
		write(t, p, "c\n")
		r.step(1)
		r.want("c")
		old("line\n")
		r.step(1)
		r.want("never a whole line")
	}
}

// TestUnfinishedForEver keeps writing to the old file, whose last line is never
// finished when it is looked at.
func TestUnfinishedForEver(t *testing.T) {
	p := tmp(t, "app.log")
	old := lateWriter(t, p)
	old("a\nx")
	r := newRig(t, Config{Path: p})
	r.step(1)
	rename(t, p, p+".1")
	write(t, p, "b\n")
	for len(r.got) < 2 || r.got[len(r.got)-1] != "b" {
		if len(r.got) > 40 {
			t.Fatalf("the new file is not read: %q", r.got)
		}
		old("y\nx")
		r.step(1)
	}
}

// TestLateWriteWhileNewIsRead writes to both files between the look at the new one
// and its reading: what is in the new file then is for the look after that.
func TestLateWriteWhileNewIsRead(t *testing.T) {
	p := tmp(t, "app.log")
	old := lateWriter(t, p)
	old("1\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	rename(t, p, p+".1")
	next := lateWriter(t, p)
	r.step(1)
	old("2\n")
	next("3\n")
	r.scan()
	f := r.set.TryReady()
	if f.Path() != p || f.Info().Rotated {
		t.Fatalf("%+v is ready first", f.Info())
	}
	if _, err := f.Next(); err != io.EOF {
		t.Fatalf("the new file is read first: %v", err)
	}
	f.Release()
	old("4\n")
	next("5\n")
	r.read()
	r.want("1", "2", "4", "3", "5")
}

// generations writes and rotates n generations of one line each, all of which are read
// and none of which is let go by its writer.
func generations(t *testing.T, r *rig, p string, n int) []func(line string) {
	t.Helper()
	writers := make([]func(string), n)
	for i := range n {
		writers[i] = lateWriter(t, p)
		writers[i](fmt.Sprintf("g%d\n", i))
		r.step(2)
		if i+1 < n {
			for k := n; k > 0; k-- {
				if fileExists(fmt.Sprintf("%s.%d", p, k)) {
					rename(t, fmt.Sprintf("%s.%d", p, k), fmt.Sprintf("%s.%d", p, k+1))
				}
			}
			rename(t, p, p+".1")
		}
	}
	r.step(2)
	if len(r.got) != n {
		t.Fatalf("read %q", r.got)
	}
	r.got = nil
	return writers
}

// TestLateWritesToSeveral writes to all generations that are looked at, in the order of
// their age, and to the new one between.
func TestLateWritesToSeveral(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	w := generations(t, r, p, lateMost+1)
	var want []string
	for i := range lateMost {
		w[i](fmt.Sprintf("late%d\n", i))
		w[lateMost](fmt.Sprintf("new%d\n", i))
		want = append(want, fmt.Sprintf("late%d", i))
	}
	for i := range lateMost {
		want = append(want, fmt.Sprintf("new%d", i))
	}
	r.step(1)
	r.want(want...)
	r.step(3)
	r.want()
}

// TestLateWithoutScan is told of the new file only: the older one is found to have
// grown nevertheless.
func TestLateWithoutScan(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	w := generations(t, r, p, 3)
	w[0]("1\n")
	w[1]("2\n")
	w[2]("3\n")
	r.notify(p)
	r.read()
	r.want("1", "2", "3")
}

// TestOlderThanLateMost writes to a generation that is no longer waited for: it is read
// all the same, and no more than lateMost are remembered.
func TestOlderThanLateMost(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	w := generations(t, r, p, lateMost+3)
	if n := len(r.set.slots[r.set.key(p)].late); n != lateMost {
		t.Fatalf("%d generations are looked at, want %d", n, lateMost)
	}
	w[0]("late\n")
	w[len(w)-1]("new\n")
	r.step(1)
	r.want("new", "late")
}

// TestLateWriteBeforeMoreThanLateMost writes to a file that was read to its end, while
// more than lateMost newer ones have still to be: they do not make it forgotten.
func TestLateWriteBeforeMoreThanLateMost(t *testing.T) {
	p := tmp(t, "app.log")
	old := lateWriter(t, p)
	old("1\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	rename(t, p, p+".9")
	write(t, p+".8", "2\n")
	for n := 7; n > 7-lateMost; n-- {
		write(t, fmt.Sprintf("%s.%d", p, n), "")
	}
	next := lateWriter(t, p)
	r.scan()
	f := r.set.TryReady()
	if _, err := f.Next(); err != io.EOF {
		t.Fatalf("%+v: %v", f.Info(), err)
	}
	f.Release()
	f = r.set.TryReady()
	c, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	r.take(f, c)
	old("3\n")
	next("4\n")
	if _, err := f.Next(); err != io.EOF {
		t.Fatalf("%+v: %v", f.Info(), err)
	}
	f.Release()
	r.read()
	r.want("1", "2", "3", "4")
}

// TestLateFileIsHeld lets one reader hold the older file while another one gets the
// new one.
func TestLateFileIsHeld(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	w := generations(t, r, p, 2)
	w[0]("1\n")
	r.scan()
	old := r.set.TryReady()
	if !old.Info().Rotated {
		t.Fatalf("%+v is ready", old.Info())
	}
	c, err := old.Next()
	if err != nil {
		t.Fatal(err)
	}
	w[1]("2\n") // while the reader has a line of the older file in its hands
	r.scan()
	next := r.set.TryReady()
	if _, err := next.Next(); err != io.EOF {
		t.Fatalf("the new file is read while the older one is held: %v", err)
	}
	next.Release()
	if f := r.set.TryReady(); f != nil {
		t.Fatalf("%+v is ready while the older one is held", f.Info())
	}
	w[1]("3\n")
	r.take(old, c)
	if _, err := old.Next(); err != io.EOF {
		t.Fatal(err)
	}
	old.Release()
	r.read()
	r.want("1", "2", "3")
}

// TestLateFileGoes deletes or closes the older file, which was written to: the new one
// does not wait for what cannot be known to have grown.
func TestLateFileGoes(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineHidesDeletion)
	for _, how := range []string{"deleted", "closed"} {
		p := tmp(t, "app.log")
		r := newRig(t, Config{Path: p})
		w := generations(t, r, p, 2)
		if how == "deleted" {
			w[0]("late\n")
			if err := os.Remove(p + ".1"); err != nil {
				t.Fatal(err)
			}
			w[1]("new\n")
			r.step(1)
			r.want("late", "new") // its descriptor is open
			r.step(2 * deletedAfter)
			if n := len(r.set.Files()); n != 1 {
				t.Fatalf("%d files are known", n)
			}
		} else {
			r.step(2 * rotatedAfter)
			if n := r.set.Status().Open; n != 1 {
				t.Fatalf("%d files are open", n)
			}
			w[0]("late\n")
			w[1]("new\n")
			r.step(1)
			if len(r.got) == 0 || r.got[0] != "new" {
				t.Fatalf("read %q", r.got)
			}
			r.step(closedEvery)
			r.want("new", "late")
		}
		w[1]("more\n")
		r.step(1)
		r.want("more")
	}
}

// TestLateFileComesBack renames the older file back to its name after it was written to
// late: it is the present one again, and nothing waits for it.
func TestLateFileComesBack(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	w := generations(t, r, p, 2)
	w[0]("late\n")
	w[1]("new\n")
	r.step(1)
	rename(t, p, p+".2")
	rename(t, p+".1", p)
	w[0]("back\n")
	r.step(2)
	w[1]("late again\n")
	w[0]("again\n")
	r.step(1)
	r.want("late", "new", "back", "late again", "again")
}
