package tail

import (
	"errors"
	"os"
	"slices"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// What becomes of a file whose content is not what it was.

// truncated ends the generation of f and begins the next one of the same file.
func (s *Set) truncated(f *File, st fsys.Stat) {
	s.beginLook()
	defer s.endLook()
	s.lists = map[string]*listing{}
	var now fsys.Stat
	if err := s.sys.StatPath(f.path, &now); err != nil {
		now = fsys.Stat{}
	}
	if !s.renew(f, st, now.ID, true) {
		s.mu.Lock()
		f.again = !fsys.IsUnshared(f.err)
		s.mu.Unlock()
	}
}

// triesMost is how often in a row something is looked at again because names change
// meanwhile. A rotation takes some milliseconds; what lasts longer is another trouble.
const triesMost = 200

func (f *File) tryAgainLocked() bool {
	if f.tries++; f.tries <= triesMost {
		return true
	}
	f.tries = 0
	f.set.log.Warn("rotated files cannot be looked for: their names change all the time, or they cannot be opened", "path", f.path)
	return false
}

// renew is truncated for those who hold scanMu. now is what is at the name of f, which
// may have a rotated name, too, if that of f is a link. held: the caller holds f. It returns
// false when files are being renamed right now, or another holder is to find out: it is to be
// called again.
func (s *Set) renew(f *File, st fsys.Stat, now fsys.Inode, held bool) bool {
	s.mu.Lock()
	done, taken := f.state == fileDone, s.takenLocked(f, held)
	s.mu.Unlock()
	if done || taken {
		return done
	}
	if s.overwritten(f, st, held) {
		return true
	}
	s.mu.Lock()
	if f.unproved { // the size at the last look may be that of what came after
		f.unsee()
	}
	p := &past{name: f.name, mtime: f.bound, size: f.size, state: f.stateLocked(), trail: f.trail.Clone(), trunc: true}
	away := f.away
	s.mu.Unlock()
	var found []candidate
	if !away {
		var err error
		found, err = s.unseen(f.home, p, now)
		if now != st.ID && !errors.Is(err, errTryLater) {
			var changed error
			if found, changed = s.before(found, f, &st); changed != nil {
				err = changed
			}
		}
		if errors.Is(err, errTryLater) {
			s.mu.Lock()
			again := f.waitForUseLocked(err) || f.tryAgainLocked()
			s.mu.Unlock()
			if again {
				return false
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.takenLocked(f, held) {
		s.discardLocked(&arrival{}, found) // they are found again
		return false
	}
	s.renewLocked(f, st, p, found)
	return true
}

// takenLocked tells whether f was given to a reader meanwhile, and wakes that one. held: it
// is the caller.
func (s *Set) takenLocked(f *File, held bool) bool {
	if held || f.state != fileHeld {
		return false
	}
	s.wakeLocked(f)
	return true
}

// renewLocked begins the next generation of the file of f, after those that were
// found to have been between.
func (s *Set) renewLocked(f *File, st fsys.Stat, p *past, found []candidate) {
	sl, away := f.home, f.away
	defer sl.moveLocked()()
	cur, passed, name := sl.cur == f, f.phase != history.Awaited, f.name
	h := f.handle
	if h != nil {
		f.handle, f.hold = nil, hold{}
		s.open--
	}
	older, copies := s.sortOutLocked(found, h, f.born)
	if p.trunc || len(older) > 0 {
		s.log.Info("file was truncated or rewritten; reading it from the start", "path", f.path, "name", f.name,
			"file", f.id.String(), "read", f.pos, "size", f.size, "new_size", st.Size)
	}
	rescued, begun, older := s.copiesOfLocked(f, h, older)
	rescued += s.adoptLocked(sl, p, older)
	place := slices.Index(sl.queue, f)
	again, from := s.rewrittenLocked(f, h, st.Size, len(older)+len(begun) > 0 || rescued > 0), f.pos+rescued
	if again.n > 0 && f.pos == 0 {
		from = f.size // what was written over was not new
	}
	s.finishFromLocked(f, from, "truncated")
	n := s.adoptCopiesLocked(sl, copies, st.Size, func() *File { return s.newLocked(sl, name, &st, h) })
	for _, c := range begun {
		c.copyOf, c.whole = n, min(st.Size, fingerprint.MarkMax)
	}
	n.bound, n.rewrites = p.mtime, again
	n.sawEmpty(time.Unix(0, st.Mtime))
	if away {
		n.away, n.awayAt = true, s.now()
		s.away[n] = struct{}{}
		if place >= 0 { // what is at the name now waits for n as it did for f
			sl.drop(n)
			sl.queue = slices.Insert(sl.queue, place, n)
		}
	}
	if cur {
		sl.cur = n
	}
	if passed {
		n.phase = n.phase.Next(history.Drained)
		sl.drop(n)
	}
	s.unsaved = append(s.unsaved, n.stateLocked())
	s.wakeLocked(n)
	s.unblockLocked(sl)
}

// recheck is called when a read did not bring what was there before.
func (s *Set) recheck(f *File, h *os.File) {
	var st fsys.Stat
	if err := s.sys.StatFile(h, &st); err != nil {
		s.failed(f, err)
		return
	}
	s.mu.Lock()
	f.size, f.mtime = f.proved, f.provedAt // the size at the last look was that of what came after
	s.mu.Unlock()
	s.truncated(f, st)
}
