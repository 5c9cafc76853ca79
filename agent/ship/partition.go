package ship

import (
	"math/rand/v2"
	"slices"
	"time"

	"logctl/internal/kafka"
)

// state is where a partition stands; doc.go draws it.
type state uint8

const (
	idle      state = iota // nothing to send
	lost                   // something to send, no leader known
	nameless               // something to send, waits for a producer id
	gathering              // a little to send, waits a moment for more
	ready                  // in its leader's queue
	flying                 // a batch was given to the leader's connection
	pausing                // waits before it sends the same batch again
)

// partition is the producing side of one partition: what waits, the one batch
// that is out, and the sequence. Its fields are guarded by the producer's lock;
// out is the sending goroutine's while the state is flying.
type partition struct {
	t      *topic
	id     int32
	leader int32 // -1 none known
	gone   bool  // no longer part of the topic
	state  state
	at     *broker // whose queue or connection it is with, when ready or flying

	ring    ring
	queued  int64 // bytes of Data of the entries in ring, in proportion to what is left of them
	waiters []*waiter
	listed  bool // in Producer.waiting

	out    batch     // holds something when its pieces do
	sent   time.Time // when out was last handed to a connection
	seq    sequence
	last   kafka.Identity // under which it sent before seq
	raise  bool           // seq is to be last's with a higher epoch
	mark   mark
	tries  int       // failures in a row
	since  time.Time // of the first of them
	why    reason
	resume *time.Timer
}

func newPartition(t *topic, id int32) *partition {
	return &partition{t: t, id: id, leader: -1, seq: noSequence, last: kafka.NoIdentity}
}

// full says whether a batch is out, in flight or to be sent again.
func (part *partition) full() bool { return len(part.out.pieces) > 0 }

// kick moves the partition on when it can send: it is called whenever
// something was queued, acknowledged, learned or waited for.
func (part *partition) kick() {
	p := part.t.p
	switch part.state {
	case ready, flying, pausing:
		return
	case gathering:
		if part.queued < gatherBytes {
			return
		}
		part.resume.Stop()
		part.state = idle
	}
	if part.gone {
		part.moveAway()
		return
	}
	if !part.full() && part.ring.head == nil {
		part.state = idle
		return
	}
	if part.leader < 0 || p.brokers[part.leader] == nil {
		part.state = lost
		if part.t.refreshAt.IsZero() {
			part.t.refreshNow(time.Now())
		}
		return
	}
	if p.idempotent() && !part.seq.valid() {
		if part.state != nameless {
			part.state = nameless
			p.needID = append(p.needID, part)
			poke(p.wakeup)
		}
		return
	}
	if !part.full() && part.queued < gatherBytes {
		if d := p.tune.pace - time.Since(part.sent); d > 0 {
			part.wait(gathering, d)
			return
		}
	}
	part.state, part.at = ready, p.brokers[part.leader]
	part.at.ready = append(part.at.ready, part)
	poke(part.at.wakeup)
}

// recall takes the partition out of a broker's queue, because its leader is
// another now.
func (part *partition) recall() {
	if part.state == ready {
		part.at.ready = slices.DeleteFunc(part.at.ready, func(o *partition) bool { return o == part })
		part.state, part.at = idle, nil
	}
}

// compose cuts a batch of at most size bytes and limit records from the front
// of the queues, a share of each key in turn. The first span always fits.
func (part *partition) compose(size, limit int) {
	const turn = 128 << 10 // bytes a key may add before the next one's turn
	b := &part.out
	b.size = batchOverhead
	for part.ring.head != nil && b.records < limit {
		q := part.ring.head
		e := q.head
		if len(e.frames) > 0 {
			if b.records == 0 {
				part.composePart(e)
			}
			return
		}
		from, added := e.next, 0
		fixed := e.fixed()
		spans := e.b.Spans
		for e.next < len(spans) && b.records < limit && added < turn {
			s := &spans[e.next]
			n := fixed + int(s.End-s.Start)
			if s.Part > 0 {
				n += partHeaderSize
			}
			if b.records > 0 && b.size+n > size {
				break
			}
			b.size += n
			b.records++
			added += n
			b.bytes += int64(s.End - s.Start)
			e.next++
		}
		if e.next > from {
			b.pieces = append(b.pieces, piece{e: e, from: from, to: e.next})
			part.queued -= e.share(from, e.next)
		}
		whole := e.next == len(spans)
		if whole {
			q.pop()
		}
		if q.head == nil {
			part.ring.pop()
		} else if whole || added >= turn {
			part.ring.pop()
			part.ring.push(q)
		}
		if !whole && added < turn {
			return // the batch is full
		}
	}
}

// composePart makes a batch of one part of a span that is too large.
func (part *partition) composePart(e *entry) {
	lo, hi := e.headRange()
	b := &part.out
	b.records, b.bytes = 1, int64(hi-lo)
	b.size = batchOverhead + e.fixed() + partHeaderSize + int(hi-lo)
	b.pieces = append(b.pieces, piece{e: e, from: e.next, to: e.next + 1, isPart: true, lo: lo, hi: hi, label: e.headLabel()})
}

// share is what the spans [from, to) count for in partition.queued. The shares
// of an entry add up to the length of its Data.
func (e *entry) share(from, to int) int64 {
	begin, end := int64(0), int64(len(e.b.Data))
	if from > 0 {
		begin = int64(e.b.Spans[from].Start)
	}
	if to < len(e.b.Spans) {
		end = int64(e.b.Spans[to].Start)
	}
	return end - begin
}

// putBack undoes compose: the spans of the batch are the next to be sent again,
// in their order.
func (part *partition) putBack() {
	for i := len(part.out.pieces) - 1; i >= 0; i-- {
		pc := &part.out.pieces[i]
		if pc.isPart {
			continue // it was never taken from its queue
		}
		e, q := pc.e, pc.e.key
		part.queued += e.share(pc.from, pc.to)
		if e.next == len(e.b.Spans) {
			q.pushFront(e)
		}
		e.next = pc.from
		if q.inRing {
			part.ring.remove(q)
		}
		part.ring.pushFront(q)
	}
	part.out.reset(&part.t.p.memory)
}

// acknowledged moves past the batch, which is stored from offset base on (-1: not
// known), and adds the entries that are done to the list.
func (part *partition) acknowledged(done []*entry, base int64) []*entry {
	p, b := part.t.p, &part.out
	part.seq = part.seq.stored(b.records)
	part.mark.stored(base, b.records)
	p.stats.Batches++
	p.stats.Records += uint64(b.records)
	p.stats.Bytes += uint64(b.bytes)
	for i := range b.pieces {
		pc := &b.pieces[i]
		e := pc.e
		if pc.isPart {
			e.res.Bytes += int64(pc.hi - pc.lo)
			part.mark.begin(e, base)
			if !e.partDone() {
				continue
			}
			e.res.Split++
			part.passHead(e)
			e.left--
			e.res.Acked++
		} else {
			for j := pc.from; j < pc.to; j++ {
				e.res.Bytes += int64(e.b.Spans[j].End - e.b.Spans[j].Start)
			}
			e.left -= pc.to - pc.from
			e.res.Acked += pc.to - pc.from
			part.mark.begin(e, base)
		}
		if e.left == 0 {
			part.mark.end(e)
			e.res.Partition = part.id
			part.t.released(e)
			done = append(done, e)
		}
	}
	b.reset(&p.memory)
	return done
}

// passHead goes on to the next span of an entry whose head was sent in parts.
func (part *partition) passHead(e *entry) {
	part.queued -= e.share(e.next, e.next+1)
	e.next++
	if e.next < len(e.b.Spans) {
		return
	}
	e.key.pop()
	if e.key.head == nil {
		part.ring.remove(e.key)
	}
}

// gatherBytes of queued bundles are worth a request of their own at any time.
const gatherBytes = 64 << 10

// pause lets the partition wait before it sends the same batch again.
func (part *partition) pause(d time.Duration) { part.wait(pausing, d) }

// wait holds the partition in a state until the time is over or unpause.
func (part *partition) wait(in state, d time.Duration) {
	part.state, part.at = in, nil
	if part.resume != nil {
		part.resume.Reset(d)
		return
	}
	p := part.t.p
	part.resume = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		part.unpause()
	})
}

// unpause ends a wait, at its end or because something was learned.
func (part *partition) unpause() {
	if part.state != pausing && part.state != gathering || part.t.p.stopped {
		return
	}
	part.resume.Stop()
	part.state = idle
	part.kick()
}

// failed counts a failure and shows the reason when it has lasted, or at once.
func (part *partition) failed(now time.Time, why reason, atOnce bool) {
	if part.tries == 0 {
		part.since = now
	}
	part.tries++
	if why.state != "" && (atOnce || now.Sub(part.since) >= part.t.p.tune.showAfter) {
		part.why = why
		part.t.update()
	}
}

// healed forgets failures.
func (part *partition) healed() {
	part.tries = 0
	if part.why.state != "" {
		part.why = reason{}
		part.t.update()
	}
}

// abandon empties the partition at the end and adds its entries to the list.
func (part *partition) abandon(left []*entry) []*entry {
	if part.resume != nil {
		part.resume.Stop()
	}
	if part.full() {
		part.putBack()
	}
	for q := part.ring.head; q != nil; q = q.after {
		for e := q.head; e != nil; e = e.follow {
			left = append(left, e)
		}
	}
	part.ring = ring{}
	for _, w := range part.waiters {
		w.end(ErrStopped)
	}
	part.waiters, part.listed, part.state = nil, false, idle
	return left
}

// moveAway gives everything a partition holds that is no longer there to the
// partitions that are. What was out is gone with it, so it is sent again.
func (part *partition) moveAway() {
	if part.full() {
		part.putBack()
	}
	part.state = idle
	t := part.t
	for part.ring.head != nil {
		q := part.ring.head
		part.ring.pop()
		delete(t.keys, q.id)
		to := t.choose(q.id.key)
		mine := t.queueOf(q.id.key, to)
		for e := q.head; e != nil; {
			next := e.follow
			e.key = mine
			mine.pending++
			to.queued += e.share(e.next, len(e.b.Spans))
			mine.push(e)
			e = next
		}
		if !mine.inRing {
			to.ring.push(mine)
		}
		to.kick()
	}
	part.queued = 0
	waiters := part.waiters
	part.waiters = nil
	for _, w := range waiters {
		t.choose(w.b.Key).enlist(w)
	}
}

// backoff is the pause after so many failures in a row.
func (p *Producer) backoff(tries int, limit time.Duration) time.Duration {
	d := p.tune.backoff << min(max(tries-1, 0), 16)
	d = min(d, limit)
	return d - d/5 + rand.N(d/5*2+1)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UnixMilli()
}
