package agent

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"logctl/agent/tail"
)

func TestWindowMovesOnlyOverContiguousAcks(t *testing.T) {
	var w window
	now := time.Unix(100, 0)
	at := func(pos int64) *segment { return w.track(tail.State{Pos: pos}, false, now) }
	a, b, c := at(10), at(20), at(30)
	if _, moved := w.ack(b); moved {
		t.Error("moved over a range that is not acknowledged")
	}
	if _, ok := w.position(); ok {
		t.Error("a position before any acknowledgement")
	}
	if st, moved := w.ack(a); !moved || st.Pos != 20 {
		t.Errorf("got %d, %v, want 20", st.Pos, moved)
	}
	if _, ok := w.oldest(); !ok {
		t.Error("the third range is still on its way")
	}
	if st, moved := w.ack(c); !moved || st.Pos != 30 {
		t.Errorf("got %d, %v, want 30", st.Pos, moved)
	}
	if _, ok := w.oldest(); ok {
		t.Error("nothing is on its way")
	}
}

func TestWindowKeepsPositionBeforeHeldEvent(t *testing.T) {
	var w window
	now := time.Unix(100, 0)
	a := w.track(tail.State{Pos: 10}, false, now) // the held event begins at 10
	b := w.track(tail.State{Pos: 50}, true, now)  // all of it belongs to the event
	w.ack(a)
	if _, moved := w.ack(b); moved {
		t.Error("moved behind the begin of a held event")
	}
	if pos, _ := w.position(); pos != 10 {
		t.Errorf("got %d, want 10", pos)
	}
	if st, moved := w.ack(w.track(tail.State{Pos: 60}, false, now)); !moved || st.Pos != 60 {
		t.Errorf("got %d, %v, want 60", st.Pos, moved)
	}
}

func TestWindowDropsWhatWasNotSent(t *testing.T) {
	var w window
	now := time.Unix(100, 0)
	a := w.track(tail.State{Pos: 10}, false, now)
	w.drop(w.track(tail.State{Pos: 20}, false, now))
	if st, moved := w.ack(a); !moved || st.Pos != 10 {
		t.Errorf("got %d, %v, want 10", st.Pos, moved)
	}
	if _, ok := w.oldest(); ok {
		t.Error("something is on its way")
	}
	w.drop(w.track(tail.State{Pos: 20}, false, now))
	if _, ok := w.oldest(); ok {
		t.Error("something is on its way")
	}
	if st, moved := w.ack(w.track(tail.State{Pos: 30}, false, now)); !moved || st.Pos != 30 {
		t.Errorf("got %d, %v, want 30", st.Pos, moved)
	}
}

// TestWindowAnyOrder acknowledges in random orders and compares with the plain
// definition of the low-watermark.
func TestWindowAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := window{used: new(sync.Pool)}
		const n, most = 200, 50
		var out []int // on their way
		segs := make([]*segment, n)
		done := make([]bool, n)
		for next := 0; next < n || len(out) > 0; {
			if next < n && (len(out) == 0 || len(out) < most && random.IntN(2) == 0) {
				segs[next] = w.track(tail.State{Pos: int64(next + 1)}, false, time.Time{})
				out = append(out, next)
				next++
				continue
			}
			at := random.IntN(len(out))
			i := out[at]
			out = slices.Delete(out, at, at+1)
			w.ack(segs[i])
			done[i] = true
			want := 0
			for want < n && done[want] {
				want++
			}
			if pos, _ := w.position(); pos != int64(want) {
				t.Fatalf("seed %d: position %d, want %d", seed, pos, want)
			}
		}
	}
}

func TestWindowRests(t *testing.T) {
	var w window
	rests := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	if !rests(w.rests()) {
		t.Error("nothing is on its way, and it does not rest")
	}
	now := time.Unix(100, 0)
	a, b := w.track(tail.State{Pos: 10}, false, now), w.track(tail.State{Pos: 20}, false, now)
	c := w.rests()
	if w.ack(b); rests(c) {
		t.Error("it rests although the first range is on its way")
	}
	if w.ack(a); !rests(c) || !rests(w.rests()) {
		t.Error("all is acknowledged, and it does not rest")
	}
	d := w.track(tail.State{Pos: 30}, false, now)
	c = w.rests()
	if w.drop(d); !rests(c) {
		t.Error("the last range was taken back, and it does not rest")
	}
}
