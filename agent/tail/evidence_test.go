package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
)

// rows returns the lines from to to, each of the same width, and what they were read as.
func rows(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "row %08d\n", i)
	}
	return b.String()
}

func (r *rig) wantRows(from, to int) {
	r.t.Helper()
	var want []string
	if from <= to {
		want = strings.Split(strings.TrimSuffix(rows(from, to), "\n"), "\n")
	}
	if strings.Join(r.got, "\n") != strings.Join(want, "\n") {
		brief := r.got
		if len(brief) > 6 {
			brief = append(append([]string{}, r.got[:3]...), r.got[len(r.got)-3:]...)
		}
		r.t.Fatalf("read %d lines (%q), want rows %d to %d", len(r.got), brief, from, to)
	}
	r.got = nil
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func truncateTo(t *testing.T, p string, size int64) {
	t.Helper()
	if err := os.Truncate(p, size); err != nil {
		t.Fatal(err)
	}
}

// TestCopyEndsBeforeThePosition: between the copy and the truncation a writer goes on. Its
// lines are read from the file; the copy ends before them and brings nothing new.
func TestCopyEndsBeforeThePosition(t *testing.T) {
	for _, tc := range []struct {
		name, path, copy string
		lines            int
		seen             bool // the copy is seen before the truncation
	}{
		{"path", "app.log", "app.log.1", 1000, false},
		{"path, small", "app.log", "app.log.1", 20, false},
		{"path, seen before", "app.log", "app.log.1", 1000, true},
		{"glob of all names", "app*", "app.log.1", 1000, false},
		{"glob of all names, seen before", "app*", "app.log.1", 1000, true},
		{"date before the extension", "*.log", "app-20260131.log", 1000, false},
		{"date before the extension, seen before", "*.log", "app-20260131.log", 1000, true},
		{"a name nobody knows", "*.log", "zz backup.log", 1000, false},
		{"a name nobody knows, seen before", "*.log", "zz backup.log", 1000, true},
		{"a name before it, seen before", "*.log", "aa.log", 1000, true},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", tc.name, restart), func(t *testing.T) {
				dir := t.TempDir()
				p, c := filepath.Join(dir, "app.log"), filepath.Join(dir, tc.copy)
				write(t, p, rows(1, tc.lines))
				r := newRig(t, Config{Path: filepath.Join(dir, tc.path)})
				r.step(2)
				if restart && !tc.seen {
					r.stop()
				}
				copyFile(t, p, c)
				write(t, p, rows(tc.lines+1, tc.lines+2))
				switch {
				case tc.seen:
					r.step(2)
				case !restart: // an event tells of the lines, and no scan sees the copy
					r.notify(p)
					r.read()
				}
				if restart && tc.seen {
					r.stop()
				}
				truncateTo(t, p, 0)
				write(t, p, rows(tc.lines+3, tc.lines+4))
				if restart {
					r.begin()
				}
				r.step(3)
				r.clock = r.clock.Add(time.Minute)
				r.step(3)
				if restart && !tc.seen { // the two lines between were never seen
					got := r.got
					r.got = got[:tc.lines]
					r.wantRows(1, tc.lines)
					r.got = got[tc.lines:]
					r.wantRows(tc.lines+3, tc.lines+4)
				} else {
					r.wantRows(1, tc.lines+4)
				}
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes counted as unreadable, none were known and lost", n)
				}
			})
		}
	}
}

// TestGapAfterTheCopyIsCounted: what was seen and not read, and is not in the copy, is
// counted with the place.
func TestGapAfterTheCopyIsCounted(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	write(t, p, rows(1, 100))
	r := newRig(t, Config{Path: p})
	r.step(2)
	write(t, p, rows(101, 110))
	copyFile(t, p, p+".1")
	write(t, p, rows(111, 115))
	r.scan() // the size is seen; nothing is read
	truncateTo(t, p, 0)
	write(t, p, rows(116, 117))
	r.step(3)
	got := r.got
	r.got = got[:110]
	r.wantRows(1, 110)
	r.got = got[110:]
	r.wantRows(116, 117)
	if n := r.unreadable(); n != 5*13 {
		t.Errorf("%d bytes counted as unreadable, want %d", n, 5*13)
	}
	if want := fmt.Sprintf("from=%d to=%d", 110*13, 115*13); !strings.Contains(r.log.String(), want) {
		t.Errorf("the log does not say %q", want)
	}
}

// TestTwoLogsThatBeginAlike: logs written side by side stay two, whatever they begin with.
func TestTwoLogsThatBeginAlike(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "app-1.log"), filepath.Join(dir, "app-2.log")
	banner := strings.Repeat("# a banner that both programs print\n", 60)
	r := newRig(t, Config{Path: filepath.Join(dir, "*.log")})
	r.step(1)
	write(t, a, banner)
	r.step(1)
	write(t, b, banner+"b1\n")
	r.step(1)
	write(t, a, "a1\n")
	r.step(12)
	n := map[string]int{}
	for _, l := range r.got {
		n[l]++
	}
	if n["# a banner that both programs print"] != 120 || n["a1"] != 1 || n["b1"] != 1 {
		t.Errorf("read %v", n)
	}
}

// TestRegrownWithAnEqualMark: a file that was truncated and has grown past the position has
// the same bytes before it by chance; its head tells.
func TestRegrownWithAnEqualMark(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	line := strings.Repeat("x", 99) + "\n"
	first := func(s string) string { return s + strings.Repeat(line, 50) }
	write(t, p, first("first\n"))
	r := newRig(t, Config{Path: p})
	r.step(2)
	if len(r.got) != 51 {
		t.Fatalf("read %d lines", len(r.got))
	}
	r.got = nil
	write(t, p, "unread\n")
	copyFile(t, p, p+".1")
	truncateTo(t, p, 0)
	write(t, p, first("other\n")+"more\n")
	r.scan() // looks at the name before anybody reads
	write(t, p, "again\n")
	r.step(3)
	want := append([]string{"unread", "other"}, strings.Split(strings.TrimSuffix(strings.Repeat(line, 50), "\n"), "\n")...)
	r.want(append(want, "more", "again")...)
	if n := r.unreadable(); n != 0 {
		t.Errorf("%d bytes counted as unreadable", n)
	}
}

// TestToldLateOfTheNewFile: with logrotate's create a program writes to the old file until it
// is told of the new one. Where names are known, the old one is no log of its own for that.
func TestToldLateOfTheNewFile(t *testing.T) {
	for _, late := range []time.Duration{300 * time.Millisecond, time.Minute} {
		p := tmp(t, "app.log")
		at := func(n string) string { return strings.TrimSuffix(p, "app.log") + n }
		write(t, p, rows(1, 2))
		r := newRig(t, Config{Path: p})
		r.step(1)
		rotate := func() {
			t.Helper()
			for i := 8; i > 0; i-- {
				if from := at(fmt.Sprintf("app.%d.log", i)); fileExists(from) {
					rename(t, from, at(fmt.Sprintf("app.%d.log", i+1)))
				}
			}
			rename(t, p, at("app.1.log"))
		}
		rotate()
		write(t, p, rows(3, 4))
		r.step(2) // shows what old ones are called
		rotate()
		tick(t, at("app.1.log"))
		write(t, p, "")
		told := time.Now().Add(late)
		write(t, at("app.1.log"), rows(5, 6)) // it was the log until then
		if err := os.Chtimes(at("app.1.log"), told, told); err != nil {
			t.Fatal(err)
		}
		rotate()
		tick(t, at("app.1.log"))
		write(t, at("app.1.log"), rows(7, 8))
		next := told.Add(late)
		if err := os.Chtimes(at("app.1.log"), next, next); err != nil {
			t.Fatal(err)
		}
		write(t, p, rows(9, 10))
		if err := os.Chtimes(p, next.Add(time.Second), next.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		r.step(3)
		if late > time.Second { // that is a log written side by side
			if n := len(r.got); n != 8 && fsys.BirthPath(p) != 0 {
				t.Errorf("%d lines, want 8: %q", n, r.got)
			}
			continue
		}
		r.wantRows(1, 10)
	}
}

// TestFlushedLateBehindALink: a program that has a link to its newest file may write the rest
// of its buffers to the files before; one that the link led to between two looks is no
// log of its own for that.
func TestFlushedLateBehindALink(t *testing.T) {
	dir := t.TempDir()
	at := func(i int) string { return filepath.Join(dir, fmt.Sprintf("run-%d.txt", i)) }
	link := func(i int) {
		t.Helper()
		if err := os.Symlink(filepath.Base(at(i)), filepath.Join(dir, "new")); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		rename(t, filepath.Join(dir, "new"), filepath.Join(dir, "current"))
	}
	write(t, at(1), rows(1, 2))
	link(1)
	r := newRig(t, Config{Path: filepath.Join(dir, "current")})
	r.step(1)
	for i := 2; i <= 4; i++ {
		tick(t, at(i-1))
		write(t, at(i), rows(2*i-1, 2*i))
		link(i)
	}
	flushed := time.Now().Add(500 * time.Millisecond)
	for i := 2; i <= 4; i++ {
		if err := os.Chtimes(at(i), flushed, flushed); err != nil {
			t.Fatal(err)
		}
	}
	r.step(3)
	r.wantRows(1, 8)
}
