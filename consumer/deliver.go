package consumer

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// How long a partition that cannot be read is left alone, and how long it may fail
// before the operator is told.
const (
	pauseRetry = 250 * time.Millisecond
	quietFor   = 2 * time.Second
)

// deliver hands the records of a response to the reader and moves the positions. It
// returns how long the broker wants to be left alone.
func (f *fetcher) deliver(body []byte) (throttle time.Duration, err error) {
	r := f.r
	fr := &frame{buf: body, refs: 1}
	r.locked(func() (say sayings) {
		r.held += len(body)
		data, at, answered := 0, 0, 0
		var ms int32
		ms, err = parseFetchResponse(body, func(part *fetchedPart) {
			data += len(part.data)
			for range f.parts { // answers come in the order asked for, as a rule
				i := at % len(f.parts)
				p := f.parts[i]
				at++
				if p.id == part.partition && p.topic == string(part.topic) {
					answered++
					say = append(say, f.take(p, &f.req.parts[i], part, fr)...)
					return
				}
			}
		})
		throttle = time.Duration(ms) * time.Millisecond
		if missing := len(f.parts) - answered; err == nil && data == 0 && throttle == 0 && missing > 0 { // with data, or a quota, some may lack
			err = fmt.Errorf("its answer lacks %d of %d partitions", missing, len(f.parts))
		}
		if f.doubts = f.doubts[:0]; err == nil && throttle == 0 && data == 0 {
			f.doubt()
		}
		r.drop(fr)
		return say
	})
	return throttle, err
}

// take handles the answer for one partition that was asked for. The caller holds r.mu.
func (f *fetcher) take(p *partition, asked *fetchPart, part *fetchedPart, fr *frame) (say sayings) {
	r := f.r
	if !p.phase.fetched() || p.leader != f.id || asked.offset != p.next { // moved meanwhile
		return nil
	}
	if part.err != sarama.ErrNoError {
		return r.fetchError(p, part.err)
	}
	p.newest, p.heard = part.highWatermark, time.Now()
	if part.lastStable >= 0 {
		stable := min(part.lastStable, part.highWatermark)
		say = append(say, r.stable(p, stable, part.highWatermark)...)
		if r.cfg.Isolation == ReadCommitted {
			p.newest = stable
		}
	}
	p.oldest = max(p.oldest, part.logStart)
	if len(part.data) == 0 {
		if p.need > 0 { // there is a batch, and it did not come: that is no recovery
			return say
		}
		return append(say, r.recovered(p)...)
	}
	after, size, need, err := spanOf(part.data, p.next)
	if size == 0 {
		return append(say, f.unusable(p, asked, len(part.data), need, err)...)
	}
	p.need = 0
	say = append(say, r.recovered(p)...)
	p.phase, p.silence = reading, silence{}
	r.enqueue(f.chunk(p, part, fr, size, after))
	if p.next >= p.end {
		r.finish(p)
	}
	r.signalReady()
	return say
}

// unusable handles an answer that does not bring one whole batch: it is cut off, which is
// a fault when there was room for it, or err says what it is. The caller holds r.mu.
func (f *fetcher) unusable(p *partition, asked *fetchPart, size, need int, err error) sayings {
	p.need = max(need, 1)
	room := int(min(asked.maxBytes, f.req.maxBytes))
	switch {
	case err != nil:
		return f.r.fail(p, fmt.Errorf("at offset %d: %w", p.next, err))
	case room < min(p.need, maxResponse): // asked for again, with more room
		return nil
	case p.need == 1:
		return f.r.fail(p, fmt.Errorf("its broker sends no more than %d bytes of the batch at offset %d", size, p.next))
	}
	return f.r.fail(p, fmt.Errorf("its broker sends %d of the %d bytes of the batch at offset %d", size, p.need, p.next))
}

// chunk makes the records of an answer one piece of work for Next, and moves the
// position behind them. The caller holds r.mu.
func (f *fetcher) chunk(p *partition, part *fetchedPart, fr *frame, size int, after int64) *chunk {
	r := f.r
	c := &chunk{p: p, frame: fr, size: size, after: after}
	c.topic, c.partition, c.data, c.from, c.end = p.topic, p.id, part.data[:size], p.next, p.end
	if !p.endTime.IsZero() {
		c.until = p.endTime.UnixMilli()
	}
	c.shared = &r.shared
	c.onSkip = func(offset int64, err error) {
		r.skips.add(Notice{Kind: RecordsSkipped, Topic: p.topic, Partition: p.id,
			Text: fmt.Sprintf("%s at offset %d of partition %d of %s is skipped: %s", skipped(err), offset, p.id, p.topic, skipText(err))})
	}
	if r.cfg.Isolation == ReadCommitted {
		c.aborted = part.aborted
		sortAborted(c.aborted)
	}
	if r.merge == nil {
		c.early = r.shared.ahead.add(c.data, c.decompressable)
	}
	p.next = max(after, p.next)
	p.buffered += size
	return c
}

// decompressable reports whether the records of a batch are surely wanted: that of a
// transaction may have been aborted.
func (d *decoder) decompressable(h *batchHeader) bool {
	return h.lastOffset >= d.from && h.baseOffset < d.end && (len(d.aborted) == 0 || !h.transactional())
}

// enqueue puts a chunk where Next finds it. The caller holds r.mu.
func (r *Reader) enqueue(c *chunk) {
	if r.merge != nil { // a chunk may wait long for its turn: it must not hold the whole response
		own := append(r.pool.get(c.size), c.data...)
		c.data, c.frame = own, &frame{buf: own}
		r.held += len(own)
		c.p.pending = append(c.p.pending, c)
	} else {
		r.queue = append(r.queue, c)
	}
	c.frame.refs++
}

// finish marks a partition as read to its end. The caller holds r.mu.
func (r *Reader) finish(p *partition) { r.leave(p, ended) }

// leave ends the reading of a partition. The caller holds r.mu.
func (r *Reader) leave(p *partition, how phase) {
	if p.phase.over() {
		return
	}
	p.phase = how
	r.open--
	if r.open == 0 {
		r.signalReady()
	}
}

// release gives the memory of a chunk back. The caller holds r.mu.
func (r *Reader) release(c *chunk) {
	c.p.buffered -= c.size
	for _, b := range c.kept {
		r.pool.put(b)
	}
	r.pool.put(c.scratch)
	c.kept, c.scratch = nil, nil
	r.drop(c.frame)
}

// drop gives up one reference to a response. The caller holds r.mu.
func (r *Reader) drop(fr *frame) {
	fr.refs--
	if fr.refs == 0 {
		r.held -= len(fr.buf)
		r.pool.put(fr.buf)
		fr.buf = nil
	}
}

func (r *Reader) signalReady() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// lookSoon asks the manager for fresh metadata.
func (r *Reader) lookSoon() {
	select {
	case r.refresh <- struct{}{}:
	default:
	}
}
