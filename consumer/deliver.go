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
		data, at := 0, 0
		var ms int32
		ms, err = parseFetchResponse(body, func(part *fetchedPart) {
			data += len(part.data)
			for range f.parts { // answers come in the order asked for, as a rule
				i := at % len(f.parts)
				p := f.parts[i]
				at++
				if p.id == part.partition && p.topic == string(part.topic) {
					say = append(say, f.take(p, f.req.parts[i].offset, part, fr)...)
					return
				}
			}
		})
		throttle = time.Duration(ms) * time.Millisecond
		if f.doubts = f.doubts[:0]; err == nil && throttle == 0 && data == 0 {
			f.doubt()
		}
		r.drop(fr)
		return say
	})
	return throttle, err
}

// take handles the answer for one partition that was asked for from an offset. The
// caller holds r.mu.
func (f *fetcher) take(p *partition, asked int64, part *fetchedPart, fr *frame) (say sayings) {
	r := f.r
	if !p.phase.fetched() || p.leader != f.id || asked != p.next { // moved meanwhile
		return nil
	}
	if part.err != sarama.ErrNoError {
		return r.fetchError(p, part.err)
	}
	say = r.recovered(p)
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
		return say
	}
	after, size, need, err := spanOf(part.data, p.next)
	p.need = need
	if err != nil && size == 0 {
		return append(say, r.fail(p, fmt.Errorf("at offset %d: %w", p.next, err))...)
	}
	if size == 0 {
		return say
	}
	p.phase, p.silence = reading, silence{}
	r.enqueue(f.chunk(p, part, fr, size, after))
	if p.next >= p.end {
		r.finish(p)
	}
	r.signalReady()
	return say
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
	p.next = max(after, p.next)
	p.buffered += size
	return c
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
