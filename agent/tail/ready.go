package tail

import (
	"context"

	"logctl/agent/tail/internal/history"
)

// readyFiles are the files that have something to read, first in, first out.
type readyFiles struct {
	ready   []*File
	head    int           // of ready
	scanned bool          // the first scan has ended: none is handed out before
	notify  chan struct{} // something is in ready
}

// push adds a file.
func (q *readyFiles) push(f *File) { q.ready = append(q.ready, f) }

// pop takes the first file; nil: there is none.
func (q *readyFiles) pop() *File {
	if q.head == len(q.ready) {
		return nil
	}
	f := q.ready[q.head]
	q.ready[q.head] = nil
	if q.head++; q.head == len(q.ready) {
		q.ready, q.head = q.ready[:0], 0
	} else if q.head >= 1024 && q.head*2 >= len(q.ready) {
		q.ready = q.ready[:copy(q.ready, q.ready[q.head:])]
		q.head = 0
	}
	return f
}

// more tells whether pop would bring one.
func (q *readyFiles) more() bool { return q.head < len(q.ready) }

// Ready waits for a file that has something to read and gives it to the caller,
// who must Release it. Files come in the order in which they became ready.
func (s *Set) Ready(ctx context.Context) (*File, error) {
	for {
		if f := s.TryReady(); f != nil {
			return f, nil
		}
		select {
		case <-s.notify:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closed:
			return nil, ErrClosed
		}
	}
}

// TryReady is Ready without waiting; nil: nothing is ready.
func (s *Set) TryReady() *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.scanned || s.ended() {
		return nil
	}
	for f := s.pop(); f != nil; f = s.pop() {
		if f.state != fileQueued {
			continue
		}
		if s.blockedLocked(f) { // an older generation was found meanwhile
			f.state, f.again = fileIdle, true
			continue
		}
		f.state, f.again, f.look = fileHeld, false, true
		s.stalls.enter(f)
		if s.more() {
			s.signal()
		}
		return f
	}
	return nil
}

func (s *Set) signal() {
	select {
	case s.notify <- struct{}{}:
	default:
	}
	if s.cfg.OnReady != nil {
		s.cfg.OnReady()
	}
}

// wakeLocked makes f ready, now or as soon as it may be.
func (s *Set) wakeLocked(f *File) {
	switch f.state {
	case fileHeld:
		f.again = true
	case fileIdle:
		if s.blockedLocked(f) {
			f.again = true
			return
		}
		f.state = fileQueued
		s.push(f)
		s.signal()
	}
}

// blockedLocked tells whether f waits for an older generation.
func (s *Set) blockedLocked(f *File) bool {
	if f.copyOf != nil || s.waits[f] != nil || s.toBeLinedUpLocked(f) {
		return true
	}
	if f.phase == history.Passed || len(f.home.queue) == 0 || f.home.queue[0] == f {
		return false
	}
	for _, q := range f.home.queue {
		if q == f {
			return true
		}
	}
	return false
}

// passLocked lets the generations after f go on.
func (s *Set) passLocked(f *File) {
	if f.phase != history.Passed {
		f.phase = f.phase.Next(history.Drained)
		s.dropSpaceLocked(f)
		f.home.drop(f)
		f.home.passedLocked(f)
		s.unblockLocked(f.home)
	}
}

func (s *Set) unblockLocked(sl *slot) {
	if len(sl.queue) > 0 && sl.queue[0].again {
		s.wakeLocked(sl.queue[0])
	}
}
