package tail

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/ownfile"
	"logctl/internal/testkit"
)

// spaced is a writer that writes in place, into a file that has its size already.
type spaced struct {
	t  *testing.T
	f  *os.File
	at int64
}

func newSpaced(t *testing.T, path string, size int64) *spaced {
	t.Helper()
	f, err := ownfile.OpenShared(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	w := &spaced{t: t, f: f}
	w.resize(size)
	return w
}

func (w *spaced) resize(size int64) {
	w.t.Helper()
	if err := w.f.Truncate(size); err != nil {
		w.t.Fatal(err)
	}
}

// zeros writes NUL bytes from the end of the data on, so that they are no hole.
func (w *spaced) zeros(n int) {
	w.t.Helper()
	if _, err := w.f.WriteAt(make([]byte, n), w.at); err != nil {
		w.t.Fatal(err)
	}
}

func (w *spaced) put(s string) {
	w.t.Helper()
	if _, err := w.f.WriteAt([]byte(s), w.at); err != nil {
		w.t.Fatal(err)
	}
	w.at += int64(len(s))
}

// quietly writes as through a mapping: the file's times stay what they were.
func (w *spaced) quietly(s string) {
	w.t.Helper()
	st, err := w.f.Stat()
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(s)
	if err := os.Chtimes(w.f.Name(), time.Time{}, st.ModTime()); err != nil {
		w.t.Fatal(err)
	}
}

func (r *rig) nothingLost() {
	r.t.Helper()
	if n := r.unreadable(); n != 0 {
		r.t.Errorf("%d bytes are counted as unreadable, nothing was lost", n)
	}
	for _, f := range r.set.Files() {
		if f.Size != f.Read {
			r.t.Errorf("%s: read %d of %d", f.Name, f.Read, f.Size)
		}
	}
}

// TestSpace: lines written in place into a file that has its size already come one by
// one, once, also where no time of the file tells of them; closing the file by cutting it
// at the end of the data is no loss, and begins nothing anew.
func TestSpace(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{300, 64 << 10, 1 << 20, 8 << 20} {
		for _, hole := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d_%v", size, hole), func(t *testing.T) {
				t.Parallel()
				p := tmp(t, "app.log")
				w := newSpaced(t, p, 0)
				if w.resize(size); !hole {
					w.zeros(int(size))
				}
				r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true})
				r.step(2)
				r.want()
				w.put("one\n")
				r.step(1)
				r.want("one")
				w.quietly("two\nthr")
				r.step(1)
				r.want("two")
				w.quietly("ee\n")
				r.step(1)
				r.want("three")
				r.nothingLost()
				r.restart()
				r.step(2)
				r.want()
				w.put("four\n")
				r.step(1)
				r.want("four")
				w.resize(w.at)
				r.step(2)
				r.want()
				w.put("five\n")
				r.step(2)
				r.want("five")
				r.nothingLost()
			})
		}
	}
}

// TestSpaceMany: a mapping of 4 MiB, written to between looks and cut at the end.
func TestSpaceMany(t *testing.T) {
	t.Parallel()
	p := tmp(t, "app.log")
	w := newSpaced(t, p, 4<<20)
	r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true, ChunkSize: 16 << 10})
	for n := range 1000 {
		w.put(string(testkit.Numbered(10*n+1, 10, "")))
		if n%7 == 0 {
			r.step(1)
		}
	}
	w.resize(w.at)
	r.step(2)
	r.numbers(10000)
	r.nothingLost()
}

// TestSpaceRotated: space at the end of a generation that was moved away, as a crash
// leaves it, keeps no newer one waiting, and is a hole, not a loss. Its unfinished last
// line is handed out.
func TestSpaceRotated(t *testing.T) {
	t.Parallel()
	p := tmp(t, "app.log")
	w := newSpaced(t, p, 1<<20)
	r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true})
	w.put("one\ntwo")
	r.step(2)
	r.want("one")
	rename(t, p, p+".1")
	write(t, p, "three\n")
	r.step(flushAfter + 3)
	r.want("two", "three")
	if holes := r.set.Status().Holes; holes != 1<<20-7 {
		t.Errorf("%d bytes of holes, want %d", holes, 1<<20-7)
	}
	if err := os.Remove(p + ".1"); err != nil {
		t.Fatal(err)
	}
	r.step(deletedAfter + 3)
	r.nothingLost()
	if holes := r.set.Status().Holes; holes != 1<<20-7 {
		t.Errorf("%d bytes of holes after the end, want %d", holes, 1<<20-7)
	}
}

// TestSpaceUTF16: the zero byte of a line end is no space.
func TestSpaceUTF16(t *testing.T) {
	t.Parallel()
	p := tmp(t, "app.log")
	w := newSpaced(t, p, 4096)
	r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true, Newline: NewlineUTF16LE})
	w.put("a\x00\n\x00")
	r.step(1)
	r.want("a\x00")
	w.put("b\x00")
	r.step(1)
	w.put("\n\x00")
	r.step(1)
	r.want("b\x00")
	r.nothingLost()
}

// TestSpaceInTheMiddle: NUL bytes that do not go on to the end are content, however far
// away what follows is.
func TestSpaceInTheMiddle(t *testing.T) {
	t.Parallel()
	p := tmp(t, "app.log")
	w := newSpaced(t, p, 4<<20)
	r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true, MaxLine: func() int { return 4 << 20 }})
	w.put("one\n")
	r.step(1)
	r.want("one")
	hole := int64(2<<20) - w.at
	w.at = 2 << 20
	w.put("two\n")
	r.step(3)
	r.want(strings.Repeat("\x00", int(hole)) + "two")
	r.nothingLost()
}

// TestSpaceFromEnd: the end of a file that has space is the end of its data.
func TestSpaceFromEnd(t *testing.T) {
	t.Parallel()
	p := tmp(t, "app.log")
	w := newSpaced(t, p, 1<<20)
	w.put("one\ntw")
	r := newRig(t, Config{Path: p, From: FromEnd, FirstStart: true})
	r.step(2)
	r.want()
	w.put("o\nthree\n")
	r.step(1)
	r.want("two", "three")
	r.nothingLost()
}

// TestSpaceGivenBack grows a file by space, as HTTP.sys does, lets a scan see that before
// the reader, and cuts it off again: nothing is lost that anybody wrote.
func TestSpaceGivenBack(t *testing.T) {
	p := tmp(t, "u_ex260101.log")
	r := newRig(t, Config{Path: p})
	write(t, p, "1\n")
	r.step(1)
	write(t, p, "2\n")
	for range 2 {
		if err := os.Truncate(p, 64<<10); err != nil {
			t.Fatal(err)
		}
		r.scan()
		if err := os.Truncate(p, 4); err != nil {
			t.Fatal(err)
		}
		r.step(2)
	}
	r.want("1", "2")
	if n := r.unreadable(); n != 0 {
		t.Errorf("%d bytes counted as unreadable", n)
	}
	write(t, p, "3\n4\n")
	r.scan()
	if err := os.Truncate(p, 6); err != nil {
		t.Fatal(err)
	}
	r.step(1)
	r.want("3")
	if n := r.unreadable(); n != 2 {
		t.Errorf("%d bytes counted as unreadable, want the 2 of a line that was cut off", n)
	}
}

// TestSizeSeenByAScanMeanwhile lets a scan see a larger size than the reader, which looked
// before: nothing was cut off.
func TestSizeSeenByAScanMeanwhile(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	write(t, p, "1\n")
	r.step(1)
	write(t, p, "2\n")
	r.scan()
	write(t, p, "3\n")
	f := r.set.TryReady()
	looks := 0
	r.set.sys.Adapt = func(st *fsys.Stat) {
		if looks++; looks != 1 {
			return
		}
		write(t, p, "4\n") // after the reader's look
		if err := r.set.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for {
		c, err := f.Next()
		if err != nil {
			break
		}
		r.take(f, c)
	}
	f.Release()
	r.step(1)
	r.want("1", "2", "3", "4")
	if n := r.unreadable(); n != 0 {
		t.Errorf("%d bytes counted as unreadable", n)
	}
}
