package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// OpenLast opens a reader that delivers the last n records of all topics of cfg
// together, merged by time, and then ends. It looks no further back than cfg.From
// (newest counts as oldest here) and no further on than cfg.To and the newest
// offsets as they are now. The records are found by reading the end of each
// partition once, keeping a few numbers per record and none of their bytes; then
// exactly they are read.
//
// A partition that cannot be read for longer than a change of leaders takes is left out,
// which is told; in Partitions it is given up.
//
// Reader.Continue goes on from there.
func OpenLast(ctx context.Context, cfg Config, n int) (*Reader, error) {
	cfg.setDefaults()
	scan := cfg
	scan.Reuse, scan.Sort, scan.Follow, scan.Linger = true, false, false, -1
	scan.Notify = func(n Notice) {
		if n.Kind != RecordsSkipped { // told when they are read
			cfg.Notify(n)
		}
	}
	bounds, left, err := measureAll(ctx, scan)
	if err != nil {
		return nil, err
	}
	cfg.unread = leftOut{why: left, back: int64(n)}
	wanted := map[topicPartition]int64{} // offsets to look at
	found := &lastHeap{n: n, ids: map[topicPartition]int32{}}
	for tp := range bounds {
		found.parts = append(found.parts, tp)
	}
	found.number()
	total := found.begin(bounds, wanted)
	for len(wanted) > 0 && n > 0 && total > int64(n) {
		scan.at = map[topicPartition]span{}
		for tp, back := range wanted {
			b := bounds[tp]
			scan.at[tp] = span{max(b.start, b.end-back), b.end}
		}
		counts, lost, err := found.scan(ctx, scan)
		if err != nil {
			return nil, err
		}
		if len(lost) > 0 { // their records have taken the places of others
			leaveOut(lost, cfg.Notify)
			maps.Copy(left, lost)
			maps.DeleteFunc(bounds, func(tp topicPartition, _ span) bool { return lost[tp] != nil })
			total = found.begin(bounds, wanted)
			continue
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
	for tp, b := range bounds {
		start, ok := starts[tp]
		switch {
		case total <= int64(n): // all of them
			start = b.start
		case !ok:
			start = b.end
		}
		cfg.at[tp] = span{start, b.end}
	}
	cfg.Follow, cfg.Sort, cfg.resort = false, true, cfg.Sort
	return Open(ctx, cfg)
}

// measureAll returns the piece of each partition that cfg describes, and those that
// cannot be read for longer than a change of leaders takes: they do not hold up the
// others, which is told.
func measureAll(ctx context.Context, cfg Config) (pieces map[topicPartition]span, left map[topicPartition]error, err error) {
	tell := cfg.Notify
	var told []Notice
	cfg.Notify = func(n Notice) { told = append(told, n) }
	for began := time.Now(); ; told = nil {
		if pieces, left, err = measure(ctx, cfg); err != nil {
			return nil, nil, err
		}
		if len(left) == 0 || time.Since(began) >= quietFor {
			break
		}
		pause := time.NewTimer(pauseRetry)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, nil, context.Cause(ctx)
		}
	}
	for tp, why := range left {
		if len(pieces) == 0 {
			return nil, nil, fmt.Errorf("no partition can be read, partition %d of %s neither: %w", tp.id, tp.topic, why)
		}
	}
	for _, n := range told {
		tell(n)
	}
	leaveOut(left, tell)
	return pieces, left, nil
}

// leaveOut tells which partitions nobody could tell the last records of.
func leaveOut(left map[topicPartition]error, tell func(Notice)) {
	var list []said
	for tp, why := range left {
		text := fmt.Sprintf(" cannot be read (%v); the last records are those of the others", why)
		list = append(list, aboutOne(PartitionError, tp, text, text))
	}
	for _, n := range gather(list) {
		tell(n)
	}
}

// measure returns the piece of each partition that cfg describes, and why it is not
// known of others.
func measure(ctx context.Context, cfg Config) (map[topicPartition]span, map[topicPartition]error, error) {
	if from := cfg.From.p; !from.set || from.all.kind == pointNewest {
		cfg.From.p.set, cfg.From.p.rest, cfg.From.p.all = true, true, point{kind: pointOldest}
	}
	r, err := prepare(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	defer r.cluster.close()
	out, left := map[topicPartition]span{}, map[topicPartition]error{}
	for _, p := range r.order {
		switch {
		case p.phase != placing && p.phase != gaveUp:
			out[p.topicPartition] = span{p.start, max(p.end, p.start)}
		case p.phase == gaveUp && !r.several():
			return nil, nil, p.err
		default:
			left[p.topicPartition] = p.err
		}
	}
	return out, left, nil
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
		if p.start < 0 { // never placed
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

// seen is a record that may be among the last ones. There may be millions: it is
// kept small.
type seen struct {
	time   int64 // milliseconds, not less than that of the records before it in its partition
	offset int64
	part   int32 // of lastHeap.parts
}

func (a seen) before(b seen) bool {
	if a.time != b.time {
		return a.time < b.time
	}
	if a.part != b.part {
		return a.part < b.part
	}
	return a.offset < b.offset
}

// lastHeap keeps the n latest records, once it is full the earliest of them on top.
type lastHeap struct {
	n     int
	list  []seen
	parts []topicPartition // by topic and number
	ids   map[topicPartition]int32
}

// begin forgets what was found and sets how far back each partition is to be looked at
// first. It returns how many offsets there are.
func (h *lastHeap) begin(bounds map[topicPartition]span, wanted map[topicPartition]int64) (total int64) {
	clear(wanted)
	for tp, b := range bounds {
		wanted[tp] = int64(h.n)
		total += b.end - b.start
	}
	if h.list = nil; total > int64(h.n) { // else none is kept
		h.list = make([]seen, 0, min(h.n, 1<<20))
	}
	return total
}

// number brings parts into their order.
func (h *lastHeap) number() {
	slices.SortFunc(h.parts, func(a, b topicPartition) int {
		return cmp.Or(strings.Compare(a.topic, b.topic), cmp.Compare(a.id, b.id))
	})
	for i, tp := range h.parts {
		h.ids[tp] = int32(i)
	}
}

func (h *lastHeap) add(s seen) {
	switch {
	case len(h.list) < h.n:
		if h.list = append(h.list, s); len(h.list) == h.n {
			h.order()
		}
	case h.list[0].before(s):
		h.list[0] = s
		h.sink(0)
	}
}

// order makes a heap of a full list. Until then its order does not matter.
func (h *lastHeap) order() {
	for i := len(h.list)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
}

// sink moves the record at i down to where it belongs. (container/heap would put each
// record that is pushed into an interface.)
func (h *lastHeap) sink(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.list); child++ {
			if h.list[child].before(h.list[first]) {
				first = child
			}
		}
		if first == i {
			return
		}
		h.list[i], h.list[first] = h.list[first], h.list[i]
		i = first
	}
}

// starts returns the first kept offset of each partition that has any.
func (h *lastHeap) starts() map[topicPartition]int64 {
	out := map[topicPartition]int64{}
	for _, s := range h.list {
		tp := h.parts[s.part]
		if at, ok := out[tp]; !ok || s.offset < at {
			out[tp] = s.offset
		}
	}
	return out
}

// scan reads the pieces that cfg.at names, in place of what it kept of these
// partitions before, and returns how many records each has, and which were given up and
// why: then what it keeps is of no use.
func (h *lastHeap) scan(ctx context.Context, cfg Config) (counts map[topicPartition]int, lost map[topicPartition]error, err error) {
	// A list that loses none is still a heap.
	h.list = slices.DeleteFunc(h.list, func(s seen) bool { _, again := cfg.at[h.parts[s.part]]; return again })
	r, err := Open(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = r.Close() }()
	counts = map[topicPartition]int{}
	latest := map[topicPartition]int64{}
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			lost = map[topicPartition]error{}
			for _, p := range r.Partitions() {
				tp := topicPartition{p.Topic, p.Partition}
				if _, asked := cfg.at[tp]; asked && p.Err != nil {
					lost[tp] = p.Err
				}
			}
			return counts, lost, nil
		}
		if err != nil {
			return nil, nil, err
		}
		for i := range batch {
			rec := &batch[i]
			tp := topicPartition{rec.Topic, rec.Partition}
			counts[tp]++
			if rec.TimeType != NoTime {
				latest[tp] = max(latest[tp], rec.Time.UnixMilli())
			}
			h.add(seen{time: latest[tp], offset: rec.Offset, part: h.ids[tp]})
		}
	}
}
