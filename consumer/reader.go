package consumer

import (
	"context"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Reader reads topics; see the package documentation for what it promises.
type Reader struct {
	cfg      Config
	patterns []*regexp.Regexp
	cluster  *cluster // used by Open, then by the manager only
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	pool     *bufferPool
	sayMu    sync.Mutex

	ready   chan struct{} // something to deliver, or nothing ever again
	refresh chan struct{} // the manager shall look at the cluster soon

	mu       sync.Mutex
	parts    map[topicPartition]*partition
	order    []*partition // by topic and number
	brokers  map[int32]string
	fetchers map[int32]*fetcher
	queue    []*chunk         // fetched, in order
	held     int              // bytes of responses not given back
	open     int              // partitions not ended or given up
	refused  map[string]error // topics without a partition that is known, because the right is missing
	closed   bool
	throttle time.Duration // sum of the pauses that quotas made
	callers  attendance

	// Of the goroutine that calls Next:
	shared  decodeBuffers
	skips   sayings // batches that could not be decoded, not yet told
	current *chunk
	spent   []*chunk // their records were returned by the last Next
	batch   []Record
	merge   *merger
}

// errClosed is returned by Next after Close.
var errClosed = errors.New("reader is closed")

// Open finds the topics, the partitions and their ends and begins to fetch. It
// returns a *kafka.MissingTopicError for a topic that does not exist and never
// creates one. ctx bounds the opening only.
func Open(ctx context.Context, cfg Config) (*Reader, error) {
	r, err := prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	r.mu.Lock()
	r.startFetchers(run)
	r.mu.Unlock()
	r.wg.Go(func() { r.manage(run) })
	r.shared.ahead.start(run, &r.wg)
	return r, nil
}

// prepare is Open without the fetching.
func prepare(ctx context.Context, cfg Config) (*Reader, error) {
	cfg.setDefaults()
	patterns, err := cfg.patterns()
	if err != nil {
		return nil, err
	}
	cl, err := newCluster(cfg.Kafka, cfg.Log, cfg.Wait)
	if err != nil {
		return nil, err
	}
	r := &Reader{
		cfg: cfg, patterns: patterns, cluster: cl, pool: &bufferPool{keep: 32, most: int(cfg.MaxMemory / 8)},
		ready: make(chan struct{}, 1), refresh: make(chan struct{}, 1),
		parts: map[topicPartition]*partition{}, fetchers: map[int32]*fetcher{}, refused: map[string]error{},
	}
	r.shared.pool = r.pool
	r.shared.setBounds(r.cfg.MaxRecord, r.cfg.MaxMemory)
	if cfg.Sort {
		r.merge = newMerger(r)
		r.shared.keepHeaders = true
	} else {
		r.shared.decompressAhead(r.cfg.MaxMemory)
	}
	if err := r.discover(ctx); err != nil {
		cl.close()
		return nil, err
	}
	return r, nil
}

// Next returns the next records: at most MaxBatch, at least one. It waits for the
// first as long as it takes and for more as long as Config.Linger says. It returns
// io.EOF when the read is done, and ctx's error when ctx ends first. With
// Config.Reuse the records are valid until the next call, else forever.
func (r *Reader) Next(ctx context.Context) ([]Record, error) {
	r.attend(true)
	defer r.attend(false)
	r.recycle()
	var linger *time.Timer
	for {
		got := r.fill()
		if len(r.batch) > 0 && (got != scarce || r.cfg.Linger < 0) {
			return r.hand(), nil
		}
		if got == exhausted {
			return nil, r.endError()
		}
		if len(r.batch) == 0 { // what was passed over would keep the buffer full
			r.recycle()
		}
		var late <-chan time.Time
		if len(r.batch) > 0 {
			if linger == nil {
				linger = time.NewTimer(r.cfg.Linger)
				defer linger.Stop()
			}
			late = linger.C
		} else if r.merge != nil {
			if wait := r.merge.wait(time.Now()); wait > 0 {
				t := time.NewTimer(wait)
				defer t.Stop()
				late = t.C
			}
		}
		select {
		case <-r.ready:
		case <-late:
			if len(r.batch) > 0 {
				return r.hand(), nil
			}
		case <-ctx.Done():
			if len(r.batch) > 0 {
				return r.hand(), nil
			}
			return nil, context.Cause(ctx)
		}
	}
}

// hand returns the batch to the caller.
func (r *Reader) hand() []Record {
	if r.cfg.Reuse {
		return r.batch
	}
	out := copyRecords(r.batch)
	r.recycle()
	return out
}

// recycle takes back what the last batch used.
func (r *Reader) recycle() {
	clear(r.batch)
	r.batch = r.batch[:0]
	r.shared.recycle()
	if len(r.spent) == 0 {
		return
	}
	r.mu.Lock()
	for _, c := range r.spent {
		r.release(c)
	}
	r.wakeFetchers()
	r.mu.Unlock()
	clear(r.spent)
	r.spent = r.spent[:0]
}

// supply is what can be said of a batch after all that was fetched was looked at:
//
//	scarce ──▶ filled     (more is fetched, or the bounds are reached)
//	   └─────▶ exhausted  (the read is done)
type supply uint8

const (
	scarce    supply = iota // more may come
	filled                  // it has as many records, or bytes of decompressed batches, as it may
	exhausted               // nothing will ever come again
)

// supplyOf is scarce or exhausted.
func supplyOf(ended bool) supply {
	if ended {
		return exhausted
	}
	return scarce
}

// fill decodes what has been fetched into the batch.
func (r *Reader) fill() supply {
	defer r.tellSkips()
	if r.merge != nil {
		ended := r.merge.fill()
		if r.merge.filled() {
			return filled
		}
		return supplyOf(ended)
	}
	for len(r.batch) < MaxBatch {
		c, ended := r.take()
		if c == nil {
			return supplyOf(ended)
		}
		at := len(r.batch)
		var done bool
		r.batch, done = c.decode(r.batch, MaxBatch)
		r.account(c, r.batch[at:], done)
		if !done {
			return filled
		}
		r.spent = append(r.spent, c)
		r.current = nil
	}
	return filled
}

// take returns the chunk whose turn it is. When there is none it reports whether nothing
// will ever come again.
func (r *Reader) take() (c *chunk, ended bool) {
	if r.current != nil {
		return r.current, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return nil, r.over()
	}
	c = r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	c.end = min(c.end, c.p.end)
	r.current = c
	return c, false
}

// tellSkips tells which batches could not be decoded.
func (r *Reader) tellSkips() {
	if len(r.skips) > 0 {
		r.pass(r.skips)
		r.skips = nil
	}
}

// account notes that records of a chunk are delivered.
func (r *Reader) account(c *chunk, records []Record, done bool) {
	size := 0
	for i := range records {
		size += len(records[i].Key) + len(records[i].Value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := c.p
	r.endHere(c)
	if n := len(records); n > 0 {
		p.records += uint64(n)
		p.bytes += uint64(size)
		p.delivered = max(p.delivered, records[n-1].Offset+1)
		p.lastAt = records[n-1].Time
	}
	if done {
		p.delivered = max(p.delivered, min(c.after, p.end))
	}
}

// endHere ends the read of a partition where a chunk has met the first record of a
// time that was to come. The caller holds r.mu.
func (r *Reader) endHere(c *chunk) {
	if p := c.p; c.late && !p.endTime.IsZero() {
		p.end, p.endTime = min(p.end, c.end), time.Time{}
		r.finish(p)
	}
}

// endError says why nothing will come again.
func (r *Reader) endError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errClosed
	}
	var errs []error
	good := len(r.order) == 0
	for _, err := range r.refused {
		errs = append(errs, err)
	}
	for _, p := range r.order {
		if p.err == nil || p.records > 0 {
			good = true
			continue
		}
		if !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == p.err.Error() }) {
			errs = append(errs, p.err)
		}
	}
	if good {
		return io.EOF
	}
	return errors.Join(errs...)
}

// Buffered reports whether Next would return at once.
func (r *Reader) Buffered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue) > 0 || r.over()
}

// over reports whether nothing more will be fetched: every partition has ended or is
// given up, and it is not that a follower waits for a topic to come or to be granted.
// The caller holds r.mu.
func (r *Reader) over() bool {
	if r.closed || r.open > 0 {
		return r.closed
	}
	return !r.cfg.Follow || len(r.order) > 0 && len(r.refused) == 0
}

// Refused returns the errors of the topics that may not be read and of which not even
// the partitions are known. They are *AccessError, by topic.
func (r *Reader) Refused() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]error, 0, len(r.refused))
	for _, topic := range slices.Sorted(maps.Keys(r.refused)) {
		out = append(out, r.refused[topic])
	}
	return out
}

// Partitions returns the state of each partition, by topic and number.
func (r *Reader) Partitions() []PartitionStat {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]PartitionStat, len(r.order))
	for i, p := range r.order {
		out[i] = p.stat()
	}
	return out
}

// Close ends the reading. It returns when all goroutines of the reader have ended,
// which takes no longer than closing the connections. A Next in progress returns.
func (r *Reader) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		r.wg.Wait()
		return nil
	}
	r.closed = true
	r.signalReady()
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
	r.cluster.close()
	return nil
}
