package fingerprint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestTrail: a copy that ends anywhere before the position is known, and a file that only
// begins alike is not.
func TestTrail(t *testing.T) {
	var all []byte
	for i := range 20000 {
		all = fmt.Appendf(all, "line %d\n", i)
	}
	var tr Trail
	for pos := 700; pos < len(all); pos += 700 {
		tr.Pass(int64(pos), all[:pos], headOf(all[:pos]))
		if len(tr.steps) > trailMost {
			t.Fatalf("%d positions are kept", len(tr.steps))
		}
	}
	head := Head{Len: HeadMax, Hash: Sum(Empty, all[:HeadMax])}
	last := tr.steps[len(tr.steps)-1].pos
	for i := range len(tr.steps) - 1 { // the nearer, the denser
		if hole := tr.steps[i+1].pos - tr.steps[i].pos; hole > 700 && hole > (last-tr.steps[i].pos)*9/10+700 {
			t.Errorf("a hole of %d bytes %d before the end", hole, last-tr.steps[i].pos)
		}
	}
	open := func(b []byte) *os.File {
		name := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		return h
	}
	for _, size := range []int{HeadMax, 5000, len(all) / 2, len(all) - 1500} {
		if !tr.Ended(open(all[:size]), int64(size), head) {
			t.Errorf("a copy of %d bytes is not known", size)
		}
		other := bytes.Clone(all[:size])
		for i := HeadMax; i < size; i++ {
			other[i]++
		}
		if size > int(tr.steps[0].pos) && size > HeadMax && tr.Ended(open(other), int64(size), head) {
			t.Errorf("another file of %d bytes is taken for a copy", size)
		}
	}
	if tr.Ended(open(all[:100]), 100, head) {
		t.Error("a file too short to tell is taken for a copy")
	}
	tr.Pass(10, all[:10], headOf(all[:10]))
	if len(tr.steps) != 1 {
		t.Errorf("%d positions after the file was begun anew", len(tr.steps))
	}
}

func headOf(b []byte) Head {
	b = b[:min(len(b), HeadMax)]
	return Head{Len: len(b), Hash: Sum(Empty, b)}
}

// TestTrailWithinTheHead: lines of one length that end alike, as those of a program that
// writes the same fields last, are not taken for one another.
func TestTrailWithinTheHead(t *testing.T) {
	lines := func(from int) []byte {
		var b []byte
		for i := range 10 {
			b = fmt.Appendf(b, "{\"n\":%06d,\"service\":\"shop\",\"zone\":\"eu-west-1a\",\"build\":\"2027.01.15-3\",\"host\":\"web-01\"}\n", from+i)
		}
		return b
	}
	one, other := lines(0), lines(10)
	line := len(one) / 10
	var tr Trail
	for n := line; n <= len(one); n += line {
		tr.Pass(int64(n), one[:n], headOf(one[:n]))
	}
	for _, n := range []int{1, 3, 5} {
		for _, tc := range []struct {
			content []byte
			want    bool
		}{{one, true}, {other, false}} {
			name := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(name, tc.content[:n*line], 0o600); err != nil {
				t.Fatal(err)
			}
			h, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := tr.Ended(h, int64(n*line), headOf(one)); got != tc.want {
				t.Errorf("%d lines that begin with %.20s: taken for a copy: %v", n, tc.content, got)
			}
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
