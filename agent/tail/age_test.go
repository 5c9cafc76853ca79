package tail

import (
	"fmt"
	"os"
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
		r.set.sys.Born = born
		r.step(1)
		if restart {
			r.restart()
			r.set.sys.Born = born
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
		r.set.sys.Born = func(*os.File) int64 { return 1 }
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
