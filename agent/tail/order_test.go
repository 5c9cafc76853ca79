package tail

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// Cases that the model test found; each is the least that fails without its rule.

// dated gives files of the directory of p modification times.
func dated(t *testing.T, p string, at time.Time, names ...string) {
	t.Helper()
	for _, n := range names {
		if err := os.Chtimes(p+n, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// notify tells the Set that p was written to.
func (r *rig) notify(p string) {
	r.set.event(fsys.Event{Dir: filepath.Dir(p), Name: p, Op: fsnotify.Write})
}

// TestLateWriteHidesNoGeneration writes to a renamed file after the next one was
// filled, and reads it before that one is renamed too, never having been seen.
func TestLateWriteHidesNoGeneration(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := tmp(t, "app.log")
		base := time.Now().Add(time.Second)
		old := lateWriter(t, p)
		old("L00000001\n")
		dated(t, p, base, "")
		r := newRig(t, Config{Path: p})
		r.step(1)
		rename(t, p, p+".1")
		write(t, p, "L00000003\n")
		dated(t, p, base.Add(time.Second), "")
		old("L00000002\n")
		dated(t, p, base.Add(2*time.Second), ".1")
		r.notify(p)
		r.read()
		rename(t, p+".1", p+".2")
		rename(t, p, p+".1")
		if restart {
			r.restart()
		}
		write(t, p, "L00000004\n")
		dated(t, p, base.Add(3*time.Second), "")
		r.step(2)
		r.numbers(4)
	}
}

// TestTruncatedAfterTheNextOne lets a reader notice that a file was truncated, when
// another one, older than the last write, is at its name.
func TestTruncatedAfterTheNextOne(t *testing.T) {
	p := tmp(t, "app.log")
	base := time.Now().Add(time.Second)
	old := lateWriter(t, p)
	old("L00000001\n")
	dated(t, p, base, "")
	r := newRig(t, Config{Path: p})
	r.scan()
	write(t, p+".2", "L00000001\n")
	if err := os.Truncate(p, 0); err != nil {
		t.Fatal(err)
	}
	dated(t, p, base, ".2")
	if err := os.Rename(p, p+".0"); err != nil {
		t.Fatal(err)
	}
	write(t, p, "L00000003\n")
	dated(t, p, base.Add(time.Second), "")
	old("L00000002\n")
	dated(t, p, base.Add(2*time.Second), ".0")
	r.read()
	rename(t, p+".2", p+".3")
	rename(t, p+".0", p+".2")
	rename(t, p, p+".1")
	write(t, p, "L00000004\n")
	dated(t, p, base.Add(3*time.Second), "")
	r.step(3)
	r.numbers(4)
}

// TestTruncatedBeforeTheLinkWasSwitched lets a reader notice that a file was truncated, when
// the link leads to another one, which is named like a rotated file and older than the
// last write. The order is known: what is at the name comes later.
func TestTruncatedBeforeTheLinkWasSwitched(t *testing.T) {
	p := tmp(t, "app.log")
	base := time.Now().Add(time.Second)
	old := lateWriter(t, p+"-1")
	old("1 is longer\n")
	relink(t, p, "-1")
	dated(t, p, base, "")
	r := newRig(t, Config{Path: p})
	r.scan()
	if err := os.Truncate(p, 0); err != nil {
		t.Fatal(err)
	}
	write(t, p+"-2", "3\n")
	dated(t, p, base.Add(time.Second), "-2")
	old("2\n")
	dated(t, p, base.Add(2*time.Second), "-1")
	if err := os.Remove(p + "-1"); err != nil {
		t.Fatal(err)
	}
	relink(t, p, "-2")
	r.read()
	r.step(3)
	r.want("2", "3")
	if n := r.unreadable(); n != 12 {
		t.Fatalf("%d bytes counted as unreadable, want 12", n)
	}
}

// relink lets p lead to the file that has p with the suffix for a name.
func relink(t *testing.T, p, suffix string) {
	t.Helper()
	if err := os.Symlink(filepath.Base(p)+suffix, p+".new"); err != nil {
		t.Fatal(err)
	}
	rename(t, p+".new", p)
}

// TestLateWriteTellsNoOrder finds two generations nobody saw, the older of which was
// written to last.
func TestLateWriteTellsNoOrder(t *testing.T) {
	needsBirths(t, t.TempDir())
	p := tmp(t, "app.log")
	r := newRig(t, Config{Path: p})
	r.step(1)
	old := lateWriter(t, p)
	old("L00000001\n")
	rename(t, p, p+".2")
	write(t, p+".1", "L00000003\n")
	old("L00000002\n")
	dated(t, p, time.Now().Add(time.Second), ".2")
	write(t, p, "L00000004\n")
	r.step(2)
	r.numbers(4)
}

// TestOrderWithinATick finds copies and renamed files of one modification time.
func TestOrderWithinATick(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	l.Lines(10)
	r.scan()
	l.CopyTruncate(".3")
	l.Lines(10)
	l.Rotate(".2", false)
	l.Lines(10)
	l.CopyTruncate(".1")
	dated(t, p, time.Now(), ".3", ".2", ".1")
	l.Lines(10)
	r.step(3)
	r.numbers(l.Next - 1)
}

// TestFilledWithinATick fills, copies and truncates a file so shortly after it was
// seen empty that its modification time does not change; and fills it again, or not.
func TestFilledWithinATick(t *testing.T) {
	for _, refill := range []int{0, 5} {
		p := tmp(t, "app.log")
		l := testkit.NewLog(t, p)
		r := newRig(t, Config{Path: p})
		tick := time.Now().Truncate(time.Millisecond)
		dated(t, p, tick, "")
		r.clock, r.pause = tick.Add(time.Millisecond), time.Millisecond
		r.step(2)
		l.Lines(10)
		l.CopyTruncate(".1")
		l.Lines(refill)
		dated(t, p, tick, "", ".1")
		r.pause = time.Second
		r.step(2)
		l.Lines(5)
		r.step(2)
		r.numbers(l.Next - 1)
	}
}

// TestSizeTellsWithinATick truncates a file in the tick of its last write: it is another
// generation, though its time did not change.
func TestSizeTellsWithinATick(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	r := newRig(t, Config{Path: p})
	tick := time.Now()
	dated(t, p, tick, "")
	r.scan()
	r.notify(p)
	r.read() // and the time is known
	l.Lines(10)
	dated(t, p, tick, "")
	r.scan()
	before := r.set.Files()
	l.Truncate(0)
	dated(t, p, tick, "")
	r.step(1)
	after := r.set.Files()
	if len(before) != 1 || len(after) != 1 || before[0].ID == after[0].ID {
		t.Fatalf("%+v is %+v now", before, after)
	}
	if n := r.unreadable(); n != 100 {
		t.Fatalf("%d bytes counted as unreadable, want 100", n)
	}
}

// TestSameSizeWithinATick truncates a file and fills it to the size it had, in the tick of
// its last write: neither size nor time change.
func TestSameSizeWithinATick(t *testing.T) {
	for _, half := range []string{"", "half"} {
		p := tmp(t, "app.log")
		l := testkit.NewLog(t, p)
		tick := time.Now().Truncate(time.Millisecond)
		l.Lines(10)
		l.Raw([]byte(half))
		dated(t, p, tick, "")
		r := newRig(t, Config{Path: p})
		r.clock, r.pause = tick.Add(time.Millisecond), time.Millisecond
		r.step(2)
		l.Truncate(0)
		l.Lines(10)
		l.Raw([]byte(half))
		dated(t, p, tick, "")
		r.pause = time.Second
		r.step(3)
		r.numbers(20)
		if n := r.unreadable(); n != uint64(len(half)) {
			t.Fatalf("%d bytes counted as unreadable, want %d", n, len(half))
		}
	}
}

// TestSizeOfTheNextIsNotCounted truncates a file with a copy; the reader sees the size
// of what was written since twice before it reads, as it has to wait for late writes.
func TestSizeOfTheNextIsNotCounted(t *testing.T) {
	p := tmp(t, "app.log")
	old := lateWriter(t, p)
	old("1\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	rename(t, p, p+".1")
	next := lateWriter(t, p)
	next("2\n")
	r.pause = 0
	r.step(2)
	old("3\n")
	next("4\n")
	r.scan()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p+".2", string(b))
	if err := os.Truncate(p, 0); err != nil {
		t.Fatal(err)
	}
	next("5 is longer than all that was there before\n")
	r.read()
	r.step(2)
	r.want("1", "2", "3", "4", "5 is longer than all that was there before")
	if n := r.unreadable(); n != 0 {
		t.Fatalf("%d bytes counted as unreadable", n)
	}
}

// TestHalfALineGrowsLate writes the end of a late line and more to a renamed file: it
// is read before what was written to the new file then, though a scan came first.
func TestHalfALineGrowsLate(t *testing.T) {
	p := tmp(t, "app.log")
	old := lateWriter(t, p)
	old("1\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	rename(t, p, p+".1")
	next := lateWriter(t, p)
	next("2\n")
	r.step(2)
	old("3\nhal")
	next("4\n")
	r.step(1)
	old("f\n")
	next("5\n")
	r.scan()
	r.notify(p)
	f := r.set.TryReady()
	if f.Path() != p || f.Info().Rotated {
		f.Release()
		f = r.set.TryReady() // the new file, whichever comes first
	}
	if _, err := f.Next(); err != io.EOF {
		t.Fatalf("the new file is read first: %v", err)
	}
	f.Release()
	r.read()
	r.want("1", "2", "3", "4", "half", "5")
}

// TestGlobNameCameAndWent writes and renames a file that a glob matches while nobody
// looks, and starts twice before there is a file of that name again.
func TestGlobNameCameAndWent(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	r := newRig(t, Config{Path: filepath.Join(dir, "*.log")})
	r.step(1)
	r.stop()
	l := testkit.NewLog(t, p)
	l.Lines(10)
	l.Close()
	rename(t, p, p+".1")
	past := time.Now().Add(-time.Hour)
	write(t, filepath.Join(dir, "old.log.1"), "an archive\n")
	dated(t, dir, past, "/old.log.1")
	r.begin()
	r.step(2)
	r.stop()
	r.cfg.Since = r.cfg.Since.Add(time.Second) // what happened before is long ago
	r.begin()
	r.step(1)
	l.Reopen()
	l.Lines(10)
	r.step(2)
	r.numbers(l.Next - 1)
	if n := len(r.set.slots); n > 2 {
		t.Fatalf("%d names are looked at", n)
	}
	r.step(100)
	if n := len(r.set.slots); n > 1 {
		t.Fatalf("%d names are looked at for ever: %v", n, fmt.Sprint(r.set.slots))
	}
}

// TestNameGoneForLong deletes a file that a glob matches; the next one of that name comes
// and goes while nobody looks, and then there is none for so long that the name is
// forgotten.
func TestNameGoneForLong(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	write(t, p, "1\n")
	r := newRig(t, Config{Path: filepath.Join(dir, "*.log")})
	r.step(1)
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	r.step(1)
	write(t, p, "2\n")
	rename(t, p, p+".1")
	r.step(100)
	r.stop()
	r.cfg.Since = r.cfg.Since.Add(time.Second) // what happened before is long ago
	r.begin()
	r.step(2)
	r.want("1", "2")
	if err := os.Remove(p + ".1"); err != nil {
		t.Fatal(err)
	}
	r.step(100)
	if n := len(r.set.slots); n > 0 {
		t.Fatalf("%d names are looked at for ever", n)
	}
}

// TestFilledThenRenamed fills, copies, truncates and fills a file that was seen empty,
// and renames it, all between two looks.
func TestFilledThenRenamed(t *testing.T) {
	for _, read := range []bool{false, true} {
		p := tmp(t, "app.log")
		l := testkit.NewLog(t, p)
		r := newRig(t, Config{Path: p})
		r.pause = 0 // what comes is younger than the last look
		r.step(2)
		r.pause = time.Second
		l.Lines(10)
		l.CopyTruncate(".3")
		l.Lines(10)
		l.CopyTruncate(".2")
		l.Lines(10)
		l.Rotate(".1", false)
		l.Lines(10)
		dated(t, p, time.Now().Add(time.Second), ".3", ".2", ".1")
		if read { // the reader finds out
			r.notify(p)
			r.read()
		}
		r.step(3)
		r.numbers(l.Next - 1)
	}
}

// TestArchiveOfAnEmptyFile starts to follow a file that is empty since it was copied
// and truncated, in one tick: the copy is an old archive.
func TestArchiveOfAnEmptyFile(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	l.Raw([]byte("old\n"))
	l.CopyTruncate(".1")
	dated(t, p, time.Now().Add(-time.Second), "", ".1") // before the copy was made, which is as good as then
	r := newRig(t, Config{Path: p, FirstStart: true})
	r.clock = r.clock.Add(time.Hour)
	r.step(2)
	l.Lines(5)
	r.step(2)
	r.numbers(5)
}
