package ship

import (
	"context"
	"errors"
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// broker sends to one broker. Its goroutine owns the connection; the other
// fields are guarded by the producer's lock.
type broker struct {
	p       *Producer
	id      int32
	address string
	wakeup  chan struct{}

	ready    []*partition // in turn
	failures int          // in a row
	err      error        // the last of them
	retryAt  time.Time    // no connection is made before
	conn     *kafka.Conn  // to cut; only the goroutine uses and closes it
	reached  bool         // at its present address, at least once
	broken   bool         // the connection failed and must be made anew
	up       bool         // the last look at the cluster listed it
	gone     bool         // no longer part of the cluster; the goroutine ends

	done    []*entry     // kept for the callback, one runs at a time
	writer  recordWriter // of the goroutine
	request request      // of the goroutine
}

// meet makes a broker known, and starts its goroutine, or learns its address.
func (p *Producer) meet(id int32, address string) {
	b := p.brokers[id]
	if b == nil {
		b = &broker{p: p, id: id, address: address, wakeup: make(chan struct{}, 1)}
		b.up = true
		p.brokers[id] = b
		ctx := p.ctx
		p.wg.Go(func() { b.run(ctx) })
		return
	}
	b.up = true
	if b.address != address {
		b.address, b.broken, b.reached, b.retryAt = address, true, false, time.Time{}
		poke(b.wakeup)
	}
}

// run sends what is ready until ctx ends or the broker is gone.
func (b *broker) run(ctx context.Context) {
	var conn *kafka.Conn
	unwatch := func() bool { return true } // ctx no longer cuts conn
	defer func() {
		unwatch()
		b.hangUp(conn)
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		work, wait, drop, end := b.plan(time.Now())
		if drop || end {
			unwatch()
			b.hangUp(conn)
			conn = nil
		}
		if end || ctx.Err() != nil {
			return
		}
		if !work || wait > 0 {
			if !work {
				wait = time.Hour
			}
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-b.wakeup:
			case <-timer.C:
			}
			continue
		}
		if conn == nil {
			c, err := b.connect(ctx)
			if err != nil {
				b.unreachable(err)
				continue
			}
			conn = c
			// The end of ctx ends requests too, from here on.
			unwatch = context.AfterFunc(ctx, c.Cut)
		}
		b.send(conn)
	}
}

// plan says what the goroutine has to do next.
func (b *broker) plan(now time.Time) (work bool, wait time.Duration, drop, end bool) {
	p := b.p
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(b.ready) > 0, b.retryAt.Sub(now), b.broken, b.gone
}

// hangUp closes the connection. All of its requests have been called back when
// it returns, and only the first of them counted as a failure.
func (b *broker) hangUp(conn *kafka.Conn) {
	if conn != nil {
		_ = conn.Close()
	}
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.broken, b.conn = false, nil
}

func (b *broker) connect(ctx context.Context) (*kafka.Conn, error) {
	b.p.mu.Lock()
	address := b.address
	b.p.mu.Unlock()
	s := *b.p.sarama
	s.Net.ReadTimeout, s.Net.WriteTimeout = b.p.tune.readTimeout, b.p.tune.readTimeout
	conn, err := kafka.Dial(ctx, &s, address)
	if err != nil {
		return nil, err
	}
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.conn, b.reached = conn, true
	return conn, nil
}

// unreachable notes that no connection could be made. What is ready stays so,
// unless the metadata that is asked for here gives it another leader.
func (b *broker) unreachable(err error) {
	p := b.p
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !b.reached && p.trouble == nil {
		err = kafka.Announced(b.id, b.address, err)
	}
	b.fail(err, now)
	why := unreachable(err)
	for _, part := range b.ready {
		part.failed(now, why, false)
		part.t.refreshNow(now)
	}
}

// fail counts a failure of the connection.
func (b *broker) fail(err error, now time.Time) {
	b.failures++
	b.err = err
	b.retryAt = now.Add(b.p.backoff(b.failures, b.p.tune.backoffMax))
	if b.failures == 1 {
		b.p.log.Info("connection to a broker failed", "broker", b.id, "address", b.address, "reason", err.Error())
	}
}

// take cuts the batches of the next request: partitions in turn, until the
// request holds about one full batch.
func (b *broker) take() []*partition {
	p := b.p
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var taken []*partition
	room, records := p.cfg.BatchBytes, p.tune.batchRecords
	i := 0
	for ; i < len(b.ready) && (len(taken) == 0 || room > p.cfg.BatchBytes/8); i++ {
		part := b.ready[i]
		if !part.full() {
			limit := part.t.batchLimit()
			if len(taken) > 0 {
				limit = min(limit, room)
			}
			part.compose(limit, records)
			part.stampOld(now)
		}
		part.stampDue(now)
		part.state, part.sent = flying, now
		p.inflight += part.out.bytes
		room -= part.out.size
		taken = append(taken, part)
	}
	n := copy(b.ready, b.ready[i:])
	clear(b.ready[n:])
	b.ready = b.ready[:n]
	if len(taken) > 0 {
		p.stats.Requests++
	}
	return taken
}

// send makes one request of what is ready and hands it to the connection. It
// encodes on this goroutine; the answer comes on the connection's own.
func (b *broker) send(conn *kafka.Conn) {
	p := b.p
	taken := b.take()
	if len(taken) == 0 {
		return
	}
	for _, part := range taken {
		if part.out.payload == nil {
			part.out.encode(&b.writer, &p.memory, &p.packer)
		}
	}
	err := conn.ProduceEncoded(p.acks, p.tune.ackTimeout, b.request.build(taken),
		func(res *sarama.ProduceResponse, err error) { b.answered(taken, res, err) })
	b.request.reset()
	if err != nil {
		b.refused(taken, err)
	}
}

// refused handles a request that sarama could not send. It may have been
// written in part, so nothing is known about it.
func (b *broker) refused(taken []*partition, err error) {
	p := b.p
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var tooLarge sarama.PacketEncodingError
	if errors.As(err, &tooLarge) && len(taken) == 1 {
		// Larger than sarama's own limit of a request.
		p.inflight -= taken[0].out.bytes
		taken[0].answer(&sarama.ProduceResponseBlock{Err: sarama.ErrMessageSizeTooLarge}, now, nil)
		return
	}
	b.connectionLost(taken, err, now)
}

// connectionLost puts batches without an answer back in the queue, to be sent
// again as they are. It is told by the first request that failed on the
// connection and by every other that was in flight.
func (b *broker) connectionLost(taken []*partition, err error, now time.Time) {
	p := b.p
	if !b.broken {
		b.broken = true
		b.fail(err, now)
	}
	for _, part := range taken {
		p.inflight -= part.out.bytes
		p.stats.Retries++
		part.out.unsure = true
		part.state, part.at = idle, nil
		part.failed(now, reason{status.KafkaUnreachable, kafka.Explain(&kafka.BrokerError{Address: b.address, Err: err})}, false)
		part.t.refreshNow(now)
		part.kick()
	}
	poke(b.wakeup)
}

// answered is called by sarama's reading goroutine with the answer to a
// request, or with the reason why there is none.
func (b *broker) answered(taken []*partition, res *sarama.ProduceResponse, err error) {
	p := b.p
	p.mu.Lock()
	now := time.Now()
	if err != nil {
		b.connectionLost(taken, err, now)
		p.mu.Unlock()
		return
	}
	b.failures, b.err, p.reached = 0, nil, true
	done := b.done[:0]
	for _, part := range taken {
		part.t.throttled(res.ThrottleTime)
		block := res.GetBlock(part.t.name, part.id)
		if block == nil {
			block = &sarama.ProduceResponseBlock{Err: sarama.ErrNetworkException}
			part.out.unsure = true
		}
		p.inflight -= part.out.bytes
		done = part.answer(block, now, done)
		part.mark.answered()
	}
	if len(done) > 0 {
		p.admitWaiters()
	}
	p.mu.Unlock()
	for i, e := range done {
		e.b.Done(e.res)
		done[i] = nil
		*e = entry{frames: e.frames[:0]}
		p.entries.Put(e)
	}
	b.done = done[:0]
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range taken {
		part.mark.calledBack()
	}
}
