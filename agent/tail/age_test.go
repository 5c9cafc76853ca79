package tail

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// TestNumbersThatRise rotates by giving each file the next higher number, so fast that
// the times of the files are the same: what came before tells how they are numbered.
func TestNumbersThatRise(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := tmp(t, "app.log")
		l := testkit.NewLog(t, p)
		r := newRig(t, Config{Path: p})
		l.Lines(10)
		first, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		born := func(h *os.File) int64 {
			if st, err := h.Stat(); err == nil && os.SameFile(st, first) {
				return 1
			}
			return 2
		}
		r.set.sys.born = born
		r.step(1)
		if restart {
			r.restart()
			r.set.sys.born = born
		}
		var names []string
		for i := range 12 {
			names = append(names, fmt.Sprintf(".%d", i))
			l.Lines(10)
			l.Rotate(names[i], false)
		}
		l.Lines(10)
		dated(t, p, time.Now().Add(time.Second), names...)
		r.step(3)
		r.numbers(l.Next - 1)
	}
}

// TestNumbersThatFall is the same for a rotation that moves all files up.
func TestNumbersThatFall(t *testing.T) {
	for _, gone := range []bool{false, true} { // what came before
		p := tmp(t, "app.log")
		l := testkit.NewLog(t, p)
		r := newRig(t, Config{Path: p})
		r.set.sys.born = func(*os.File) int64 { return 1 }
		l.Lines(10)
		r.step(1)
		r.read()
		most := 12
		if gone {
			most = 11
		}
		for range 12 {
			l.Shift(most)
			l.Lines(10)
		}
		var names []string
		for i := range 11 {
			names = append(names, fmt.Sprintf(".%d", i+1))
		}
		dated(t, p, time.Now().Add(time.Second), names...)
		r.step(3)
		r.numbers(l.Next - 1)
	}
}

// TestRising tells which way files are numbered, by those whose age is known.
func TestRising(t *testing.T) {
	at := func(suffix string, mtime int64) candidate {
		return candidate{suffix: suffix, st: fileStat{mtime: mtime}, born: mtime}
	}
	copied := at(".3", 5)
	copied.copied, copied.born = true, 4
	late, tick := at(".4", 5), at(".4", 5)
	late.born, tick.born = 1, 4
	for _, tc := range []struct {
		name, first string
		found       []candidate
		want        bool
	}{
		{"nothing tells", "", []candidate{at(".1", 5), at(".2", 5)}, false},
		{"what came before has the lowest", ".1", []candidate{at(".2", 5), at(".3", 5)}, true},
		{"what came before has the highest", ".4", []candidate{at(".2", 5), at(".3", 5)}, false},
		{"times rise with one", "", []candidate{at(".9", 5), at(".10", 5), at(".11", 6)}, true},
		{"times fall with one", "", []candidate{at(".3", 5), at(".2", 5), at(".1", 6)}, false},
		{"they do not agree", "", []candidate{at(".1", 5), at(".3", 6), at(".2", 7)}, false},
		{"a copy of what came before has the highest", "", []candidate{copied, at(".2", 5), at(".1", 5)}, false},
		{"a copy of what came before has the lowest", "", []candidate{copied, at(".4", 5), at(".5", 5)}, true},
		{"an archive was written to late", "", []candidate{copied, late, at(".2", 5)}, false},
		{"an archive was made in the same tick", "", []candidate{copied, tick, at(".2", 5)}, false},
		{"an archive was made in the same tick as what came before", ".1", []candidate{tick, tick}, false},
		{"dates rise by themselves", "-20260101", []candidate{at("-20260102", 5), at("-20260103", 5)}, false},
	} {
		slices.SortFunc(tc.found, older)
		if got := rising(tc.first, 4, tc.found); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
