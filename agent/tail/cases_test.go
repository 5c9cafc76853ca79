package tail

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/ownfile"
	"logctl/internal/testkit"
)

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	_ = os.Remove(name)
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) waiting(part string) {
	r.t.Helper()
	if w := r.set.Status().Waiting; !strings.Contains(w, part) {
		r.t.Fatalf("waiting %q, want %q", w, part)
	}
}

func TestUnfinishedLineAtRotation(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "line1\nline2\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	write(t, p, "line3\nline4\npartial")
	rename(t, p, p+".1")
	write(t, p, "new1\nnew2\n")
	r.step(5)
	r.want("line1", "line2", "line3", "line4", "partial", "new1", "new2")
	write(t, p+".1", "late\n")
	r.step(2)
	r.want("late")
}

func TestUnfinishedLineOverRestart(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "a\nhal")
	r := newRig(t, Config{Path: p})
	r.step(1)
	r.restart()
	r.step(1)
	write(t, p, "f\r\n")
	r.step(1)
	r.want("a", "half")
}

func TestLineEndAcrossReads(t *testing.T) {
	for chunk := 16; chunk < 24; chunk++ {
		p := tmp(t, "app.log")
		write(t, p, strings.Repeat("0123456\r\n", 20)+"\x00\xff\r\r\n")
		r := newRig(t, Config{Path: p, ChunkSize: chunk})
		r.step(1)
		want := make([]string, 20)
		for i := range want {
			want[i] = "0123456"
		}
		r.want(append(want, "\x00\xff\r")...)
	}
}

func TestLongLines(t *testing.T) {
	long := strings.Repeat("x", 250)
	want := map[LongLines][]string{
		LongSplit:    {"a", long[:100], long[:100], long[:50], strings.Repeat("y", 100), "z"},
		LongTruncate: {"a", long[:100], strings.Repeat("y", 100), "z"},
		LongSkip:     {"a", strings.Repeat("y", 100), "z"},
	}
	for mode, lines := range want {
		for _, restart := range []bool{false, true} {
			p := tmp(t, "app.log")
			r := newRig(t, Config{Path: p, ChunkSize: 64, LongLines: mode, MaxLine: func() int { return 100 }})
			write(t, p, "a\n"+long[:130])
			r.step(1)
			write(t, p, long[:60])
			r.step(1)
			if restart {
				r.restart()
			}
			write(t, p, long[:60]+"\n"+strings.Repeat("y", 100)+"\r\nz\n")
			r.step(1)
			r.want(lines...)
		}
	}
}

// TestHugeLine reads a line of 100 MB in parts; what it takes is flat.
func TestHugeLine(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "a\n")
	const size = 100 << 20
	f, err := ownfile.OpenShared(p, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt([]byte("\nz\n"), 2+size); err != nil { // NULs, not written
		t.Fatal(err)
	}
	r := newRig(t, Config{Path: p})
	r.scan()
	file := r.set.TryReady()
	var sum int64
	mem := 0
	last := Line{}
	for {
		c, err := file.Next()
		if err == io.EOF {
			break
		}
		mem = max(mem, c.Mem())
		for _, l := range c.Lines {
			sum += int64(l.End - l.Start)
			if l.Part > 0 {
				last = l
			}
		}
		c.Release()
	}
	file.Release()
	if sum != size+2 || last.Part != size>>20 || !last.Last {
		t.Fatalf("%d bytes, last part %+v", sum, last)
	}
	if mem > 5<<20 {
		t.Fatalf("a chunk took %d bytes", mem)
	}
}

// TestHole: a writer that does not append goes on where it was after copytruncate.
func TestHole(t *testing.T) {
	for _, size := range []int64{100, 1 << 30} {
		p := tmp(t, "app.log")
		write(t, p, "old\n")
		r := newRig(t, Config{Path: p})
		r.step(1)
		if err := os.Truncate(p, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(p, size); err != nil {
			t.Fatal(err)
		}
		r.step(1)
		r.want("old")
		write(t, p, "new\n")
		r.step(2)
		r.want("new")
		if n := r.set.Status().Holes; n != uint64(size) {
			t.Fatalf("%d bytes passed over, want %d", n, size)
		}
		r.restart()
		write(t, p, "newer\n")
		r.step(1)
		r.want("newer")
	}
}

func TestUTF16(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "\xff\xfea\x00\n\x00\n\x0a\x0d\x00\n\x00\x0a")
	r := newRig(t, Config{Path: p, Newline: NewlineUTF16LE})
	r.step(1)
	r.want("\xff\xfea\x00", "\n\x0a")
	write(t, p, "\x01b\x00\n")
	r.step(1)
	write(t, p, "\x00")
	r.step(1)
	r.want("\x0a\x01b\x00")
}

func TestRewrittenToSameSize(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "aaa1\naaa2\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	if err := os.WriteFile(p, []byte("bbb1\nbbb2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	stamp := r.clock // file times are too coarse for a test
	if err := os.Chtimes(p, stamp, stamp); err != nil {
		t.Fatal(err)
	}
	r.step(2)
	r.want("aaa1", "aaa2", "bbb1", "bbb2")
}

func TestAtomicReplace(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, "1\n2\n3\n4\n")
	r := newRig(t, Config{Path: p})
	r.step(1)
	write(t, p+"~tmp", "1\n2\n3\n4\nnew1\n")
	testkit.Eventually(t, "file times move on", func() bool {
		write(t, p+"~clock", "x")
		return fileMtime(t, p+"~clock") > fsys.BirthPath(p+"~tmp")
	})
	rename(t, p+"~tmp", p)
	r.step(3)
	r.want("1", "2", "3", "4", "new1")
	write(t, p, "unread\n")
	write(t, p+"~tmp", "other\n")
	rename(t, p+"~tmp", p)
	r.step(3)
	r.want("unread", "other")
}

// TestAtomicReplaceInOneTick has the old file unlinked and the new one created at the
// same time, as far as the file system tells: events say whether the name was ever
// without a file. Where nothing says so, lines rather come again than not at all.
func TestAtomicReplaceInOneTick(t *testing.T) {
	for name, c := range map[string]struct {
		events []fsnotify.Op
		again  bool
	}{
		"renamed over":           {[]fsnotify.Op{fsnotify.Create}, false},
		"removed and made again": {[]fsnotify.Op{fsnotify.Remove, fsnotify.Create}, true},
		"moved and made again":   {[]fsnotify.Op{fsnotify.Rename, fsnotify.Create}, true},
		"not told":               {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := tmp(t, "app.log")
			write(t, p, "1\n2\n")
			r := newRig(t, Config{Path: p})
			r.step(1)
			old := r.set.slots[r.set.key(p)].cur
			r.set.sys.Born = func(h *os.File) int64 {
				var st fsys.Stat
				if err := fsys.StatFile(old.handle, &st); err != nil {
					t.Error(err)
				}
				return st.Ctime
			}
			write(t, p+"~tmp", "1\n2\n3\n")
			rename(t, p+"~tmp", p)
			r.set.mu.Lock()
			for _, op := range c.events {
				r.set.eventLocked(p, op)
			}
			r.set.mu.Unlock()
			r.step(3)
			if want := []string{"1", "2", "3"}; c.again {
				r.want(append([]string{"1", "2"}, want...)...)
			} else {
				r.want(want...)
			}
		})
	}
}

func fileMtime(t *testing.T, p string) int64 {
	t.Helper()
	var st fsys.Stat
	if err := fsys.StatPath(p, &st); err != nil {
		t.Fatal(err)
	}
	return st.Mtime
}

// TestFewDescriptors follows 200 files with 20 descriptors, while they rotate.
func TestFewDescriptors(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineIsSlow)
	dir := t.TempDir()
	r := newRig(t, Config{Path: dir + "/*.log", MaxOpen: 20})
	logs := make([]*testkit.Log, 200)
	for i := range logs {
		logs[i] = testkit.NewLog(t, fmt.Sprintf("%s/%03d.log", dir, i))
		logs[i].Pad = fmt.Sprint(i)
		logs[i].Lines(3)
		logs[i].Close()
	}
	for round := range 4 {
		r.step(2)
		for i, l := range logs {
			l.Reopen()
			l.Lines(3)
			if i%4 == round {
				l.Rotate(".1", false)
				l.Lines(2)
			}
			l.Close()
		}
	}
	r.restart()
	r.step(4)
	got := map[string][]int{}
	for _, line := range r.got {
		n, pad, _ := strings.Cut(line, " ")
		got[pad] = append(got[pad], testkit.Number([]byte(n)))
	}
	for i, l := range logs {
		testkit.CheckNumbers(t, got[fmt.Sprint(i)], l.Next-1)
	}
	if st := r.set.Status(); st.Open > 30 || r.unreadable() != 0 {
		t.Fatalf("%+v", st)
	}
}

// TestNothingGathers rotates and deletes 100 generations of each of 10 files.
func TestNothingGathers(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, Config{Path: dir + "/*.log"})
	for gen := range 100 {
		for i := range 10 {
			p := filepath.Join(dir, fmt.Sprintf("%d.log", i))
			write(t, p, fmt.Sprintf("%d %d\n", i, gen))
		}
		r.step(1)
		for i := range 10 {
			p := filepath.Join(dir, fmt.Sprintf("%d.log", i))
			rename(t, p, p+".1")
		}
	}
	r.step(100)
	if len(r.got) != 1000 {
		t.Fatalf("%d lines were read, want 1000", len(r.got))
	}
	s := r.set
	if n := len(r.states); n > 20 {
		t.Errorf("%d states kept", n)
	}
	if n := len(s.files) + len(s.away) + len(s.byInode) + len(s.byName); n > 80 || s.open > 20 {
		t.Errorf("%d entries, %d descriptors kept", n, s.open)
	}
}

func TestOldArchivesAreNotRead(t *testing.T) {
	p := tmp(t, "app.log")
	l := testkit.NewLog(t, p)
	for range 5 {
		l.Raw([]byte("old\n"))
		l.Shift(9)
	}
	for i := 1; i <= 5; i++ {
		stamp := fileTime(i)
		if err := os.Chtimes(fmt.Sprintf("%s.%d", p, i), stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, Config{Path: p, FirstStart: true, From: FromBeginning})
	l.Lines(1)
	r.step(2)
	l.Shift(9)
	l.Lines(1)
	l.Shift(9)
	l.Lines(1)
	r.step(2)
	r.restart()
	l.Shift(9)
	l.Lines(1)
	r.step(2)
	r.numbers(4)
}

func TestStateInsideChunk(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, string(testkit.Numbered(1, 50, "")))
	r := newRig(t, Config{Path: p})
	r.scan()
	f := r.set.TryReady()
	c, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Lines {
		st := c.StateAt(c.After(i))
		h, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		if st.Pos != int64(i+1)*10 || !matches(h, 500, &st) {
			t.Fatalf("state after line %d: %+v", i, st)
		}
		_ = h.Close()
	}
	if !bytes.Equal(c.Data[c.Lines[49].Start:c.Lines[49].End], []byte("L00000050")) {
		t.Fatal("last line")
	}
	c.Release()
	f.Release()
}
