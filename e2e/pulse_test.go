package e2e

import (
	"sync"
	"testing"
	"time"
)

// pulse tells how late this machine lets a process run that is ready: a timer of 5 ms,
// and by how much it was late at most. What is allowed to take a moment is allowed that
// on top, measured in the same minutes.
type pulse struct {
	mu   sync.Mutex
	late time.Duration
}

// newPulse measures until the test ends.
func newPulse(t *testing.T) *pulse {
	p, end, ended := &pulse{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		const each = 5 * time.Millisecond
		timer := time.NewTimer(each)
		defer timer.Stop()
		for began := time.Now(); ; began = time.Now() {
			select {
			case <-timer.C:
			case <-end:
				return
			}
			p.mu.Lock()
			p.late = max(p.late, time.Since(began)-each)
			p.mu.Unlock()
			timer.Reset(each)
		}
	}()
	t.Cleanup(func() { close(end); <-ended })
	return p
}

// latest is by how much the timer was late at most, so far.
func (p *pulse) latest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late
}
