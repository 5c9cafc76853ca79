package consumer

import (
	"container/heap"
	"time"
)

// mergeRun is how many records of one partition are decoded ahead of their turn.
const mergeRun = 64

// merger delivers the records of all partitions by time. The order within a
// partition is kept: a record counts as not older than the one before it.
//
// A record is delivered when every partition that is not read to its end shows its
// next record. A partition that has none, because all that was written to it has
// been read, is not waited for when the record is older than the sort window, or
// was held for that long.
type merger struct {
	r    *Reader
	runs map[*partition]*run
	top  runHeap
	due  time.Time // when the oldest record may go though others may still come; zero: no such
}

// run is the decoded records of one partition that wait for their turn.
type run struct {
	p       *partition
	chunk   *chunk
	used    bool // the chunk holds no more than records does
	records []Record
	at      int
	time    time.Time // of the head, not less than that of any record before it
	arrived time.Time // when the head's chunk was taken up

	// Delivered since the partition was told.
	count, bytes uint64
	upTo         int64 // offset behind the last one; 0: none
	lastAt       time.Time
}

type runHeap []*run

func (h runHeap) Len() int { return len(h) }
func (h runHeap) Less(i, j int) bool {
	if c := h[i].time.Compare(h[j].time); c != 0 {
		return c < 0
	}
	a, b := h[i].p, h[j].p
	if a.topic != b.topic {
		return a.topic < b.topic
	}
	return a.id < b.id
}
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)   { *h = append(*h, x.(*run)) }
func (h *runHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}

func newMerger(r *Reader) *merger { return &merger{r: r, runs: map[*partition]*run{}} }

// fill moves records into the reader's batch and reports whether nothing will ever
// come again.
func (m *merger) fill() (ended bool) {
	defer m.account()
	r := m.r
	m.due = time.Time{}
	for !m.filled() {
		blocked, quiet, ended := m.refill()
		if len(m.top) == 0 || blocked {
			return ended
		}
		for !m.filled() {
			head := m.top[0]
			if quiet {
				window := r.cfg.SortWindow
				now := time.Now()
				if head.time.After(now.Add(-window)) && now.Before(head.arrived.Add(window)) {
					m.due = head.time.Add(window)
					if limit := head.arrived.Add(window); limit.Before(m.due) {
						m.due = limit
					}
					return false
				}
			}
			if m.emit(head) {
				break // its partition must show the next one first
			}
		}
	}
	return false
}

// filled reports whether the reader's batch has as many records, or as much that they
// point into, as it may.
func (m *merger) filled() bool {
	r := m.r
	return len(r.batch) >= MaxBatch || len(r.batch) > 0 && r.shared.full()
}

// wait returns how long until a record that is held must go; 0: none is.
func (m *merger) wait(now time.Time) time.Duration {
	if m.due.IsZero() {
		return 0
	}
	return max(m.due.Sub(now), time.Millisecond)
}

// emit delivers the head and reports whether its run is empty now.
func (m *merger) emit(head *run) (empty bool) {
	rec := &head.records[head.at]
	m.r.batch = append(m.r.batch, *rec)
	head.count++
	head.bytes += uint64(len(rec.Key) + len(rec.Value))
	head.upTo, head.lastAt = rec.Offset+1, rec.Time
	if head.at++; head.at < len(head.records) {
		head.advance()
		heap.Fix(&m.top, 0)
		return false
	}
	heap.Pop(&m.top)
	if head.used {
		// Its records still point into it; the next batch gives it back.
		head.chunk.close()
		head.chunk.passOn()
		m.r.spent = append(m.r.spent, head.chunk)
		head.upTo = max(head.upTo, min(head.chunk.after, head.chunk.end))
		head.chunk, head.used = nil, false
	}
	return true
}

// account notes what was delivered: a record that is decoded and waits for its turn
// is not.
func (m *merger) account() {
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	for p, h := range m.runs {
		if h.count > 0 {
			p.records += h.count
			p.bytes += h.bytes
			p.lastAt = h.lastAt
		}
		p.delivered = max(p.delivered, h.upTo)
		h.count, h.bytes, h.upTo = 0, 0, 0
	}
}

func (h *run) advance() {
	if t := h.records[h.at].Time; t.After(h.time) {
		h.time = t
	}
}

// refill decodes the next records of every partition that shows none. blocked: one
// of them will have more and does not show it yet; quiet: one has none now and may
// get some; ended: nothing is left and nothing will come.
func (m *merger) refill() (blocked, quiet, ended bool) {
	r := m.r
	r.mu.Lock()
	defer r.mu.Unlock()
	ended = true
	released := false
	for _, p := range r.order {
		h := m.runs[p]
		for h == nil || h.at >= len(h.records) {
			if h == nil || h.chunk == nil {
				if len(p.pending) == 0 {
					break
				}
				if h == nil {
					h = &run{p: p}
					m.runs[p] = h
				}
				h.chunk = p.pending[0]
				p.pending[0] = nil
				p.pending = p.pending[1:]
				h.chunk.end = min(h.chunk.end, p.end)
				h.arrived = time.Now()
			}
			released = m.decode(h) || released
		}
		if h != nil && h.at < len(h.records) {
			ended = false
			continue
		}
		if p.phase.over() {
			continue
		}
		ended = false
		caughtUp := p.phase == placing || p.phase == denied || p.contact != answering || p.next >= p.newest
		if p.end != noEnd || !caughtUp {
			blocked = true
		} else {
			quiet = true
		}
	}
	if released {
		r.wakeFetchers()
	}
	return blocked, quiet, ended && r.over() || r.closed
}

// decode fills an empty run from its chunk; the caller holds r.mu. It reports
// whether the chunk was given back.
func (m *merger) decode(h *run) (released bool) {
	// The records of the run before are delivered: what they alone point into is given
	// back with the batch that they are in. A small chunk may be large when unpacked.
	m.r.shared.share = max(m.r.shared.maxHeld/max(len(m.r.order), 1), 1)
	h.chunk.passOn()
	var done bool
	h.records, done = h.chunk.decode(h.records[:0], mergeRun)
	h.at = 0
	m.r.endHere(h.chunk)
	if len(h.records) > 0 {
		h.advance()
		heap.Push(&m.top, h)
	}
	if done {
		if len(h.records) == 0 {
			h.upTo = max(h.upTo, min(h.chunk.after, h.chunk.end))
			m.r.release(h.chunk)
			h.chunk = nil
			return true
		}
		h.used = true
	}
	return false
}
