package tui

import (
	"sort"
	"sync"
	"time"
)

const (
	ringRecords = 10_000
	ringBytes   = 64 << 20
	recOverhead = 160 // bytes that a record costs beside its contents
)

// rec is one record as the stream keeps it. It is immutable once pushed.
type rec struct {
	seq        uint64 // its number in the ring, from 1
	topic      string
	partition  int32
	offset     int64
	time       time.Time
	logAppend  bool      // time is the broker's, not the producer's
	arrived    time.Time // when the console had it
	key, value []byte    // nil: null
	headers    []recHeader
}

type recHeader struct {
	key   string
	value []byte
}

func (r *rec) size() int64 {
	n := len(r.key) + len(r.value) + recOverhead
	for _, h := range r.headers {
		n += len(h.key) + len(h.value) + 40
	}
	return int64(n)
}

// ring keeps the newest records of a stream, bounded by number and by bytes,
// and the list of those that pass the filter. It is safe for concurrent use.
type ring struct {
	mu       sync.Mutex
	recs     []*rec // circular
	head, n  int
	bytes    int64
	maxBytes int64
	seen     uint64 // records pushed, also the newest seq
	matched  uint64 // of those, how many passed the filter while it was set
	tested   uint64 // records that the filter looked at
	flt      *filter
	want     *filter  // the filter asked for last, which flt may not be yet
	hits     []uint64 // seqs of kept records that pass, ascending
}

func newRing(records int, bytes int64) *ring {
	return &ring{recs: make([]*rec, records), maxBytes: bytes}
}

// push adds records, numbers them and drops the oldest ones that no longer fit.
func (r *ring) push(recs []*rec) {
	if len(recs) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range recs {
		r.seen++
		x.seq = r.seen
		if r.n == len(r.recs) {
			r.drop()
		}
		r.recs[(r.head+r.n)%len(r.recs)] = x
		r.n++
		r.bytes += x.size()
		for r.bytes > r.maxBytes && r.n > 1 {
			r.drop()
		}
		if r.flt != nil {
			r.tested++
			if r.flt.match(x.value) {
				r.matched++
				r.hits = append(r.hits, x.seq)
			}
		}
	}
	r.trimHits()
}

func (r *ring) drop() {
	x := r.recs[r.head]
	r.bytes -= x.size()
	r.recs[r.head] = nil
	r.head = (r.head + 1) % len(r.recs)
	r.n--
}

// trimHits forgets hits whose records were dropped.
func (r *ring) trimHits() {
	first := r.firstSeq()
	i := sort.Search(len(r.hits), func(i int) bool { return r.hits[i] >= first })
	if i == 0 {
		return
	}
	if i == len(r.hits) {
		r.hits = r.hits[:0]
		return
	}
	r.hits = r.hits[i:]
	if cap(r.hits) > 4*len(r.recs) { // let the array behind a long run go
		r.hits = append(make([]uint64, 0, len(r.recs)), r.hits...)
	}
}

// firstSeq is the seq of the oldest kept record, seen+1 when none is kept.
func (r *ring) firstSeq() uint64 { return r.seen - uint64(r.n) + 1 }

// at returns the record with that seq, nil when it is not kept.
func (r *ring) at(seq uint64) *rec {
	first := r.firstSeq()
	if seq < first || seq > r.seen {
		return nil
	}
	return r.recs[(r.head+int(seq-first))%len(r.recs)]
}

// get is at for callers outside.
func (r *ring) get(seq uint64) *rec {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at(seq)
}

// clear drops the kept records; the counters go on.
func (r *ring) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.recs)
	r.head, r.n, r.bytes, r.hits = 0, 0, 0, nil
}

// all returns the kept records, oldest first.
func (r *ring) all() []*rec {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.allLocked()
}

func (r *ring) allLocked() []*rec {
	out := make([]*rec, r.n)
	for i := range out {
		out[i] = r.recs[(r.head+i)%len(r.recs)]
	}
	return out
}

// visible returns the kept records that pass the filter, oldest first.
func (r *ring) visible() []*rec {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flt == nil {
		return r.allLocked()
	}
	out := make([]*rec, 0, len(r.hits))
	for _, seq := range r.hits {
		if x := r.at(seq); x != nil {
			out = append(out, x)
		}
	}
	return out
}

// ask says which filter is wanted; setFilter with another one does nothing from
// then on, so that of two that are set at the same time the one asked for last wins,
// not the slower one.
func (r *ring) ask(f *filter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.want = f
}

// setFilter replaces the filter by f, which was asked for. The kept records are
// matched outside the lock, so that pushing does not wait; the counters start again
// with what is kept. Call it off the UI goroutine: 64 MiB take a while.
func (r *ring) setFilter(f *filter) {
	kept := r.all()
	var hits []uint64
	last := uint64(0)
	if n := len(kept); n > 0 {
		last = kept[n-1].seq
	}
	if f != nil {
		hits = make([]uint64, 0, 64)
		for _, x := range kept {
			if f.match(x.value) {
				hits = append(hits, x.seq)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.want != f {
		return
	}
	r.flt, r.hits = f, hits
	r.tested, r.matched = uint64(len(kept)), uint64(len(hits))
	if f != nil {
		for seq := max(last+1, r.firstSeq()); seq <= r.seen; seq++ {
			r.tested++
			if f.match(r.at(seq).value) {
				r.matched++
				r.hits = append(r.hits, seq)
			}
		}
		r.trimHits()
	}
}

// frozen returns a copy that does not move while the ring goes on. The records
// themselves are shared.
func (r *ring) frozen() *ring {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &ring{
		recs: append([]*rec(nil), r.recs...), head: r.head, n: r.n, bytes: r.bytes, maxBytes: r.maxBytes,
		seen: r.seen, matched: r.matched, tested: r.tested, flt: r.flt, want: r.want, hits: append([]uint64(nil), r.hits...),
	}
	return c
}

// counters of a ring. Kept + Dropped = Seen.
type ringCounts struct {
	Kept, Seen, Dropped    uint64
	Matched, Tested, Shown uint64 // Shown: kept and passing the filter
	Bytes                  int64
}

func (r *ring) counts() ringCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.countsLocked()
}

func (r *ring) countsLocked() ringCounts {
	c := ringCounts{
		Kept: uint64(r.n), Seen: r.seen, Dropped: r.seen - uint64(r.n),
		Matched: r.matched, Tested: r.tested, Bytes: r.bytes,
	}
	c.Shown = uint64(r.shownLocked())
	return c
}

func (r *ring) shownLocked() int {
	if r.flt != nil {
		return len(r.hits)
	}
	return r.n
}
