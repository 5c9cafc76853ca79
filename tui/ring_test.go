package tui

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func values(from, n int) []*rec {
	out := make([]*rec, n)
	for i := range out {
		out[i] = &rec{offset: int64(from + i), value: fmt.Appendf(nil, "line %d", from+i)}
	}
	return out
}

func offsets(list []*rec) []int64 {
	var out []int64
	for _, r := range list {
		out = append(out, r.offset)
	}
	return out
}

func mustFilter(t testing.TB, text string) *filter {
	t.Helper()
	f, err := parseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRingKeepsTheNewestByNumber(t *testing.T) {
	r := newRing(5, 1<<20)
	r.push(values(0, 3))
	r.push(values(3, 9))
	if diff := cmp.Diff([]int64{7, 8, 9, 10, 11}, offsets(r.all())); diff != "" {
		t.Error(diff)
	}
	c := r.counts()
	if c.Kept != 5 || c.Seen != 12 || c.Dropped != 7 {
		t.Errorf("counts %+v", c)
	}
}

func TestRingKeepsTheNewestByBytes(t *testing.T) {
	r := newRing(1000, 10*1024)
	for i := range 50 {
		r.push([]*rec{{offset: int64(i), value: make([]byte, 1024)}})
	}
	c := r.counts()
	if c.Bytes > 10*1024 || c.Kept < 8 || c.Kept+c.Dropped != 50 {
		t.Errorf("counts %+v", c)
	}
	r.push([]*rec{{offset: 99, value: make([]byte, 64*1024)}})
	if diff := cmp.Diff([]int64{99}, offsets(r.all())); diff != "" {
		t.Error("a record bigger than the ring is kept alone", diff)
	}
}

func TestRingFilterBeforeAndAfter(t *testing.T) {
	r := newRing(100, 1<<20)
	r.push(values(0, 50))
	r.use(mustFilter(t, "5$"))
	if diff := cmp.Diff([]int64{5, 15, 25, 35, 45}, offsets(r.visible())); diff != "" {
		t.Error(diff)
	}
	r.push(values(50, 60))
	if diff := cmp.Diff([]int64{15, 25, 35, 45, 55, 65, 75, 85, 95, 105}, offsets(r.visible())); diff != "" {
		t.Error(diff)
	}
	c := r.counts()
	if c.Matched != 11 || c.Tested != 110 || c.Shown != 10 {
		t.Errorf("counts %+v", c)
	}
	r.use(mustFilter(t, "!5$"))
	if n := len(r.visible()); n != 90 {
		t.Errorf("inverse filter shows %d", n)
	}
	r.use(nil)
	if n := len(r.visible()); n != 100 {
		t.Errorf("without a filter %d are shown", n)
	}
}

// use asks for a filter and sets it, as a console that does one thing at a time.
func (r *ring) use(f *filter) {
	r.ask(f)
	r.setFilter(f)
}

func TestTheFilterAskedForLastStays(t *testing.T) {
	r := newRing(100, 1<<20)
	r.push(values(0, 30))
	slow, quick := mustFilter(t, "1"), mustFilter(t, "5$")
	r.ask(slow)
	r.ask(quick)
	r.setFilter(quick)
	r.setFilter(slow) // it took longer
	if r.flt != quick || r.counts().Matched != 3 {
		t.Errorf("the ring shows %q, %d matches", r.flt.text, r.counts().Matched)
	}
	r.ask(nil)
	r.setFilter(nil)
	r.setFilter(slow)
	if r.flt != nil {
		t.Error("a late filter came back")
	}
}

func TestWindowFollows(t *testing.T) {
	r := newRing(100, 1<<20)
	r.push(values(0, 30))
	w := r.window(0, 0, 10, true)
	if diff := cmp.Diff(offsets(values(20, 10)), offsets(w.rows)); diff != "" {
		t.Error(diff)
	}
	if w.sel != 30 || w.newer != 0 || w.above != 20 || w.below != 0 {
		t.Errorf("sel %d newer %d above %d below %d", w.sel, w.newer, w.above, w.below)
	}
}

func TestWindowStaysOnItsRecordsWhileTheRingMoves(t *testing.T) {
	r := newRing(100, 1<<20)
	r.push(values(0, 50))
	w := r.window(21, 25, 10, false)
	before := offsets(w.rows)
	r.push(values(50, 60)) // drops 0..9
	w = r.window(w.top, w.sel, 10, false)
	if diff := cmp.Diff(before, offsets(w.rows)); diff != "" {
		t.Error(diff)
	}
	if w.newer != 85 {
		t.Errorf("newer %d", w.newer)
	}
	r.push(values(110, 100)) // the window's records are gone
	w = r.window(w.top, w.sel, 10, false)
	if diff := cmp.Diff(offsets(values(110, 10)), offsets(w.rows)); diff != "" {
		t.Error("the oldest kept ones are shown", diff)
	}
}

func TestStepAndSearch(t *testing.T) {
	r := newRing(100, 1<<20)
	r.push(values(0, 50))
	if seq, newest := r.step(50, -10); seq != 40 || newest {
		t.Errorf("step back: %d %v", seq, newest)
	}
	if seq, newest := r.step(40, 100); seq != 50 || !newest {
		t.Errorf("step on: %d %v", seq, newest)
	}
	f := mustFilter(t, "line 1[0-9]")
	seq, ok := r.search(50, f, true)
	if !ok || seq != 20 {
		t.Errorf("search back: %d %v", seq, ok)
	}
	if seq, ok = r.search(seq, f, true); !ok || seq != 19 {
		t.Errorf("search back again: %d %v", seq, ok)
	}
	if seq, ok = r.search(seq, f, false); !ok || seq != 20 {
		t.Errorf("search on: %d %v", seq, ok)
	}
	if _, ok = r.search(20, f, false); ok {
		t.Error("search on found a hit after the last one")
	}
}

func TestFrozenCopyStandsStill(t *testing.T) {
	r := newRing(10, 1<<20)
	r.push(values(0, 10))
	f := r.frozen()
	r.push(values(10, 10))
	if diff := cmp.Diff(offsets(values(0, 10)), offsets(f.all())); diff != "" {
		t.Error(diff)
	}
}

func TestClearKeepsCounting(t *testing.T) {
	r := newRing(10, 1<<20)
	r.push(values(0, 10))
	r.clear()
	r.push(values(10, 2))
	c := r.counts()
	if c.Kept != 2 || c.Seen != 12 || c.Dropped != 10 {
		t.Errorf("counts %+v", c)
	}
	if diff := cmp.Diff([]int64{10, 11}, offsets(r.window(0, 0, 5, true).rows)); diff != "" {
		t.Error(diff)
	}
}

func TestRingUnderUse(t *testing.T) {
	r := newRing(500, 1<<20)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 200 {
			r.push(values(i*50, 50))
		}
	})
	wg.Go(func() {
		for i := range 200 {
			r.use(mustFilter(t, fmt.Sprintf("%d$", i%10)))
		}
	})
	for range 2000 {
		w := r.window(1, 5, 20, false)
		for _, x := range w.rows {
			if x == nil {
				t.Fatal("a row that is not kept is shown")
			}
		}
	}
	wg.Wait()
	if c := r.counts(); c.Seen != 10_000 || c.Kept != 500 {
		t.Errorf("counts %+v", c)
	}
}
