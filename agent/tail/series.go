package tail

import (
	"path/filepath"

	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/rotation"
)

// Under a glob, a program that never renames its files (app.1.log, then app.2.log) has no
// log by name: nothing proves that the next number is not another worker's. Each file keeps
// a path of its own. But of two neighbours of which one was finished before the other
// was created, the older one is read first, once, to its end, and delivered (see After):
// then lines come in the order in which they were written, and two workers that do not
// overlap lose nothing by it.

// waitsMost bounds how far a chain of files that wait for one another is followed.
const waitsMost = 64

// lineUpLocked lets f wait for the neighbour that was finished before it, and those
// wait for f that were created after it was finished.
func (s *Set) lineUpLocked(sl *slot, f *File) {
	if s.walker.Literal || !f.canWaitLocked() {
		return
	}
	dir, name := split(sl.path)
	for _, n := range rotation.Neighbours(name) {
		other := s.slotAtLocked(filepath.Join(dir, n))
		if other == nil || other.cur == nil || other.cur == f || other.cur.home == f.home || !other.cur.canWaitLocked() {
			continue
		}
		o := other.cur
		switch {
		case f.unreadLocked() && history.Precedes(o.span(), f.span()):
			s.waitForLocked(f, o)
		case o.unreadLocked() && history.Precedes(f.span(), o.span()):
			s.waitForLocked(o, f)
		}
	}
}

// After returns the identity of the file of another path that was read to its end before
// this one was handed out, because it was written before: the zero FileID if there is
// none. Where the order over paths is to hold, what it held is delivered first.
func (f *File) After() FileID {
	f.set.mu.RLock()
	defer f.set.mu.RUnlock()
	return f.after
}

// canWaitLocked tells whether f may wait, or be waited for. One that looks like a copy may
// be: an empty file does until its first line, and one that is none soon turns out to be.
func (f *File) canWaitLocked() bool {
	return f.packed == nil && f.err == nil && !f.away && f.state != fileDone
}

// unreadLocked tells whether nothing of f was read, and nobody is about to.
func (f *File) unreadLocked() bool { return f.pos == 0 && f.state != fileHeld }

// waitForLocked lets f wait until o was read to its end. Of two that f could wait for, the
// younger one counts: that one waits for the other.
func (s *Set) waitForLocked(f, o *File) {
	if before := s.waits[f]; before != nil && before.born > o.born || s.waitsForLocked(o, f) {
		return
	}
	s.waits[f], f.after = o, o.id
	s.wakeLocked(o) // what was written to it last may not have been seen
}

// waitsForLocked tells whether o waits for f, in a series or in the queue of its log.
func (s *Set) waitsForLocked(o, f *File) bool {
	for range waitsMost {
		if o == f {
			return true
		}
		next := s.waits[o]
		if next == nil && o.phase != history.Passed && len(o.home.queue) > 0 && o.home.queue[0] != o {
			next = o.home.queue[0]
		}
		if next == nil {
			return false
		}
		o = next
	}
	return false
}

// releasedLocked ends the waiting for o, which its reader gave back: it was read to its
// end, or cannot be read. again: it was woken meanwhile, and what was written to it last
// may not have been seen, unless it is written to for longer than one that was finished.
func (s *Set) releasedLocked(o *File, again bool) {
	if len(s.waits) == 0 || !o.atEnd || s.blockedLocked(o) {
		return
	}
	s.endWaitsLocked(o, func(f *File) bool { return !again || !history.Precedes(o.span(), f.span()) })
}

// endWaitLocked ends the waiting for o.
func (s *Set) endWaitLocked(o *File) { s.endWaitsLocked(o, func(*File) bool { return true }) }

func (s *Set) endWaitsLocked(o *File, of func(f *File) bool) {
	for f, before := range s.waits {
		if before == o && of(f) {
			delete(s.waits, f)
			if f.again {
				s.wakeLocked(f)
			}
		}
	}
}

// checkWaitsLocked ends the waiting of files that wait for one another, and of those whose
// file before cannot be read.
func (s *Set) checkWaitsLocked() {
	for f, o := range s.waits {
		if !o.canWaitLocked() && (o.state == fileIdle || o.state == fileDone) || s.waitsForLocked(o, f) {
			s.endWaitLocked(o)
		}
	}
}
