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

// deliver hands the records of a response to the reader and moves the positions.
func (f *fetcher) deliver(body []byte) error {
	r := f.r
	fr := &frame{buf: body, refs: 1}
	r.mu.Lock()
	r.held += len(body)
	data, at := 0, 0
	throttle, err := parseFetchResponse(body, func(part *fetchedPart) {
		data += len(part.data)
		for range f.parts { // answers come in the order asked for, as a rule
			i := at % len(f.parts)
			p := f.parts[i]
			at++
			if p.id == part.partition && p.topic == string(part.topic) {
				f.take(p, f.req.parts[i].offset, part, fr)
				return
			}
		}
	})
	if err == nil && throttle == 0 && data == 0 {
		for _, p := range f.parts {
			r.provenEnd(p)
		}
	}
	r.drop(fr)
	r.unlock()
	if throttle > 0 {
		r.cfg.Log.Debug("broker throttles", "broker", f.id, "ms", throttle)
	}
	return err
}

// take handles the answer for one partition that was asked for from an offset. The
// caller holds r.mu.
func (f *fetcher) take(p *partition, asked int64, part *fetchedPart, fr *frame) {
	r := f.r
	if p.done || p.leader != f.id || p.clampNext || asked != p.next { // moved meanwhile
		return
	}
	p.cut = false
	if part.err != sarama.ErrNoError {
		r.fetchError(p, part.err)
		return
	}
	r.recovered(p)
	p.newest, p.heard = part.highWatermark, time.Now()
	if r.cfg.Isolation == ReadCommitted && part.lastStable >= 0 {
		p.newest = min(part.lastStable, part.highWatermark)
	}
	p.oldest = max(p.oldest, part.logStart)
	if len(part.data) == 0 {
		return
	}
	after, size, need, err := spanOf(part.data, p.next)
	p.need = need
	if err != nil && size == 0 {
		r.fail(p, fmt.Errorf("at offset %d: %w", p.next, err))
		return
	}
	if size == 0 {
		return
	}
	p.idle = 0
	c := &chunk{p: p, frame: fr, size: size, after: after}
	c.topic, c.partition, c.data, c.from, c.end = p.topic, p.id, part.data[:size], p.next, p.end
	if !p.endTime.IsZero() {
		c.until = p.endTime.UnixMilli()
	}
	c.shared = &r.shared
	c.onSkip = func(offset int64, err error) {
		r.tell(Notice{Kind: RecordsSkipped, Topic: p.topic, Partition: p.id,
			Text: fmt.Sprintf("batch at offset %d of partition %d of %s is skipped: %s", offset, p.id, p.topic, skipText(err))})
	}
	if r.cfg.Isolation == ReadCommitted {
		c.aborted = part.aborted
		sortAborted(c.aborted)
	}
	p.next = max(after, p.next)
	p.held += size
	if r.merge != nil { // a chunk may wait long for its turn: it must not hold the whole response
		own := append(r.pool.get(size), c.data...)
		c.data, c.frame = own, &frame{buf: own}
		r.held += len(own)
		p.pending = append(p.pending, c)
	} else {
		r.queue = append(r.queue, c)
	}
	c.frame.refs++
	if p.next >= p.end {
		r.finish(p)
	}
	r.signalReady()
}

// fetchError handles an answer that is an error. The caller holds r.mu.
func (r *Reader) fetchError(p *partition, err sarama.KError) {
	switch {
	case err == sarama.ErrOffsetOutOfRange:
		p.clampNext = true
		r.lookSoon()
	default:
		r.fail(p, err)
	}
}

// fail notes that a partition cannot be read now, tells it when that lasts, and
// gives the partition up when it can never be read. The caller holds r.mu.
func (r *Reader) fail(p *partition, err error) {
	now := time.Now()
	if p.err == nil {
		p.failing = now
	}
	if permanent(err) {
		if p.err = err; denied(err) {
			p.err = &AccessError{Topic: p.topic, Err: err}
		}
		if !p.done {
			r.finish(p)
		}
		return
	}
	p.err = err
	p.pause = now.Add(pauseRetry)
	r.lookSoon()
	if !p.told && now.Sub(p.failing) >= quietFor {
		p.told = true
		text := fmt.Sprintf(" cannot be read (%v); trying again", err)
		r.sayOf(PartitionError, p, text, text)
	}
}

// recovered notes that a partition answers. The caller holds r.mu.
func (r *Reader) recovered(p *partition) {
	if p.err == nil {
		return
	}
	p.err, p.failing = nil, time.Time{}
	if p.told {
		p.told = false
		r.sayOf(PartitionBack, p, " is read again", " are read again")
	}
}

// provenEnd ends a bounded read of a partition that holds no batch any more between
// its position and its end: in an answer without any data, for whichever partition,
// so that none was left out for want of room, with its end known to be behind the
// position, the broker had nothing, three times. The caller holds r.mu.
func (r *Reader) provenEnd(p *partition) {
	if p.done || p.end == noEnd || p.err != nil || p.clampNext || p.next >= p.end || p.newest < p.end {
		p.idle = 0
		return
	}
	if p.idle++; p.idle >= 3 {
		r.cfg.Log.Debug("no batch up to the end", "topic", p.topic, "partition", p.id, "next", p.next, "end", p.end)
		p.delivered = max(p.delivered, p.end)
		r.finish(p)
	}
}

// finish marks a partition as read to its end. The caller holds r.mu.
func (r *Reader) finish(p *partition) {
	p.done = true
	r.open--
	if r.open == 0 {
		r.signalReady()
	}
}

// release gives the memory of a chunk back. The caller holds r.mu.
func (r *Reader) release(c *chunk) {
	c.p.held -= c.size
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

// AccessError says that a topic may not be read, and which right is missing.
type AccessError struct {
	Topic string
	Err   error
}

func (e *AccessError) Error() string {
	return fmt.Sprintf("no permission to read topic %q: the user needs the right READ on it (which includes DESCRIBE): "+
		"kafka-acls --add --allow-principal User:NAME --operation Read --topic %s (%v)", e.Topic, e.Topic, e.Err)
}

// Unwrap returns Kafka's error.
func (e *AccessError) Unwrap() error { return e.Err }
