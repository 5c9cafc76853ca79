package testkit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"logctl/internal/ownfile"
)

// Log is a log file that a test writes numbered lines to and rotates. Lines are
// "L%08d" and the Pad, numbered from 1 over all generations, so that a
// test can tell what is missing, repeated or out of order. A Log is used by one
// goroutine.
type Log struct {
	Path string // present name
	Next int    // number of the next line
	Pad  string // added to each line after a space

	t testing.TB
	f *os.File
}

// NewLog creates (or goes on with) the log file at path. Missing directories are
// made. The file is closed when the test ends.
func NewLog(t testing.TB, path string) *Log {
	t.Helper()
	l := &Log{Path: path, Next: 1, t: t}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	t.Cleanup(l.Close)
	return l
}

// Reopen closes the file and opens the one at Path, creating it if need be: what
// a writer does when it is told that its log was rotated.
func (l *Log) Reopen() {
	l.t.Helper()
	l.Close()
	f, err := ownfile.OpenShared(l.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	l.check(err)
	l.f = f
}

// Close closes the writer's descriptor.
func (l *Log) Close() {
	if l.f != nil {
		_ = l.f.Close()
		l.f = nil
	}
}

// Lines appends n numbered lines in one write.
func (l *Log) Lines(n int) {
	l.t.Helper()
	l.Raw(Numbered(l.Next, n, l.Pad))
	l.Next += n
}

// Raw appends bytes as they are.
func (l *Log) Raw(b []byte) {
	l.t.Helper()
	_, err := l.f.Write(b)
	l.check(err)
}

// Rotate renames the file to Path plus suffix and, unless keep is set, reopens:
// with keep the writer goes on writing to the renamed file until Reopen.
func (l *Log) Rotate(suffix string, keep bool) {
	l.t.Helper()
	l.check(os.Rename(l.Path, l.Path+suffix))
	if !keep {
		l.Reopen()
	}
}

// Shift renames Path.n to Path.n+1 for n from count-1 down to 1, removing the
// last, then Path to Path.1, and reopens: what a rotating program does.
func (l *Log) Shift(count int) {
	l.t.Helper()
	_ = os.Remove(fmt.Sprintf("%s.%d", l.Path, count))
	for n := count - 1; n >= 1; n-- {
		err := os.Rename(fmt.Sprintf("%s.%d", l.Path, n), fmt.Sprintf("%s.%d", l.Path, n+1))
		if err != nil && !os.IsNotExist(err) {
			l.check(err)
		}
	}
	l.Rotate(".1", false)
}

// CopyTruncate copies the file to Path plus suffix and truncates it in place.
func (l *Log) CopyTruncate(suffix string) {
	l.t.Helper()
	b, err := os.ReadFile(l.Path)
	l.check(err)
	l.check(os.WriteFile(l.Path+suffix, b, 0o644))
	l.check(os.Truncate(l.Path, 0))
}

// Truncate sets the size of the file in place.
func (l *Log) Truncate(size int64) {
	l.t.Helper()
	l.check(os.Truncate(l.Path, size))
}

// Remove deletes the file; the writer keeps its descriptor until Reopen or Close.
func (l *Log) Remove() {
	l.t.Helper()
	l.check(os.Remove(l.Path))
}

func (l *Log) check(err error) {
	l.t.Helper()
	if err != nil {
		SkipRefused(l.t, err)
		l.t.Fatal(err)
	}
}

// Numbered returns n lines numbered from first.
func Numbered(first, n int, pad string) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "L%08d", first+i)
		if pad != "" {
			b.WriteByte(' ')
			b.WriteString(pad)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Number returns the number of a numbered line; 0: it is not one, or garbled.
func Number(line []byte) int {
	if len(line) < 9 || line[0] != 'L' || len(line) > 9 && line[9] != ' ' {
		return 0
	}
	n := 0
	for _, c := range line[1:9] {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// CheckNumbers fails the test unless got is 1, 2, ..., last; it names the first
// lines missing, repeated and out of order.
func CheckNumbers(t testing.TB, got []int, last int) {
	t.Helper()
	seen := make([]int, last+1)
	garbled, reordered, highest := 0, 0, 0
	for _, n := range got {
		if n < 1 || n > last {
			garbled++
			continue
		}
		seen[n]++
		if n < highest {
			reordered++
		}
		highest = max(highest, n)
	}
	var missing, repeated []int
	for n := 1; n <= last; n++ {
		switch {
		case seen[n] == 0:
			missing = append(missing, n)
		case seen[n] > 1:
			repeated = append(repeated, n)
		}
	}
	if len(missing)+len(repeated)+garbled+reordered > 0 {
		t.Fatalf("of %d lines %d are missing%s, %d repeated%s, %d garbled, %d out of order",
			last, len(missing), some(missing), len(repeated), some(repeated), garbled, reordered)
	}
}

func some(n []int) string {
	if len(n) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d .. %d)", n[0], n[len(n)-1])
}
