package tail

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// lookAt looks at the names as Run does for events of them: there is no scan.
func (r *rig) lookAt(paths ...string) {
	r.t.Helper()
	r.set.mu.Lock()
	for _, p := range paths {
		r.set.news[p] = struct{}{}
	}
	r.set.mu.Unlock()
	r.set.checkDirty()
	r.save()
}

// TestCopiesOfAFileSeenEmpty fills, copies and truncates a file that was seen empty, under
// a glob that matches its copies: one of the copies has the lines, others were made when
// there were none yet. The lines are in none but that one.
func TestCopiesOfAFileSeenEmpty(t *testing.T) {
	for try := range 8 { // each in another order of the copies
		p := tmp(t, "app.log")
		r := newRig(t, Config{Path: p + "*", From: FromBeginning, FirstStart: true})
		write(t, p, "")
		r.pause = 0 // what comes is younger than the last look
		r.step(1)
		r.pause = time.Second
		for n := range 3 {
			name := fmt.Sprintf("%s.%d", p, 5-n)
			write(t, name, "")
			r.lookAt(name)
		}
		text := strings.Repeat("line\n", 20)
		write(t, p, text)
		write(t, p+".1", text)
		r.lookAt(p + ".1")
		if err := os.Truncate(p, 0); err != nil {
			t.Fatal(err)
		}
		write(t, p+".2", "again\n") // the same once more, and nothing of it was seen
		r.step(15)
		if len(r.got) != 21 || r.unreadable() != 0 {
			t.Fatalf("try %d: %d lines were read, want 21; %d bytes counted", try, len(r.got), r.unreadable())
		}
	}
}

// TestCopiesOfOneLength lets two copies of a file wait, of which one is shorter than what
// the file had when it was truncated: the rest is in the longer one.
func TestCopiesOfOneLength(t *testing.T) {
	for try := range 8 {
		p := tmp(t, "app.log")
		r := newRig(t, Config{Path: p + "*", From: FromBeginning, FirstStart: true})
		read := strings.Repeat("read\n", 20)
		write(t, p, read)
		r.step(1)
		r.got = nil
		rest := strings.Repeat("more\n", 20)
		write(t, p, rest)
		write(t, p+".1", read+rest)
		r.lookAt(p + ".1")
		write(t, p, "last\n")
		write(t, p+".2", read+rest+"last\n")
		r.lookAt(p + ".2")
		r.scan()
		if err := os.Truncate(p, 0); err != nil {
			t.Fatal(err)
		}
		r.step(15)
		if len(r.got) != 21 || r.unreadable() != 0 {
			t.Fatalf("try %d: %d lines were read, want 21; %d bytes counted", try, len(r.got), r.unreadable())
		}
	}
}
