package etcdcfg

import (
	"context"
	"sync"
	"time"
)

// mailbox hands the latest of a stream of values to a callback. Whoever posts
// never waits; values that came while the callback was busy, or within the
// interval after it, are replaced by later ones. The state of the connection goes
// the same way: it is told once when it changes.
type mailbox[T any] struct {
	interval time.Duration
	wake     chan struct{} // capacity 1

	mu       sync.Mutex
	value    T
	fresh    bool // value was not handed over yet
	err      error
	known    bool // a state was posted
	told     error
	toldOnce bool
}

func newMailbox[T any](interval time.Duration) *mailbox[T] {
	return &mailbox[T]{interval: interval, wake: make(chan struct{}, 1)}
}

func (m *mailbox[T]) post(v T) {
	m.mu.Lock()
	m.value, m.fresh = v, true
	m.mu.Unlock()
	m.ring()
}

// postState keeps the first reason of an outage, until it turns from "cannot be
// reached" to "refuses" or back.
func (m *mailbox[T]) postState(err error) {
	m.mu.Lock()
	if !m.known || (err == nil) != (m.err == nil) || isDenied(err) != isDenied(m.err) {
		m.err, m.known = err, true
	}
	m.mu.Unlock()
	m.ring()
}

func (m *mailbox[T]) ring() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take returns what is to be told now.
func (m *mailbox[T]) take() (v T, fresh bool, err error, changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, fresh, err = m.value, m.fresh, m.err
	changed = m.known && (!m.toldOnce || m.told != m.err) //nolint:errorlint // the very same value
	if changed {
		m.told, m.toldOnce = m.err, true
	}
	m.fresh = false
	return v, fresh, err, changed
}

// deliver calls back until ctx ends: first a change of state, then the value.
func (m *mailbox[T]) deliver(ctx context.Context, onValue func(T), onState func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
		v, fresh, err, changed := m.take()
		if changed && onState != nil {
			onState(err)
		}
		if !fresh {
			continue
		}
		onValue(v)
		if !pause(ctx, m.interval) {
			return
		}
	}
}
