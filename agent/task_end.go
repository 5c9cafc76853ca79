package agent

import (
	"cmp"
	"context"
	"time"

	"logctl/agent/tail"
)

// What is still owed when a task ends, and who waits for it.

// settle waits, once the readers have ended, until what was read is acknowledged.
// For a successor with the same topic it waits as long as it takes, for that one
// could not ship either. For one with another topic there is a limit, since the
// old topic may be missing for good; after it, what is not acknowledged is for the
// successor to send.
func (t *task) settle(ctx context.Context, sameTopic bool) {
	var limit <-chan time.Time
	if !sameTopic {
		timer := time.NewTimer(t.shared.times.settle)
		defer timer.Stop()
		limit = timer.C
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for t.unacked() {
		select {
		case <-tick.C:
			continue
		case <-limit:
			t.log.Warn("lines of a stopped task are not acknowledged; they go to the new topic too", "waited", t.shared.times.settle)
		case <-ctx.Done():
			return // the successor was stopped too, and takes nothing over
		}
		break
	}
}

// detach ends the task's say over its positions: they are a successor's from now on.
func (t *task) detach() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.detached = true
}

// unacked tells whether something is on its way.
func (t *task) unacked() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unackedLocked()
}

// owes tells whether something is on its way that moves the task's positions.
func (t *task) owes() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.detached && t.unackedLocked()
}

func (t *task) unackedLocked() bool {
	for _, s := range t.streams {
		if _, ok := s.window.oldest(); ok {
			return true
		}
	}
	return false
}

// hasEnded says whether run has returned.
func (t *task) hasEnded() bool {
	select {
	case <-t.ended:
		return true
	default:
		return false
	}
}

// hang returns why the task does not go on: a file system does not answer; nil: none is
// known that does not.
func (t *task) hang() *tail.HangError {
	t.mu.Lock()
	set := cmp.Or(t.set, t.first)
	t.mu.Unlock()
	if set == nil {
		return nil
	}
	return set.Late()
}

// over says whether the task has ended and nothing of it is on its way.
func (t *task) over() bool {
	select {
	case <-t.ended:
		return !t.unacked()
	default:
		return false
	}
}
