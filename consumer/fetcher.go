package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"logctl/internal/kafka"
)

// How a fetch is asked for.
const (
	fetchWait     = 500 * time.Millisecond // longest the broker waits for a first byte
	fetchPatience = 10 * time.Second       // longest silence of the broker beyond that
	fetchBytes    = 6 << 20                // of one response, bytes
	partBytes     = 3 << 20                // of one partition in a response, bytes
	mergeBytes    = 1 << 20                // the same when partitions are merged
	minPartBytes  = 64 << 10               // the same when there are very many to merge
	retryFirst    = 100 * time.Millisecond // wait before a lost broker is dialled again
	retryMost     = 5 * time.Second
)

// fetcher fetches from one broker what that broker leads, one request at a time.
type fetcher struct {
	r    *Reader
	id   int32 // of the broker
	wake chan struct{}
	link *link

	reached bool // it answered at least once
	lost    bool // told
	leads   bool // as of the last plan: a partition that is not done, or one that nobody leads
	tries   int  // failures in a row
	turn    int  // where the next request begins, so that no partition starves
	alone   bool // the last request was for one batch that needs all of an answer
	parts   []*partition
	req     fetchRequest

	doubts []localQuery // of the last answer
	quota  quota
}

// startFetchers makes a fetcher for each leader that has none. The caller holds
// r.mu.
func (r *Reader) startFetchers(ctx context.Context) {
	if r.closed {
		return
	}
	for _, p := range r.order {
		if p.leader < 0 || p.phase.over() || r.fetchers[p.leader] != nil {
			continue
		}
		f := &fetcher{r: r, id: p.leader, wake: make(chan struct{}, 1)}
		f.req = fetchRequest{maxWaitMS: int32(fetchWait.Milliseconds()), maxBytes: fetchBytes, isolation: r.cfg.Isolation}
		r.fetchers[p.leader] = f
		r.wg.Go(func() { f.run(ctx) })
	}
	r.wakeFetchers()
}

// wakeFetchers lets all fetchers look for work. The caller holds r.mu.
func (r *Reader) wakeFetchers() {
	for _, f := range r.fetchers {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

func (f *fetcher) run(ctx context.Context) {
	stop := func() bool { return true }
	defer func() {
		stop()
		if f.link != nil {
			f.link.close()
		}
	}()
	for ctx.Err() == nil {
		wait, addr := f.plan()
		if len(f.parts) == 0 {
			f.sleep(ctx, wait)
			continue
		}
		if f.link == nil {
			l, err := dial(ctx, f.r.cluster.cfg, addr)
			if err != nil && !f.reached {
				err = kafka.Announced(f.id, addr, err) // the cluster has answered elsewhere
			}
			if err != nil {
				f.failed(ctx, addr, err)
				continue
			}
			f.link = l
			stop = context.AfterFunc(ctx, l.broker.Cut)
		}
		throttle, err := f.fetch()
		if err != nil {
			stop()
			f.link.close()
			f.link = nil
			f.failed(ctx, addr, err)
			continue
		}
		f.reached = true
		f.worked(addr)
		f.throttled(ctx, throttle)
	}
}

// fetch asks once for what plan chose. It returns how long the broker wants to be left
// alone.
func (f *fetcher) fetch() (throttle time.Duration, err error) {
	body, err := f.link.exchange(&f.req, f.r.cluster.cfg.ClientID, f.r.pool, fetchWait+fetchPatience)
	if err != nil {
		return 0, err
	}
	if throttle, err = f.deliver(body); err == nil && len(f.doubts) > 0 {
		err = f.prove()
	}
	return throttle, err
}

// plan chooses what the next request asks for: everything this broker leads that is
// wanted, as far as the reader's buffer has room. When that is nothing it returns
// how long to sleep at most.
func (f *fetcher) plan() (wait time.Duration, addr string) {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	f.parts, f.req.parts = f.parts[:0], f.req.parts[:0]
	f.leads = slices.ContainsFunc(r.order, func(p *partition) bool { return !p.phase.over() && (p.leader == f.id || p.leader < 0) })
	wait = time.Minute
	addr = r.brokers[f.id]
	whole := r.answerLimit()
	full := r.merge == nil && r.held > 0 && int64(r.held)+int64(whole) > r.cfg.Buffer
	if full || addr == "" {
		return wait, addr
	}
	limit := r.partLimit()
	now := time.Now()
	n := len(r.order)
	for i := range n {
		p := r.order[(f.turn+i)%n]
		if p.leader != f.id || !p.phase.fetched() {
			continue
		}
		if r.merge != nil && p.buffered > 0 && p.buffered+limit > 2*limit {
			continue
		}
		if d := p.pause.Sub(now); d > 0 {
			wait = min(wait, d)
			continue
		}
		f.parts = append(f.parts, p)
		f.req.parts = append(f.req.parts, fetchPart{topic: p.topic, partition: p.id, offset: p.next,
			maxBytes: int32(min(max(limit, p.need), maxResponse))})
	}
	if n > 0 {
		f.turn = (f.turn + 1) % n
	}
	f.askAlone(whole)
	f.req.maxBytes = int32(whole)
	if len(f.parts) == 1 { // its own limit is enough, and a single huge batch must fit
		f.req.maxBytes = max(fetchBytes, f.req.parts[0].maxBytes)
	}
	return wait, addr
}

// askAlone leaves nothing in every second request but one batch that did not fit into an
// answer of that many bytes beside others, if there is one. The caller holds r.mu.
func (f *fetcher) askAlone(whole int) {
	i := slices.IndexFunc(f.parts, func(p *partition) bool { return p.need > whole })
	if f.alone = i >= 0 && !f.alone; f.alone {
		f.parts[0], f.req.parts[0] = f.parts[i], f.req.parts[i]
		f.parts, f.req.parts = f.parts[:1], f.req.parts[:1]
	}
}

// answerLimit is how much one response may bring.
func (r *Reader) answerLimit() int { return int(min(max(r.cfg.Buffer, minPartBytes), fetchBytes)) }

// partLimit is how much of one partition one response may bring. The caller holds
// r.mu.
func (r *Reader) partLimit() int {
	if r.merge == nil || r.open == 0 {
		return min(partBytes, r.answerLimit())
	}
	return int(min(max(r.cfg.Buffer/int64(2*r.open), minPartBytes), mergeBytes))
}

// sleep waits until there may be something to do.
func (f *fetcher) sleep(ctx context.Context, atMost time.Duration) {
	if f.lost && f.link == nil && !f.leads {
		// Others lead its partitions. One that leads and is not asked, because the
		// buffer is full, is still lost, and so is one whose partitions nobody leads.
		f.lost, f.tries = false, 0
		f.r.tell(Notice{Kind: BrokerBack, Partition: -1, Text: fmt.Sprintf("what broker %d led is read from other brokers now", f.id)})
	}
	t := time.NewTimer(atMost)
	defer t.Stop()
	select {
	case <-f.wake:
	case <-t.C:
	case <-ctx.Done():
	}
}

// failed handles a connection that could not be made or broke.
func (f *fetcher) failed(ctx context.Context, addr string, err error) {
	if ctx.Err() != nil {
		return
	}
	f.tries++
	f.r.lookSoon()
	f.r.cfg.Log.Debug("fetch failed", "broker", f.id, "address", addr, "try", f.tries, "err", err)
	// Brokers close idle and expired connections: the first failure says nothing.
	if f.tries >= 2 && !f.lost {
		f.lost = true
		f.r.tell(Notice{Kind: BrokerLost, Partition: -1, Text: fmt.Sprintf("broker %d at %s is lost (%s); trying again", f.id, addr, plain(err))})
	}
	if f.tries == 1 {
		return
	}
	f.r.cutOff(f.id, &kafka.BrokerError{Address: addr, Err: err})
	wait := min(retryFirst<<min(f.tries-2, 10), retryMost)
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// worked notes that the broker answered.
func (f *fetcher) worked(addr string) {
	f.tries = 0
	if f.lost {
		f.lost = false
		f.r.tell(Notice{Kind: BrokerBack, Partition: -1, Text: fmt.Sprintf("broker %d at %s is back; going on", f.id, addr)})
	}
}

// plain shortens the error of a connection to what an operator needs.
func plain(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection"
	case errors.As(err, &op) && op.Timeout():
		return "no answer in time"
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}
