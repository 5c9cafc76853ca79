package ship

import "slices"

// waiter is a Send that could not be accepted yet.
type waiter struct {
	b      *Bundle
	t      *topic
	part   *partition // nil while the topic's partitions are not known
	result chan error // capacity 1
}

// smallBundle may pass a partition's bound, so that a file with little to say
// does not wait behind the chunks of large ones.
const smallBundle = 16 << 10

// offer accepts a bundle, or returns a waiter for it.
func (t *topic) offer(b *Bundle) *waiter {
	w := &waiter{b: b, t: t}
	if len(t.parts) == 0 {
		w.result = make(chan error, 1)
		t.waiters = append(t.waiters, w)
		return w
	}
	part := t.choose(b.Key)
	if (len(part.waiters) == 0 || len(b.Data) <= smallBundle && !part.waitingFor(b.Key)) && part.admits(b) {
		part.accept(b)
		part.kick()
		return nil
	}
	w.result = make(chan error, 1)
	part.enlist(w)
	return w
}

// end tells the Send that waits.
func (w *waiter) end(err error) { w.result <- err }

// withdraw takes a waiter away whose Send gives up.
func (w *waiter) withdraw() {
	if w.part == nil {
		w.t.waiters = slices.DeleteFunc(w.t.waiters, func(o *waiter) bool { return o == w })
		return
	}
	w.part.waiters = slices.DeleteFunc(w.part.waiters, func(o *waiter) bool { return o == w })
}

// enlist adds a waiter to the partition.
func (part *partition) enlist(w *waiter) {
	w.part = part
	part.waiters = append(part.waiters, w)
	if !part.listed {
		part.listed = true
		part.t.p.waiting = append(part.t.p.waiting, part)
	}
}

// waitingFor says whether a Send of that key waits, which later ones of the
// key must not overtake.
func (part *partition) waitingFor(key string) bool {
	for _, w := range part.waiters {
		if w.b.Key == key {
			return true
		}
	}
	return false
}

// admits says whether the partition, the topic and the producer have room for
// a bundle. Three bounds hold:
//
//   - A partition queues about two batches beside the one in flight, and one
//     more of small bundles. What waits longer is better left in its file.
//   - A topic holds at most as much as is free (Choudhury and Hahne's dynamic
//     threshold): one topic that is stuck ends up with half of the buffer, two
//     with a third each, n with n/(n+1) of it, and the rest stays free for those
//     that flow.
//   - All topics in trouble together hold half of the buffer, and a topic that
//     flows and holds nothing is given room for a batch beyond it.
//
// A bundle larger than every bound is taken when nothing else is held.
func (part *partition) admits(b *Bundle) bool {
	t, p := part.t, part.t.p
	n, lines := int64(len(b.Data)), len(b.Spans)
	batch := int64(p.cfg.BatchBytes)

	bound := 2 * batch
	if n <= smallBundle {
		bound += batch
	}
	if part.queued > 0 && part.queued+n > bound {
		return false
	}
	if t.lines == 0 {
		extra := batch
		if t.dead {
			extra = 0
			if p.dead > 0 && p.dead+n > p.cfg.MaxBuffer/2 {
				return false
			}
		}
		return p.lines == 0 || p.used+n <= p.cfg.MaxBuffer+extra
	}
	if t.dead && p.dead+n > p.cfg.MaxBuffer/2 {
		return false
	}
	if t.bytes+n > p.cfg.MaxBuffer-p.used {
		return false
	}
	return p.cfg.MaxLines <= 0 || t.lines+lines <= p.cfg.MaxLines-p.lines
}

// headersLen is what headers take in a record.
func headersLen(headers []Header) (n int) {
	for i := range headers {
		n += bytesLen(len(headers[i].Key)) + bytesLen(len(headers[i].Value))
	}
	return n
}

// accept takes a bundle over.
func (part *partition) accept(b *Bundle) {
	t, p := part.t, part.t.p
	e := p.entries.Get().(*entry)
	*e = entry{b: b, frames: e.frames[:0], left: len(b.Spans), millis: millis(b.Time)}
	e.headers = headersLen(b.Headers)
	most := 0
	for _, set := range b.Sets {
		most = max(most, headersLen(set))
	}
	e.headers += most
	e.oldest = e.millis
	for _, m := range b.Marks {
		if m.Time != 0 {
			e.oldest = min(e.oldest, m.Time)
		}
	}
	n := int64(len(b.Data))
	p.used += n
	p.lines += len(b.Spans)
	p.unacked++
	t.bytes += n
	t.lines += len(b.Spans)
	if t.dead {
		p.dead += n
	}
	part.queued += n
	q := t.queueOf(b.Key, part)
	e.key = q
	q.pending++
	q.push(e)
	if !q.inRing {
		part.ring.push(q)
	}
}

// released gives back what a finished entry held.
func (t *topic) released(e *entry) {
	p, n := t.p, int64(len(e.b.Data))
	p.used -= n
	p.lines -= len(e.b.Spans)
	p.unacked--
	t.bytes -= n
	t.lines -= len(e.b.Spans)
	if t.dead {
		p.dead -= n
	}
	if e.key.pending--; e.key.pending == 0 {
		delete(t.keys, e.key.id)
	}
	if p.unacked == 0 {
		p.releaseDrains()
	}
}

// admitWaiters accepts what fits now, every partition in its turn.
func (p *Producer) admitWaiters() {
	for range len(p.waiting) {
		part := p.waiting[0]
		copy(p.waiting, p.waiting[1:])
		p.waiting = p.waiting[:len(p.waiting)-1]
		part.listed = false
		taken := 0
		for _, w := range part.waiters {
			if !part.admits(w.b) {
				break
			}
			part.accept(w.b)
			w.end(nil)
			taken++
		}
		if taken > 0 {
			part.waiters = slices.Delete(part.waiters, 0, taken)
			part.kick()
		}
		if len(part.waiters) > 0 {
			part.listed = true
			p.waiting = append(p.waiting, part)
		}
	}
}

// place gives the Sends that waited for the topic's partitions theirs.
func (t *topic) place() {
	waiters := t.waiters
	t.waiters = nil
	for _, w := range waiters {
		part := t.choose(w.b.Key)
		if len(part.waiters) == 0 && part.admits(w.b) {
			part.accept(w.b)
			w.end(nil)
			part.kick()
			continue
		}
		part.enlist(w)
	}
}
