package lookback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"logctl/agent/positions"
	"logctl/agent/ship"
	"logctl/internal/kafka"
)

// Config is what a Life needs to know.
type Config struct {
	Kafka kafka.Config
	ID    string // transactional id
	// Off says, in words, why there is no looking back from the start; empty: there is.
	Off string
	// Unordered says that the records of one file may lie in several partitions at a time.
	Unordered bool
	Registry  *positions.Registry
	// Wake is called when Names may know more than it did.
	Wake func()
	Log  *slog.Logger
}

// Phase is where a Life stands; doc.go draws it.
type Phase uint8

// The phases.
const (
	Claiming  Phase = iota // the transactional id is being taken
	Fencing                // what the last life may still have on its way is being stopped
	Holding                // the id is ours; topics are looked back at, or were
	Contested              // another agent takes it, too
	Bounded                // given up: a crash may send the last lines again
)

// times are the delays of a Life; tests make them short.
type times struct {
	retry    time.Duration // between two requests that were to be asked again
	patience time.Duration // with a coordinator that does not answer though brokers do
	probe    time.Duration // between two looks whether the id is still ours
	renew    time.Duration // between two epochs of an id that nobody takes
	reclaim  time.Duration // before a contested id is taken back
	calm     time.Duration // without being fenced, after which an id is ours again
	topic    time.Duration // for looking back at one topic, once brokers answer
	read     time.Duration // of reading a partition in which others write much, once nothing of ours comes any more
}

var defaultTimes = times{
	retry: 100 * time.Millisecond, patience: time.Minute, probe: 10 * time.Second, renew: 6 * time.Hour,
	reclaim: 30 * time.Second, calm: 2 * time.Minute, topic: time.Minute, read: 20 * time.Second,
}

// Life is one run of an agent, as Kafka knows it. See New.
type Life struct {
	cfg   Config
	times times
	log   *slog.Logger
	admin *kafka.Admin
	txn   *kafka.Transactions
	last  positions.LastLife

	mu     sync.Mutex
	phase  Phase
	why    string // of Contested and Bounded, in words
	delay  error  // why the id was not taken at the last try; nil: not tried, or taken
	id     kafka.Identity
	plain  kafka.Identity           // for a life that has no transactional id, or shares it
	topics map[string]chan struct{} // that are to be looked back at; closed when that is over
	ours   map[int64]bool           // producer ids of the last lives
}

// New returns a Life. It does not connect.
func New(cfg Config) *Life {
	l := &Life{
		cfg: cfg, times: defaultTimes, log: cfg.Log, last: cfg.Registry.LastLife(),
		id: kafka.NoIdentity, plain: kafka.NoIdentity, topics: map[string]chan struct{}{}, ours: map[int64]bool{},
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if cfg.Wake == nil {
		l.cfg.Wake = func() {}
	}
	l.admin = kafka.NewAdmin(cfg.Kafka)
	l.txn = l.admin.Transactions(cfg.ID)
	if cfg.Off != "" {
		l.phase, l.why = Bounded, cfg.Off
		return l
	}
	for id := range l.last.Producers {
		l.ours[id] = true
	}
	for _, c := range l.last.Cursors {
		if l.topics[c.Topic] == nil {
			l.topics[c.Topic] = make(chan struct{})
		}
	}
	return l
}

// ended says whether the last life ended well. The positions may say so although the
// coordinator knows of lives since: then an older copy of them was restored.
func (l *Life) ended(id kafka.Identity) bool {
	known, ok := l.last.Producers[id.ID]
	if !l.last.Clean || len(l.last.Cursors) == 0 || ok && known.Epoch+1 == id.Epoch {
		return l.last.Clean
	}
	l.log.Warn("the positions are older than what this agent has sent: an older copy may have been restored; looking back at what is stored",
		"producer", id.ID, "epoch", id.Epoch, "epoch_of_the_positions", known.Epoch)
	return false
}

// Run takes the transactional id, fences, looks back and keeps the id until ctx ends.
func (l *Life) Run(ctx context.Context) error {
	defer func() { _ = l.admin.Close() }() // its calls have ended with ctx
	if l.cfg.Off != "" {
		l.log.Info("a crash may send the last lines again", "because", l.cfg.Off)
		<-ctx.Done()
		return ctx.Err()
	}
	err := l.begin(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		l.giveUp(err)
		<-ctx.Done()
		return ctx.Err()
	}
	return l.keep(ctx)
}

// begin brings the life to Holding. An error is why it cannot.
func (l *Life) begin(ctx context.Context) error {
	var id kafka.Identity
	err := l.insist(ctx, func(ctx context.Context) (err error) {
		id, err = l.txn.Init(ctx, kafka.NoIdentity)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.delay = err
		return err
	})
	if err != nil {
		return err
	}
	ended := l.ended(id)
	if err := l.cfg.Registry.Begin(id.ID, id.Epoch); err != nil {
		// Shipping goes on with a full disk, and so does this: the id is the one of the last life.
		l.log.Warn("producer id cannot be saved; a crash now may send lines again", "error", err)
	}
	l.log.Info("transactional id taken", "id", l.cfg.ID, "producer", id.ID, "epoch", id.Epoch, "last_end_clean", ended)
	if ended {
		for topic := range l.topics {
			l.over(topic)
		}
	}
	var fenced marks
	if !ended && len(l.topics) > 0 {
		l.set(Fencing, "", kafka.NoIdentity)
		begun := time.Now()
		if fenced, err = l.fence(ctx, id); err != nil {
			return err
		}
		l.log.Info("the last life is fenced", "partitions", len(fenced), "took", time.Since(begun).Round(time.Millisecond))
	}
	l.set(Holding, "", id)
	if !ended && len(l.topics) > 0 {
		l.lookBack(ctx, id, fenced)
	}
	return nil
}

// insist asks until an answer comes that asking again does not change, or until the
// coordinator had no answer for long although brokers do.
func (l *Life) insist(ctx context.Context, ask func(context.Context) error) error {
	var since time.Time
	for {
		err := ask(ctx)
		if err == nil || ctx.Err() != nil || !kafka.TransactionRetry(err) {
			return errors.Join(err, ctx.Err())
		}
		_, down := l.admin.Ping(ctx)
		switch {
		case down != nil:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > l.times.patience:
			return err
		}
		l.log.Debug("transaction coordinator is asked again", "reason", err.Error())
		if !pause(ctx, l.times.retry) {
			return ctx.Err()
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (l *Life) set(phase Phase, why string, id kafka.Identity) {
	l.mu.Lock()
	l.phase, l.why, l.id = phase, why, id
	l.mu.Unlock()
	l.cfg.Wake()
}

// giveUp leaves the life with the bounded promise, and says so once.
func (l *Life) giveUp(err error) {
	why := kafka.Explain(err)
	l.log.Warn("a crash may send the last lines again, because the transactional id cannot be used; shipping goes on",
		"id", l.cfg.ID, "reason", why, "rights", "Write and Describe on the transactional id, Read on the topics",
		"to_stop_asking", "[kafka] transactional_id = (empty)")
	l.set(Bounded, why, kafka.NoIdentity)
	for topic := range l.topics {
		l.over(topic)
	}
}

// over lets the tasks of a topic go on.
func (l *Life) over(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.topics[topic]:
	default:
		close(l.topics[topic])
	}
}

// Await waits until it is known what the last life had stored in the topics, or cannot
// be, or ctx ends. It does not wait where nothing has to be looked for.
func (l *Life) Await(ctx context.Context, topics ...string) error {
	for _, topic := range topics {
		l.mu.Lock()
		done := l.topics[topic]
		l.mu.Unlock()
		if done == nil {
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Settled says whether nothing of the last life is left to be looked for. A life that ends
// before has not made up for a crash: the next one must not take its end for a clean one.
func (l *Life) Settled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, done := range l.topics {
		select {
		case <-done:
		default:
			return false
		}
	}
	return true
}

// State is the phase, with why it is not a better one.
func (l *Life) State() (Phase, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.phase, l.why
}

// Waits says whether a topic is still being looked back at.
func (l *Life) Waits(topic string) bool {
	l.mu.Lock()
	done := l.topics[topic]
	l.mu.Unlock()
	if done == nil {
		return false
	}
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// waiting is why Names has no answer yet. delay is why the last try failed, if it did.
func waiting(phase Phase, delay error) error {
	if phase == Fencing {
		return fmt.Errorf("%w: what the last run of this agent may still have on its way to Kafka is being stopped", ship.ErrWait)
	}
	var announced *kafka.AnnouncedError
	if errors.As(delay, &announced) {
		return fmt.Errorf("%w: %w", ship.ErrWait, announced)
	}
	return fmt.Errorf("%w: the transaction coordinator of Kafka has not answered", ship.ErrWait)
}
