package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// Admin asks the cluster about itself and creates topics. It connects when
// first used, and again when a connection was lost. The zero value is not
// usable; see NewAdmin. Its methods may be called concurrently.
type Admin struct {
	cfg Config

	mu      sync.Mutex
	sarama  *sarama.Config
	brokers map[int32]string     // addresses learned from metadata
	idle    map[string]*Conn     // open connections nobody uses, by address
	failed  map[string]time.Time // when an address last failed
	closed  bool
}

// attemptTimeout bounds one call to one broker.
const attemptTimeout = 5 * time.Second

// errNoAnswer is the cause of a call that attemptTimeout ended.
var errNoAnswer = fmt.Errorf("no answer within %v", attemptTimeout)

// errAdminClosed is returned by calls after Close.
var errAdminClosed = errors.New("kafka admin is closed")

// NewAdmin returns an Admin for the cluster. It does not connect yet, so
// settings that are wrong show in the first call.
func NewAdmin(cfg Config) *Admin {
	return &Admin{cfg: cfg, brokers: map[int32]string{}, idle: map[string]*Conn{}, failed: map[string]time.Time{}}
}

// Close ends the idle connections. Calls in progress end on their own and
// close theirs.
func (a *Admin) Close() error {
	a.mu.Lock()
	idle := a.idle
	a.idle, a.closed = nil, true
	a.mu.Unlock()
	var errs []error
	for _, c := range idle {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Ping asks a broker for what it can do and returns how long the answer took,
// not counting the time to connect.
func (a *Admin) Ping(ctx context.Context) (time.Duration, error) {
	var took time.Duration
	err := a.Do(ctx, func(b *sarama.Broker) error {
		begin := time.Now()
		_, err := b.ApiVersions(&sarama.ApiVersionsRequest{})
		took = time.Since(begin)
		return err
	})
	return took, err
}

// Do runs call on a broker, and on the next one when that broker cannot be
// talked to. It returns the last error when none could. An answer of Kafka's
// is the caller's to judge.
func (a *Admin) Do(ctx context.Context, call func(*sarama.Broker) error) error {
	addresses, err := a.addresses()
	if err != nil {
		return err
	}
	for _, address := range addresses {
		err = a.attempt(ctx, address, call)
		if err == nil || answered(err) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// attempt is at with a time limit, so that a broker that hangs leaves time for
// the others.
func (a *Admin) attempt(ctx context.Context, address string, call func(*sarama.Broker) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, attemptTimeout, &BrokerError{Address: address, Err: errNoAnswer})
	defer cancel()
	err := a.at(limited, address, call)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil || answered(err) {
		delete(a.failed, address)
	} else {
		a.failed[address] = time.Now()
	}
	return err
}

// at runs call on the broker at an address. A connection that was idle may
// have died meanwhile, so a failure on one is tried again on a new one.
func (a *Admin) at(ctx context.Context, address string, call func(*sarama.Broker) error) error {
	conn, reused, err := a.borrow(ctx, address)
	if err != nil {
		return err
	}
	err = conn.Do(ctx, call)
	if err == nil || answered(err) {
		return errors.Join(err, a.giveBack(conn))
	}
	_ = conn.Close() // the call's error says more
	if reused && ctx.Err() == nil {
		if conn, err = a.dial(ctx, address); err != nil {
			return err
		}
		err = conn.Do(ctx, call)
		if err == nil || answered(err) {
			return errors.Join(err, a.giveBack(conn))
		}
		_ = conn.Close()
	}
	return err
}

// answered says whether an error is an answer of the broker, so that the
// connection is sound and another broker would say the same.
func answered(err error) bool {
	var k sarama.KError
	return errors.As(err, &k) && k != sarama.ErrNetworkException
}

// addresses are the brokers to try: those with an open connection first, then
// those we were configured with, then those the cluster told us of; what failed
// comes last, the longest ago first.
func (a *Admin) addresses() ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, errAdminClosed
	}
	var out []string
	add := func(address string) {
		if !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	for address := range a.idle {
		add(address)
	}
	for _, address := range a.cfg.seeds() {
		add(address)
	}
	for _, address := range a.brokers {
		add(address)
	}
	if len(out) == 0 {
		_, err := a.cfg.Sarama()
		return nil, err
	}
	slices.SortStableFunc(out, func(x, y string) int { return a.failed[x].Compare(a.failed[y]) })
	return out, nil
}

// borrow takes an idle connection or dials.
func (a *Admin) borrow(ctx context.Context, address string) (conn *Conn, reused bool, err error) {
	a.mu.Lock()
	conn = a.idle[address]
	delete(a.idle, address)
	a.mu.Unlock()
	if conn != nil {
		return conn, true, nil
	}
	conn, err = a.dial(ctx, address)
	return conn, false, err
}

func (a *Admin) dial(ctx context.Context, address string) (*Conn, error) {
	a.mu.Lock()
	if a.sarama == nil {
		s, err := a.cfg.Sarama()
		if err != nil {
			a.mu.Unlock()
			return nil, err
		}
		a.sarama = s
	}
	s := a.sarama
	a.mu.Unlock()
	return Dial(ctx, s, address)
}

// giveBack keeps one idle connection per address and closes the others.
func (a *Admin) giveBack(conn *Conn) error {
	a.mu.Lock()
	if !a.closed && a.idle[conn.Addr()] == nil {
		a.idle[conn.Addr()] = conn
		conn = nil
	}
	a.mu.Unlock()
	if conn != nil {
		return conn.Close()
	}
	return nil
}
