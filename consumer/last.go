package consumer

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"time"
)

// OpenLast opens a reader that delivers the last n records of all topics of cfg
// together, merged by time, and then ends. It looks no further back than cfg.From
// (newest counts as oldest here) and no further on than cfg.To and the newest
// offsets as they are now. The records are found by reading the end of each
// partition once, keeping a few numbers per record and none of their bytes; then
// exactly they are read.
//
// Reader.Continue goes on from there.
func OpenLast(ctx context.Context, cfg Config, n int) (*Reader, error) {
	cfg.setDefaults()
	scan := cfg
	scan.Reuse, scan.Sort, scan.Follow, scan.Linger = true, false, false, -1
	bounds, err := measure(ctx, scan)
	if err != nil {
		return nil, err
	}
	spans := map[topicPartition]span{}
	wanted := map[topicPartition]int64{} // offsets to look at
	for tp, b := range bounds {
		spans[tp] = b
		wanted[tp] = int64(n)
	}
	found := &lastHeap{n: n}
	for len(wanted) > 0 && n > 0 {
		scan.at = map[topicPartition]span{}
		for tp, back := range wanted {
			b := bounds[tp]
			scan.at[tp] = span{max(b.start, b.end-back), b.end}
		}
		counts, err := found.scan(ctx, scan)
		if err != nil {
			return nil, err
		}
		// Compaction and transactions leave offsets without records: look further back
		// where fewer than n were found.
		for tp, back := range wanted {
			if counts[tp] >= n || scan.at[tp].start <= bounds[tp].start {
				delete(wanted, tp)
			} else {
				wanted[tp] = back * 4
			}
		}
	}
	cfg.at = map[topicPartition]span{}
	starts := found.starts()
	for tp, b := range spans {
		start, ok := starts[tp]
		if !ok {
			start = b.end
		}
		cfg.at[tp] = span{start, b.end}
	}
	cfg.Follow, cfg.Sort, cfg.resort = false, true, cfg.Sort
	return Open(ctx, cfg)
}

// measure returns the piece of each partition that cfg describes.
func measure(ctx context.Context, cfg Config) (map[topicPartition]span, error) {
	if from := cfg.From.p; !from.set || from.all.kind == pointNewest {
		cfg.From.p.set, cfg.From.p.rest, cfg.From.p.all = true, true, point{kind: pointOldest}
	}
	r, err := prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer r.cluster.close()
	out := map[topicPartition]span{}
	for _, p := range r.order {
		if !p.known {
			return nil, errors.Join(errors.New("cannot find out what the partitions hold"), p.err)
		}
		out[p.topicPartition] = span{p.start, max(p.end, p.start)}
	}
	return out, nil
}

// Continue closes a reader that has reached its end and opens one that follows from
// there, as far as Config.To lets it: a partition goes on when it has no end, or one
// that is a time to come.
func (r *Reader) Continue(ctx context.Context) (*Reader, error) {
	if err := r.Close(); err != nil {
		return nil, err
	}
	cfg := r.cfg
	cfg.at = map[topicPartition]span{}
	now := time.Now()
	for _, p := range r.order {
		if !p.known {
			continue
		}
		// Not p.next: what was fetched may reach past the end, where nothing was delivered.
		at := span{max(p.delivered, p.start), noEnd}
		if to, ok := cfg.To.p.at(p.id); ok && (to.kind != pointTime || !to.t.After(now)) {
			at.end = at.start
		}
		cfg.at[p.topicPartition] = at
	}
	cfg.Follow, cfg.Sort = true, cfg.resort
	return Open(ctx, cfg)
}

// seen is a record that may be among the last ones.
type seen struct {
	time   time.Time // not less than that of the records before it in its partition
	tp     topicPartition
	offset int64
}

func (a seen) before(b seen) bool {
	if c := a.time.Compare(b.time); c != 0 {
		return c < 0
	}
	if a.tp != b.tp {
		return a.tp.topic < b.tp.topic || a.tp.topic == b.tp.topic && a.tp.id < b.tp.id
	}
	return a.offset < b.offset
}

// lastHeap keeps the n latest records, the earliest of them on top.
type lastHeap struct {
	n    int
	list []seen
}

func (h *lastHeap) Len() int           { return len(h.list) }
func (h *lastHeap) Less(i, j int) bool { return h.list[i].before(h.list[j]) }
func (h *lastHeap) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *lastHeap) Push(x any)         { h.list = append(h.list, x.(seen)) }
func (h *lastHeap) Pop() any {
	last := len(h.list) - 1
	x := h.list[last]
	h.list = h.list[:last]
	return x
}

func (h *lastHeap) add(s seen) {
	switch {
	case len(h.list) < h.n:
		heap.Push(h, s)
	case h.list[0].before(s):
		h.list[0] = s
		heap.Fix(h, 0)
	}
}

// starts returns the first kept offset of each partition that has any.
func (h *lastHeap) starts() map[topicPartition]int64 {
	out := map[topicPartition]int64{}
	for _, s := range h.list {
		if at, ok := out[s.tp]; !ok || s.offset < at {
			out[s.tp] = s.offset
		}
	}
	return out
}

// scan reads the pieces that cfg.at names, in place of what it kept of these
// partitions before, and returns how many records each has.
func (h *lastHeap) scan(ctx context.Context, cfg Config) (map[topicPartition]int, error) {
	kept := h.list[:0]
	for _, s := range h.list {
		if _, again := cfg.at[s.tp]; !again {
			kept = append(kept, s)
		}
	}
	h.list = kept
	heap.Init(h)
	r, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	counts := map[topicPartition]int{}
	latest := map[topicPartition]time.Time{}
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return counts, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range batch {
			rec := &batch[i]
			tp := topicPartition{rec.Topic, rec.Partition}
			counts[tp]++
			if rec.Time.After(latest[tp]) {
				latest[tp] = rec.Time
			}
			h.add(seen{time: latest[tp], tp: tp, offset: rec.Offset})
		}
	}
}
