package tail

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"logctl/internal/testkit"
)

// packer compresses files by one format.
type packer struct {
	ending string
	pack   func(w io.Writer) (io.WriteCloser, error)
}

var packers = []packer{
	{".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }},
	{".zst", func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }},
	{".lz4", func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }},
	{".zip", newZip},
}

// zipped is an archive with one file.
type zipped struct {
	io.Writer
	z *zip.Writer
}

func newZip(w io.Writer) (io.WriteCloser, error) {
	z := zip.NewWriter(w)
	f, err := z.Create("app.log")
	return &zipped{f, z}, err
}

func (z *zipped) Close() error { return z.z.Close() }

// compressed is the content of a file, compressed.
func (p packer) compressed(t *testing.T, path string) []byte {
	t.Helper()
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := p.pack(&b)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// compress does what gzip does to a file: the compressed one beside it, then the
// plain one is removed. keep: with its modification time.
func (p packer) compress(t *testing.T, path, to string, keep bool) {
	t.Helper()
	b := p.compressed(t, path)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if keep {
		if err := os.Chtimes(to, st.ModTime(), st.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, path)
}

// TestCompressedUnread compresses generations while the Set is stopped, one of them
// half read: what was not read comes from the compressed files, in order.
func TestCompressedUnread(t *testing.T) {
	for _, p := range packers {
		for _, keep := range []bool{false, true} {
			for _, path := range []string{"app.log", "app.log*"} {
				t.Run(fmt.Sprint(p.ending, " times kept ", keep, " ", path), func(t *testing.T) {
					dir := t.TempDir()
					active := filepath.Join(dir, "app.log")
					l := testkit.NewLog(t, active)
					r := newRig(t, Config{Path: filepath.Join(dir, path), ChunkSize: 64})
					l.Lines(20)
					r.step(2)
					for round := range 3 {
						r.stop()
						for range 3 {
							l.Lines(30)
							for n := 9; n > 0; n-- {
								if old := fmt.Sprintf("%s.%d%s", active, n, p.ending); fileExists(old) {
									rename(t, old, fmt.Sprintf("%s.%d%s", active, n+1, p.ending))
								}
							}
							rename(t, active, active+".1")
							p.compress(t, active+".1", active+".1"+p.ending, keep)
							nextTick(t, dir)
							l.Reopen()
							l.Lines(5)
						}
						r.begin()
						r.step(4)
						r.restart() // nothing comes again
						r.step(2)
						if t.Failed() {
							t.Fatal("round", round)
						}
					}
					r.numbers(l.Next - 1)
					if n := r.unreadable(); n != 0 {
						t.Errorf("%d bytes counted as unreadable", n)
					}
				})
			}
		}
	}
}

// TestCompressedUnderADate is loguru with compression: the log, read in part, becomes a
// compressed file with a date before the extension, which the glob matches too, and
// which is smaller than the position.
func TestCompressedUnderADate(t *testing.T) {
	for _, path := range []string{"app.log", "app*"} {
		t.Run(path, func(t *testing.T) {
			dir := t.TempDir()
			active := filepath.Join(dir, "app.log")
			l := testkit.NewLog(t, active)
			r := newRig(t, Config{Path: filepath.Join(dir, path)})
			l.Lines(2000)
			r.step(2)
			for n := range 3 {
				r.stop()
				l.Lines(500)
				name := filepath.Join(dir, fmt.Sprintf("app.2026-01-30_18-29-%02d_123456.log", n))
				rename(t, active, name)
				packers[0].compress(t, name, name+".gz", false)
				nextTick(t, dir)
				l.Reopen()
				l.Lines(2000)
				r.begin()
				r.step(4)
			}
			r.numbers(l.Next - 1)
			if n := r.unreadable(); n != 0 {
				t.Errorf("%d bytes counted as unreadable", n)
			}
		})
	}
}

// TestCompressedAfterReading compresses what was read, while the Set runs and while it
// is stopped: nothing comes twice, and nothing is shipped as binary records.
func TestCompressedAfterReading(t *testing.T) {
	p := packers[0]
	for _, path := range []string{"app.log", "app.log*", "*"} {
		for _, stopped := range []bool{false, true} {
			for _, keep := range []bool{false, true} {
				t.Run(fmt.Sprint(path, " stopped ", stopped, " times kept ", keep), func(t *testing.T) {
					dir := t.TempDir()
					active := filepath.Join(dir, "app.log")
					l := testkit.NewLog(t, active)
					r := newRig(t, Config{Path: filepath.Join(dir, path)})
					for n := 1; n < 5; n++ {
						l.Lines(10)
						r.step(2)
						name := fmt.Sprintf("%s.%d", active, n)
						rename(t, active, name)
						l.Reopen()
						r.step(deletedAfter)
						if stopped {
							r.stop()
						}
						p.compress(t, name, name+".gz", keep)
						nextTick(t, dir)
						if stopped {
							r.begin()
						}
						r.step(deletedAfter + 3)
					}
					r.restart()
					r.step(3)
					r.numbers(l.Next - 1)
					if n := r.unreadable(); n != 0 {
						t.Errorf("%d bytes counted as unreadable", n)
					}
				})
			}
		}
	}
}

// TestCompressedRestart stops in the middle of a compressed generation, again and
// again: each run goes on at the plain position.
func TestCompressedRestart(t *testing.T) {
	dir := t.TempDir()
	active := filepath.Join(dir, "app.log")
	l := testkit.NewLog(t, active)
	r := newRig(t, Config{Path: active, ChunkSize: 64})
	l.Lines(3)
	r.step(2)
	r.stop()
	l.Lines(100)
	rename(t, active, active+".1")
	packers[0].compress(t, active+".1", active+".1.gz", true)
	nextTick(t, dir)
	l.Reopen()
	l.Lines(3)
	for runs := 0; len(r.got) < l.Next-1; runs++ {
		if runs > 60 {
			t.Fatalf("%d lines after %d runs", len(r.got), runs)
		}
		r.begin()
		r.scan()
		if f := r.set.TryReady(); f != nil {
			for range 2 {
				if c, err := f.Next(); err == nil {
					r.take(f, c)
				}
			}
			f.Release()
		}
		r.stop()
	}
	r.begin()
	r.step(3)
	r.numbers(l.Next - 1)
}

// TestCompressedCorrupt keeps what can be read of a damaged file, counts the rest and
// says so; the next generations are read.
func TestCompressedCorrupt(t *testing.T) {
	for name, harm := range map[string]func([]byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)*2/3] },
		"corrupt": func(b []byte) []byte { copy(b[len(b)*2/3:], "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			active := filepath.Join(dir, "app.log")
			l := testkit.NewLog(t, active)
			r := newRig(t, Config{Path: active})
			l.Lines(10)
			r.step(2)
			r.stop()
			l.Lines(20000)
			rename(t, active, active+".1")
			b := harm(packers[0].compressed(t, active+".1"))
			if err := os.WriteFile(active+".1.gz", b, 0o600); err != nil {
				t.Fatal(err)
			}
			remove(t, active+".1")
			nextTick(t, dir)
			l.Reopen()
			first := l.Next
			l.Lines(5)
			r.begin()
			r.step(copyAfter + 5)
			if len(r.got) < 5000 || len(r.got) > first || r.got[len(r.got)-1] != fmt.Sprintf("L%08d", l.Next-1) && !strings.Contains(r.got[len(r.got)-1], fmt.Sprint(l.Next-1)) {
				t.Errorf("%d lines, the last is %q", len(r.got), r.got[len(r.got)-1])
			}
			if r.unreadable() == 0 || !strings.Contains(r.log.String(), "compressed generation cannot be read to its end") {
				t.Errorf("%d bytes counted; log:\n%s", r.unreadable(), r.log.String())
			}
			if st := r.set.Status(); !strings.Contains(st.Problem, "compressed file") {
				t.Errorf("status says %q", st.Problem)
			}
			n := len(r.got)
			r.restart()
			r.step(copyAfter + 5)
			if len(r.got) != n {
				t.Errorf("%d lines came again", len(r.got)-n)
			}
		})
	}
}

// TestCompressedBegunEmpty looks while a program compresses a file: at an empty
// compressed file, at one that has begun, at both whole, and at the compressed one alone.
func TestCompressedBegunEmpty(t *testing.T) {
	for _, path := range []string{"app.log", "app.log*"} {
		for stop := range 5 {
			t.Run(fmt.Sprint(path, " stopped at ", stop), func(t *testing.T) {
				dir := t.TempDir()
				active := filepath.Join(dir, "app.log")
				l := testkit.NewLog(t, active)
				r := newRig(t, Config{Path: filepath.Join(dir, path)})
				l.Lines(500)
				r.step(2)
				look := func(at int) {
					if nextTick(t, dir); at == stop {
						r.restart()
					}
					r.step(2)
				}
				for range 3 {
					if fileExists(active + ".1.gz") {
						rename(t, active+".1.gz", active+fmt.Sprintf(".%d.gz", l.Next))
					}
					rename(t, active, active+".1")
					write(t, active+".1.gz", "")
					look(0)
					l.Reopen()
					l.Lines(500)
					look(1)
					b := packers[0].compressed(t, active+".1")
					write(t, active+".1.gz", string(b[:len(b)/2]))
					look(2)
					write(t, active+".1.gz", string(b[len(b)/2:]))
					look(3)
					remove(t, active+".1")
					look(4)
					r.step(deletedAfter + 3)
				}
				r.restart()
				r.step(3)
				r.numbers(l.Next - 1)
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes counted as unreadable", n)
				}
			})
		}
	}
}

// TestCompressedGrowing reads a file while it is still being compressed: it waits for
// the rest, and for the name it gets in the end.
func TestCompressedGrowing(t *testing.T) {
	dir := t.TempDir()
	active := filepath.Join(dir, "app.log")
	l := testkit.NewLog(t, active)
	r := newRig(t, Config{Path: active})
	l.Lines(10)
	r.step(2)
	r.stop()
	l.Lines(5000)
	rename(t, active, active+".1")
	b := packers[0].compressed(t, active+".1")
	remove(t, active+".1")
	write(t, active+".1.gz", string(b[:len(b)/2]))
	nextTick(t, dir)
	l.Reopen()
	l.Lines(5)
	r.begin()
	r.step(3)
	if n := len(r.got); n < 1000 || n > 5010 {
		t.Fatalf("%d lines of half a file", n)
	}
	write(t, active+".1.gz", string(b[len(b)/2:]))
	r.step(4)
	r.numbers(l.Next - 1)
	if n := r.unreadable(); n != 0 {
		t.Errorf("%d bytes counted as unreadable", n)
	}
}

// TestCompressedIsNeverText has compressed files under any name that a glob matches.
func TestCompressedIsNeverText(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	write(t, plain, "L00000001\nL00000002\n")
	for i, name := range []string{"a.log", "b.log.gz.tmp", "c-20260131.log", "d.7z.log"} {
		b := packers[i%len(packers)].compressed(t, plain)
		if name == "d.7z.log" {
			b = []byte("7z\xbc\xaf\x27\x1c\x00\x04 and some\nlines\n")
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, plain)
	r := newRig(t, Config{Path: filepath.Join(dir, "*.log*"), FirstStart: true})
	r.step(3)
	r.restart()
	r.step(3)
	for _, line := range r.got {
		if line != "L00000001" && line != "L00000002" {
			t.Errorf("shipped %q", line)
		}
	}
	if !strings.Contains(r.log.String(), "7z") {
		t.Errorf("nothing is said of the 7z file:\n%s", r.log.String())
	}
}
