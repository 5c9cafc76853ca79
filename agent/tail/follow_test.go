package tail

import (
	"os"
	"strings"
	"testing"

	"logctl/internal/testkit"
)

func TestAppend(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	r.step(1)
	r.want()
	if w := r.set.Status().Waiting; w != "waiting for file" {
		t.Fatalf("state %q", w)
	}
	write(t, p, "a\nb\n")
	r.step(1)
	r.want("a", "b")
	write(t, p, "c")
	r.step(5)
	r.want()
	write(t, p, "d\n\n")
	r.step(1)
	r.want("cd", "")
	r.restart()
	write(t, p, "e\n")
	r.step(2)
	r.want("e")
}

func TestRenameRotation(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(100)
	r.step(1)
	l.Lines(100)
	l.Rotate(".1", true) // the writer goes on for a while
	l.Lines(10)
	r.step(1)
	l.Reopen()
	l.Lines(50)
	r.step(2)
	r.numbers(l.Next - 1)
	for range 3 { // generations nobody saw
		l.Shift(9)
		l.Lines(10)
	}
	r.step(2)
	r.numbers(l.Next - 1)
	r.stop()
	for range 4 {
		l.Lines(7)
		l.Shift(9)
		l.Lines(10)
	}
	r.begin()
	r.step(2)
	r.numbers(l.Next - 1)
	r.step(100)
	r.numbers(l.Next - 1)
}

func TestCopyTruncate(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(100)
	r.step(1)
	l.Lines(100) // only the copy has them
	l.CopyTruncate(".1")
	l.Lines(10)
	r.step(2)
	r.numbers(l.Next - 1)
	r.stop()
	l.Lines(10)
	rename(t, p+".1", p+".2")
	l.CopyTruncate(".1")
	l.Lines(1000)
	r.begin()
	r.step(2)
	r.numbers(l.Next - 1)
	if n := r.unreadable(); n != 0 {
		t.Fatalf("%d bytes counted as unreadable", n)
	}
}

func TestTruncate(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(10)
	r.step(1)
	for i := range 50 { // regrown larger between two looks
		l.Truncate(0)
		l.Lines(20 + 10*i)
		r.step(1)
	}
	r.numbers(l.Next - 1)
	l.Lines(10)
	r.scan()
	l.Truncate(0)
	l.Lines(3)
	r.scan()
	r.read()
	r.step(1)
	if n := r.unreadable(); n != 100 {
		t.Fatalf("%d bytes counted as unreadable, want 100", n)
	}
}

func TestDeleteAndRecreate(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineHidesDeletion)
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	for range 20 {
		r.scan()
		l.Lines(10)
		l.Raw([]byte("L"))
		l.Raw(testkit.Numbered(l.Next, 1, "")[1:9]) // no line end
		l.Next++
		l.Remove()
		l.Reopen()
		r.scan()
		l.Lines(5)
		r.read()
	}
	r.step(20)
	r.numbers(l.Next - 1)
	if n := len(r.set.Files()); n != 1 {
		t.Fatalf("%d generations known, want 1", n)
	}
	if len(r.states) != 1 {
		t.Fatalf("%d states kept, want 1", len(r.states))
	}
}

func TestFromEnd(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "old\nold2\nhal")
	r := newRig(t, Config{Path: p, From: FromEnd, FirstStart: true})
	r.step(2)
	r.want()
	r.restart()
	write(t, p, "f\nnew\n")
	r.step(1)
	r.want("half", "new")
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	r.step(1)
	write(t, p, "later\n")
	r.step(1)
	r.want("later")
}

// TestGoneIsCountedWhole deletes a generation that grew and was rotated while nothing could be
// read: the count is of what was there, not of what was there when it was found.
func TestGoneIsCountedWhole(t *testing.T) {
	path := tmp(t, "app.log")
	write(t, path, "1\n")
	r := newRig(t, Config{Path: path})
	r.scan()
	write(t, path, strings.Repeat("a line\n", 100))
	r.scan()
	rename(t, path, path+".1")
	write(t, path, "new\n")
	r.scan()
	r.stop()
	if err := os.Remove(path + ".1"); err != nil {
		t.Fatal(err)
	}
	r.begin()
	r.step(5)
	r.want("new")
	if n := r.unreadable(); n != 702 {
		t.Errorf("%d bytes are counted, 702 were gone", n)
	}
}
