package tail

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// TestCopiesNotDelivered truncates a file again and again while nothing is
// acknowledged, kills, goes on truncating, and starts again.
func TestCopiesNotDelivered(t *testing.T) {
	for name, path := range map[string]string{"name": "", "glob": "*"} {
		t.Run(name, func(t *testing.T) {
			p := tmp(t, "app.log")
			l := testkit.NewLog(t, p)
			r := newRig(t, Config{Path: p + path, ChunkSize: 64})
			copyTruncate := func() {
				for n := 9; n > 0; n-- {
					if fileExists(fmt.Sprintf("%s.%d", p, n)) {
						rename(t, fmt.Sprintf("%s.%d", p, n), fmt.Sprintf("%s.%d", p, n+1))
					}
				}
				l.CopyTruncate(".1")
			}
			l.Lines(10)
			r.step(1)
			r.outage = true
			for range 3 {
				l.Lines(10)
				r.step(2)
				copyTruncate()
				l.Lines(5)
				r.step(2)
			}
			r.numbers(l.Next - 1)
			r.stop()
			for range 2 {
				l.Lines(10)
				copyTruncate()
			}
			l.Lines(10)
			r.outage, r.got = false, r.got[:10]
			r.begin()
			r.step(5)
			if path == "" {
				r.numbers(l.Next - 1)
			} else {
				r.once(l.Next - 1) // there is no order between files of a glob
			}
			if n := r.unreadable(); n != 0 {
				t.Fatalf("%d bytes counted as unreadable", n)
			}
			r.restart()
			l.Lines(10)
			r.step(5)
			r.once(l.Next - 1)
		})
	}
}

// TestCopyReadFurtherThanDelivered finds the copy while the lines of its original
// are on their way; then the copy has a state of its own, which is ahead.
func TestCopyReadFurtherThanDelivered(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p, ChunkSize: 64})
	l.Lines(10)
	r.step(1)
	r.outage = true
	l.Lines(10)
	r.step(1)
	l.Lines(5) // only the copy has them
	l.CopyTruncate(".1")
	l.Lines(5)
	r.step(2)
	r.numbers(l.Next - 1)
	r.outage, r.got = false, r.got[:10]
	r.restart()
	r.step(3)
	r.numbers(l.Next - 1)
	r.restart()
	l.Lines(5)
	r.step(3)
	r.numbers(l.Next - 1)
}

// TestStateWithoutContent saves a state of an empty file; what is in it after the
// start is of a later generation.
func TestStateWithoutContent(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(10)
	r.step(1)
	l.CopyTruncate(".1")
	r.step(1)
	r.stop()
	l.Lines(10)
	rename(t, p+".1", p+".2")
	l.CopyTruncate(".1")
	l.Lines(10)
	r.begin()
	r.step(3)
	r.numbers(l.Next - 1)
}

// TestFirstContentWhileWaiting fills and truncates a file that has to wait for an
// older one, without a scan in between.
func TestFirstContentWhileWaiting(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p, ChunkSize: 64})
	l.Lines(10)
	r.step(1)
	l.Lines(10)
	l.CopyTruncate(".3")
	r.scan()
	f := r.set.TryReady()
	if _, err := f.Next(); err != io.EOF { // it is noticed, and the copy is found
		t.Fatal(err)
	}
	f.Release()
	for _, n := range []string{".2", ".1"} {
		l.Lines(10)
		r.set.event(fsys.Event{Dir: filepath.Dir(p), Name: p, Op: fsnotify.Write})
		r.set.checkDirty()
		l.CopyTruncate(n)
		r.set.event(fsys.Event{Dir: filepath.Dir(p), Name: p, Op: fsnotify.Write})
		r.set.checkDirty()
	}
	l.Lines(10)
	r.step(3)
	r.numbers(l.Next - 1)
	if n := r.unreadable(); n != 0 {
		t.Fatalf("%d bytes counted as unreadable", n)
	}
}

// TestFilledBetweenLooks fills, copies and truncates a file that was seen empty,
// once or more, before it is looked at again; by a scan and by its reader.
func TestFilledBetweenLooks(t *testing.T) {
	for _, read := range []bool{false, true} {
		for _, refill := range []int{0, 5} {
			for rounds := 1; rounds < 4; rounds++ {
				p := tmp(t, "app.log")
				l := testkit.NewLog(t, p)
				r := newRig(t, Config{Path: p})
				r.pause = 0 // what comes is younger than the last look
				r.step(2)
				r.pause = time.Second
				var clock fsys.Stat
				for i := range rounds {
					testkit.Eventually(t, "file times move on", func() bool { // they tell the order of copies
						write(t, p+".clock", "x")
						was := clock.Mtime
						if err := fsys.StatPath(p+".clock", &clock); err != nil {
							t.Fatal(err)
						}
						return was != 0 && clock.Mtime != was
					})
					l.Lines(10)
					l.CopyTruncate(fmt.Sprintf(".%d", rounds-i))
				}
				l.Lines(refill)
				if read {
					r.set.event(fsys.Event{Dir: filepath.Dir(p), Name: p, Op: fsnotify.Write})
					r.read()
				}
				r.step(3)
				l.Lines(5)
				r.step(1)
				r.numbers(l.Next - 1)
			}
		}
	}
}

// TestCopyOfFirstContent copies the first content of a file that was seen empty: it is
// not another generation.
func TestCopyOfFirstContent(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p, Interval: time.Minute}) // the copy is young at every look
	r.step(2)
	l.Lines(10)
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p+".1", string(b[:15]))
	l.Lines(5)
	r.step(2)
	write(t, p+".1", string(b[15:]))
	r.step(2)
	r.clock = r.clock.Add(time.Hour)
	r.step(2)
	r.numbers(l.Next - 1)
}

// TestTruncatedAtTheFirstLook copies and truncates a file between the look at its size
// and the look at its head, and again and again while nobody may read it.
func TestTruncatedAtTheFirstLook(t *testing.T) {
	for _, again := range []int{0, 1, 3} {
		for _, after := range []int{0, 1, 5} {
			for _, seenEmpty := range []bool{false, true} {
				p := tmp(t, "app.log")
				l := testkit.NewLog(t, p)
				r := newRig(t, Config{Path: p})
				r.pause = 0 // its clock is that of the files
				r.step(1)
				if seenEmpty {
					l.Lines(0)
					r.step(1)
				}
				l.Lines(100)
				var st fsys.Stat
				if err := fsys.StatPath(p, &st); err != nil {
					t.Fatal(err)
				}
				a := r.set.arrive(r.set.slots[r.set.key(p)])
				l.CopyTruncate(".9") // of files of the same age the higher number is the older
				l.Lines(after)
				if seenEmpty {
					f := r.set.slots[r.set.key(p)].cur
					r.set.mu.Lock()
					r.set.sawLocked(f, &st, r.clock)
					r.set.mu.Unlock()
				} else {
					r.set.reconcile(r.set.slots[r.set.key(p)], &a, nil)
				}
				for i := range again {
					l.Lines(10)
					l.CopyTruncate(fmt.Sprintf(".%d", 8-i))
				}
				l.Lines(10)
				r.step(4)
				r.numbers(l.Next - 1)
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes count as unreadable", n)
				}
			}
		}
	}
}

// TestTruncatedDuringTheLook truncates a file that was seen empty, and fills it again,
// while its copies are looked for: only another look can tell.
func TestTruncatedDuringTheLook(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	r.pause = 0 // its clock is that of the files
	l.Lines(0)
	r.step(2)
	l.Lines(100)
	l.CopyTruncate(".1")
	var st fsys.Stat
	if err := fsys.StatPath(p, &st); err != nil {
		t.Fatal(err)
	}
	l.Lines(10)
	r.set.event(fsys.Event{Dir: filepath.Dir(p), Name: p, Op: fsnotify.Write})
	f := r.set.TryReady()
	if look := r.set.wasFilled(f, st); look != blankAgain {
		t.Errorf("look %v, want it made again", look)
	}
	f.Release()
	r.step(2)
	r.numbers(l.Next - 1)
}

// TestCopyIsMadeDuringTheLook looks for what came between two looks at a truncated file
// while another copy is being made, of what is in the file now.
func TestCopyIsMadeDuringTheLook(t *testing.T) {
	for _, size := range []int{0, 500, 1000} {
		for _, blank := range []bool{false, true} {
			p := tmp(t, "app.log")
			l := testkit.NewLog(t, p)
			r := newRig(t, Config{Path: p, Interval: time.Minute})
			r.pause = 0 // its clock is that of the files
			if l.Lines(0); !blank {
				l.Lines(10)
			}
			r.step(2)
			l.Lines(90)
			l.CopyTruncate(".2")
			l.Lines(100)
			whole, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			write(t, p+".1", string(whole[:size]))
			r.step(2)
			write(t, p+".1", string(whole[size:]))
			r.step(1)
			l.Truncate(0)
			l.Lines(10)
			r.step(3)
			r.numbers(l.Next - 1)
		}
	}
}

// TestLikeTheBeginningOfTheNext has a generation nobody saw that is, as a whole, how the
// next one begins: it is read all the same.
func TestLikeTheBeginningOfTheNext(t *testing.T) {
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	write(t, p, "zero\n")
	r.step(1)
	write(t, p+".3", "zero\n")
	write(t, p+".2", "begin\n")
	if err := os.Truncate(p, 0); err != nil {
		t.Fatal(err)
	}
	write(t, p, "begin\nmore\n")
	r.step(4)
	slices.Sort(r.got)
	r.want("begin", "begin", "more", "zero")
}

// TestTruncatedThenRenamed truncates a file that is being read, writes to it again and
// renames it: the next file waits for what is in it now.
func TestTruncatedThenRenamed(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(10)
	r.step(1)
	r.set.event(fsys.Event{Dir: filepath.Dir(p), Name: p, Op: fsnotify.Write})
	f := r.set.TryReady()
	l.Truncate(0)
	l.Lines(5)
	l.Rotate(".1", false)
	l.Lines(5)
	r.scan()
	if _, err := f.Next(); err != io.EOF {
		t.Fatal(err)
	}
	f.Release()
	r.step(3)
	r.numbers(l.Next - 1)
}

// TestGenerationLikeTheNext has a generation nobody saw, long enough to be a copy of
// what is in the file now, whose lines begin as it did: it is read once it is clear that
// the file is not truncated, if late.
func TestGenerationLikeTheNext(t *testing.T) {
	for name, sought := range map[string]func(p string) error{
		"truncated": func(p string) error { return os.Truncate(p, 0) },
		"renamed":   func(p string) error { return os.Rename(p, p+".4") },
	} {
		t.Run(name, func(t *testing.T) {
			p := tmp(t, "app.log")
			r := newRig(t, Config{Path: p})
			write(t, p, "zero\n")
			r.step(1)
			if name == "truncated" {
				write(t, p+".3", "zero\n")
			}
			if err := sought(p); err != nil {
				t.Fatal(err)
			}
			begin := strings.Repeat("begin", 20)
			write(t, p+".2", begin+"\n")
			write(t, p, begin+"\nmore\n")
			r.step(copyAfter + 4)
			slices.Sort(r.got)
			r.want(begin, begin, "more", "zero")
		})
	}
}

// TestTruncatedBeforeTheFirstLook truncates a file between the look for copies of what is in
// it and the first look at what is in it.
func TestTruncatedBeforeTheFirstLook(t *testing.T) {
	for _, again := range []int{5, 10, 50} {
		p := tmp(t, "app.log")
		l := testkit.NewLog(t, p)
		r := newRig(t, Config{Path: p})
		l.Lines(10)
		r.step(1)
		l.CopyTruncate(".2")
		l.Lines(10)
		whole, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		write(t, p+".1", string(whole))
		r.set.sys.Born = func(h *os.File) int64 {
			if h.Name() == p {
				r.set.sys.Born = nil
				l.Truncate(0)
				l.Lines(again)
			}
			return fsys.Birth(h)
		}
		r.step(4)
		if r.set.sys.Born != nil {
			t.Fatal("the file was not truncated")
		}
		r.numbers(l.Next - 1)
		if n := r.unreadable(); n != 0 {
			t.Errorf("%d bytes counted as unreadable", n)
		}
	}
}

// TestStopWhileACopyWaits stops when a file was read that is being copied, and truncates it
// before the next start: the copy is known, but nothing was read of it.
func TestStopWhileACopyWaits(t *testing.T) {
	for _, read := range []bool{false, true} {
		p := tmp(t, "app.log")
		r := newRig(t, Config{Path: p})
		r.step(1)
		l := testkit.NewLog(t, p)
		l.Lines(10)
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		write(t, p+".1", string(b))
		r.scan()
		if read {
			r.read()
		}
		r.stop()
		l.Truncate(0)
		l.Lines(10)
		r.begin()
		r.step(2)
		r.numbers(20)
		if n := r.unreadable(); n != 0 {
			t.Fatalf("%d bytes counted as unreadable", n)
		}
	}
}
