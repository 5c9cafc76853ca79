package ship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// ErrStopped is returned by Send, and reported to Done, when the producer's
// Run has ended.
var ErrStopped = errors.New("producer has stopped")

// Defaults of Config.
const (
	defaultMaxBuffer  = 64 << 20
	defaultBatchBytes = 900 << 10
)

// tuning are the times and counts that tests shorten.
type tuning struct {
	pace                time.Duration // small batches of a partition are at least so far apart
	backoff, backoffMax time.Duration // pause after the first failure, and at most
	missingMax          time.Duration // pause between looks for a topic that is missing, at most
	refresh             time.Duration // metadata of a topic in use is read again this often
	limits              time.Duration // its max.message.bytes too
	ackTimeout          time.Duration // a broker gives up waiting for its replicas after
	readTimeout         time.Duration // a connection without an answer is given up after
	patience            time.Duration // a leader that was replaced may stay silent for so long
	controlTimeout      time.Duration // so is a round of metadata or producer id requests
	showAfter           time.Duration // a failure that heals sooner does not change a topic's state
	batchRecords        int           // records of a batch at most
}

var defaultTuning = tuning{
	pace:           3 * time.Millisecond,
	backoff:        100 * time.Millisecond,
	backoffMax:     5 * time.Second,
	missingMax:     2 * time.Second,
	refresh:        10 * time.Second,
	limits:         time.Minute,
	ackTimeout:     10 * time.Second,
	readTimeout:    15 * time.Second,
	patience:       3 * time.Second,
	controlTimeout: 20 * time.Second,
	showAfter:      time.Second,
	batchRecords:   10000,
}

// Producer ships bundles. See New.
type Producer struct {
	cfg    Config
	tune   tuning
	sarama *sarama.Config
	acks   sarama.RequiredAcks
	assign partitioner
	log    *slog.Logger
	admin  *kafka.Admin

	packer  compressor
	memory  memory         // of encoded records
	entries sync.Pool      // *entry
	wakeup  chan struct{}  // the control goroutine has something to do
	tell    chan struct{}  // events or hollow has something
	wg      sync.WaitGroup // one goroutine per broker

	mu       sync.Mutex
	started  bool
	stopped  bool
	ctx      context.Context // of Run, for brokers that are met later
	topics   map[string]*topic
	brokers  map[int32]*broker
	waiting  []*partition       // partitions with waiters, in turn
	needID   []*partition       // partitions that wait for a producer id
	left     map[place]sequence // of partitions that are not looked after now, see leave
	used     int64              // bytes of Data accepted and not done
	lines    int                // spans of the same
	dead     int64              // of used, what topics in trouble hold
	inflight int64              // bytes of values sent and not answered
	unacked  int                // entries
	drained  []chan struct{}
	events   []TopicStatus
	hollow   []*Bundle // bundles without spans, to be called back
	stats    Stats
	reached  bool         // a broker has answered since New
	trouble  error        // why the last round of the control goroutine failed
	cluster  status.State // the same as a state, since the first such round
	lookAt   time.Time    // when the cluster is looked at although nothing else is due; zero: not yet
	idTries  int
	idAfter  time.Time // no producer id is asked for before
	wakes    int       // calls of Wake
}

// New returns a producer that ships once Run is called. It checks the
// configuration and reads the TLS and password files; it does not connect.
func New(cfg Config) (*Producer, error) {
	if cfg.MaxBuffer <= 0 {
		cfg.MaxBuffer = defaultMaxBuffer
	}
	if cfg.BatchBytes <= 0 {
		cfg.BatchBytes = defaultBatchBytes
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Producer{
		cfg:     cfg,
		tune:    defaultTuning,
		log:     cfg.Log,
		topics:  map[string]*topic{},
		brokers: map[int32]*broker{},
		left:    map[place]sequence{},
		wakeup:  make(chan struct{}, 1),
		tell:    make(chan struct{}, 1),
	}
	var err error
	if p.acks, err = parseAcks(cfg.Acks); err != nil {
		return nil, err
	}
	if p.packer.codec, err = parseCompression(cfg.Compression); err != nil {
		return nil, err
	}
	if p.assign, err = parsePartitioner(cfg.Partitioner); err != nil {
		return nil, err
	}
	if p.sarama, err = cfg.Kafka.Sarama(); err != nil {
		return nil, err
	}
	p.entries.New = func() any { return new(entry) }
	p.admin = kafka.NewAdmin(cfg.Kafka)
	return p, nil
}

func parseAcks(s string) (sarama.RequiredAcks, error) {
	switch strings.ToLower(s) {
	case "", "all", "-1":
		return sarama.WaitForAll, nil
	case "leader", "1":
		return sarama.WaitForLocal, nil
	}
	return 0, fmt.Errorf("acks %q is unknown: use all or leader", s)
}

// idempotent says whether batches carry producer ids and sequences.
func (p *Producer) idempotent() bool { return p.acks == sarama.WaitForAll }

// Run ships until ctx ends, and then stops at once: every bundle that is not
// acknowledged is done with an error. It returns when all its goroutines have
// ended, and may be called once.
func (p *Producer) Run(ctx context.Context) error {
	p.mu.Lock()
	if p.started {
		p.mu.Unlock()
		return errors.New("producer was run before: make a new one")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.started, p.ctx = true, ctx
	p.mu.Unlock()

	var own sync.WaitGroup
	own.Go(func() { p.notify(ctx) })
	p.control(ctx) // starts brokers; none is started after it has returned
	p.wg.Wait()
	own.Wait()
	p.finish()
	return p.admin.Close()
}

// finish ends every bundle and every Send that is left.
func (p *Producer) finish() {
	p.mu.Lock()
	p.stopped = true
	var left []*entry
	for _, t := range p.topics {
		for _, part := range t.parts {
			left = part.abandon(left)
		}
		for _, w := range t.waiters {
			w.end(ErrStopped)
		}
		t.waiters = nil
	}
	hollow := p.hollow
	p.hollow, p.waiting, p.needID = nil, nil, nil
	p.used, p.lines, p.unacked, p.inflight, p.dead = 0, 0, 0, 0, 0
	p.releaseDrains()
	p.mu.Unlock()
	for _, e := range left {
		e.res.Err = ErrStopped
		e.b.Done(e.res)
	}
	for _, b := range hollow {
		b.Done(Result{})
	}
}

// Send hands a bundle over. It waits while the buffer, or the share of the
// bundle's topic in it, is full, and while the topic's partitions are not known
// yet, in particular as long as it is missing. An error means that the bundle
// was not accepted and Done will not be called. Bundles of one key keep their
// order when their Sends do not overlap.
func (p *Producer) Send(ctx context.Context, b *Bundle) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return ErrStopped
	}
	if len(b.Spans) == 0 {
		p.hollow = append(p.hollow, b)
		p.mu.Unlock()
		poke(p.tell)
		return nil
	}
	t := p.topic(b.Topic)
	t.touched = true
	if t.refreshAt.IsZero() {
		t.refreshAt = time.Now()
		poke(p.wakeup)
	}
	w := t.offer(b)
	p.mu.Unlock()
	if w == nil {
		return nil
	}
	select {
	case err := <-w.result:
		return err
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case err := <-w.result: // it was settled meanwhile
		return err
	default:
	}
	w.withdraw()
	return ctx.Err()
}

// Drain waits until everything accepted is acknowledged, or until ctx ends.
// Sends that still wait to be accepted do not count.
func (p *Producer) Drain(ctx context.Context) error {
	p.mu.Lock()
	if p.unacked == 0 {
		p.mu.Unlock()
		return nil
	}
	done := make(chan struct{})
	p.drained = append(p.drained, done)
	p.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain: %w", ctx.Err())
	}
}

func (p *Producer) releaseDrains() {
	for _, c := range p.drained {
		close(c)
	}
	p.drained = nil
}

// MaxRecord is the largest value, in bytes, that one record of the topic can
// hold, leaving room for headers of 1 KiB. Asking makes the producer look the
// topic up, so that its state is known before the first Send. Until Kafka has
// told the topic's max.message.bytes it is taken to be the usual 1 MiB.
func (p *Producer) MaxRecord(topic string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := kafka.DefaultMaxMessageBytes
	if !p.stopped {
		limit = p.topic(topic).limit
	}
	return max(1, limit-batchOverhead-recordOverhead-min(1024, limit/4))
}

// Topic returns a topic's state. A topic that was never used is without one.
func (p *Producer) Topic(topic string) TopicStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.topics[topic]; t != nil {
		st := t.status
		st.Unasked = len(t.parts) == 0 && t.trouble.state == ""
		return st
	}
	return TopicStatus{Topic: topic}
}

// Forget stops looking after a topic that nobody uses any more. It does nothing
// while bundles of the topic wait or are in flight.
func (p *Producer) Forget(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.topics[topic]
	if t == nil || t.lines > 0 || len(t.waiters) > 0 {
		return
	}
	for _, part := range t.parts {
		if part.state != idle || len(part.waiters) > 0 {
			return
		}
	}
	for _, part := range t.parts {
		part.leave()
	}
	delete(p.topics, topic)
}

// Stats returns the counters and what is held now.
func (p *Producer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.BufferedBytes, s.BufferedLines, s.InFlightBytes = p.used, int64(p.lines), p.inflight
	s.Brokers, s.Cluster = p.brokerState()
	return s
}

// brokerState puts the connection to the cluster into words and a state. The cluster as a
// whole is away when nobody answers for metadata; a broker that cannot be reached is
// the matter of the topics that it leads.
func (p *Producer) brokerState() (string, status.State) {
	why := p.cluster
	if why.Code == "" {
		for _, b := range p.brokers {
			if b.failures > 1 && b.err != nil {
				r := unreachable(b.err)
				return string(r.state) + ": " + r.err, status.State{}
			}
		}
	}
	switch {
	case why.Code != "":
		if time.Since(why.Since) < p.tune.showAfter {
			return string(why.Code) + ": " + why.Detail, status.State{}
		}
		return string(why.Code) + ": " + why.Detail, why
	case !p.reached:
		return "connecting", status.State{}
	}
	return "ok", status.State{}
}

// poke wakes whoever waits on a channel of capacity one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// notify tells OnTopic of changes, in order, and calls empty bundles back.
func (p *Producer) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.tell:
		}
		p.mu.Lock()
		events, hollow := p.events, p.hollow
		p.events, p.hollow = nil, nil
		p.mu.Unlock()
		for _, e := range events {
			p.log.Debug("topic changed", "topic", e.Topic, "state", e.State, "reason", e.Err)
			if p.cfg.OnTopic != nil {
				p.cfg.OnTopic(e)
			}
		}
		for _, b := range hollow {
			b.Done(Result{})
		}
	}
}
