package tail

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// lateWriter writes to a file that was renamed, through the descriptor it had.
func lateWriter(t *testing.T, path string) func(line string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
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
	f := r.set.tryReady()
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
