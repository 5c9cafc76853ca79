package tui

import "sort"

// window is what one frame shows of a ring.
type window struct {
	rows   []*rec
	top    uint64 // seq of the first row, 0 when there are none
	sel    uint64 // seq of the selected row
	above  int    // visible records before the rows
	below  int    // and after them
	newer  uint64 // records after the selected one
	counts ringCounts
}

// seqAt is the seq of the i-th visible record.
func (r *ring) seqAt(i int) uint64 {
	if r.flt != nil {
		return r.hits[i]
	}
	return r.firstSeq() + uint64(i)
}

// indexOf is the place of seq among the visible records, or of the next one
// after it when it is not there.
func (r *ring) indexOf(seq uint64) int {
	if r.flt != nil {
		return sort.Search(len(r.hits), func(i int) bool { return r.hits[i] >= seq })
	}
	first := r.firstSeq()
	if seq <= first {
		return 0
	}
	return int(min(seq-first, uint64(r.n)))
}

// window returns up to height visible records around the selected one. With
// follow the newest is selected. Without it, top and sel stay on their records
// while the ring moves; when those were dropped, on the oldest kept ones.
func (r *ring) window(top, sel uint64, height int, follow bool) window {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := window{counts: r.countsLocked()}
	n := r.shownLocked()
	if n == 0 || height <= 0 {
		return w
	}
	s := n - 1
	t := max(n-height, 0)
	if !follow {
		s = min(r.indexOf(sel), n-1)
		t = min(r.indexOf(top), n-1)
		t = min(max(t, s-height+1), s)
		t = max(min(t, n-height), 0)
	}
	end := min(t+height, n)
	w.rows = make([]*rec, 0, end-t)
	for i := t; i < end; i++ {
		w.rows = append(w.rows, r.at(r.seqAt(i)))
	}
	w.top, w.sel = r.seqAt(t), r.seqAt(s)
	w.above, w.below = t, n-end
	w.newer = uint64(n - 1 - s)
	return w
}

// step returns the seq of the visible record delta rows away from sel, held
// inside what is kept, and whether it is the newest one.
func (r *ring) step(sel uint64, delta int) (seq uint64, newest bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.shownLocked()
	if n == 0 {
		return 0, true
	}
	i := min(max(min(r.indexOf(sel), n-1)+delta, 0), n-1)
	return r.seqAt(i), i == n-1
}

// search returns the seq of the next visible record after sel (before it when
// back) whose value f finds; false when there is none.
func (r *ring) search(sel uint64, f *filter, back bool) (uint64, bool) {
	list := r.visible()
	i := sort.Search(len(list), func(i int) bool { return list[i].seq >= sel })
	step := 1
	if back {
		step = -1
	}
	if i < len(list) && list[i].seq == sel || back {
		i += step
	}
	for ; i >= 0 && i < len(list); i += step {
		if f.match(list[i].value) {
			return list[i].seq, true
		}
	}
	return 0, false
}
