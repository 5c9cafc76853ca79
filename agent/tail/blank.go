package tail

import (
	"errors"
	"path/filepath"

	"logctl/agent/tail/internal/fsys"
)

// A file that was empty when it was looked at, and has content at the next look, need
// not have its first content: it may have been filled, copied and truncated between
// the two. Nothing in the file tells, but its copy, made since, with other content.

// emptyLocked tells whether f is at its name and was empty when last looked at.
func (f *File) emptyLocked() bool {
	return f.head.Len == 0 && f.pos == 0 && f.size == 0 && f.space.size == 0 && !f.away && f.copyOf == nil
}

// blankLocked tells whether f is empty and can be looked at.
func (f *File) blankLocked() bool {
	return f.emptyLocked() && f.handle != nil
}

// blankLook is what a look at a file that was blank tells.
type blankLook int

const (
	blankFirst blankLook = iota // what is in it, if anything, is its first content
	blankAgain                  // it changes right now: only another look can tell
	blankNext                   // it had other content before; that generation has ended
)

// refilled is wasFilled for a look at a name, which is done with when it returns true;
// scanMu is held.
func (s *Set) refilled(sl *slot, st *fsys.Stat, err error) bool {
	s.mu.Lock()
	f := sl.cur
	ok := err == nil && f != nil && f.home == sl && f.inode() == st.ID && f.blankLocked() &&
		(f.state == fileIdle || f.state == fileQueued)
	s.mu.Unlock()
	if !ok {
		return false
	}
	look := s.cameAndWent(f, *st, st.ID, false)
	if look == blankAgain {
		s.later([]*slot{sl})
	}
	return look != blankFirst
}

// wasFilled is cameAndWent for the holder of f.
func (s *Set) wasFilled(f *File, st fsys.Stat) blankLook {
	s.beginLook()
	defer s.endLook()
	var now fsys.Stat // zero: nothing is there
	if err := s.sys.StatPath(f.path, &now); err != nil && !fsys.IsGone(err) {
		return blankFirst
	}
	s.lists = map[string]*listing{}
	return s.cameAndWent(f, st, now.ID, true)
}

// cameAndWent looks for copies of what was in f between the last look, when it was
// empty, and now, when it is as st says. If there are any, they become generations
// before what is in f now. now is what is at the name of f: if that is another file, f
// was moved away after it was filled again. held: the caller holds f.
func (s *Set) cameAndWent(f *File, st fsys.Stat, now fsys.Inode, held bool) blankLook {
	look := s.newCopies(f, st, now, held)
	s.mu.Lock()
	defer s.mu.Unlock()
	if look == blankFirst && f.blankLocked() && s.strayCopiesLocked(f, false) && held {
		return blankAgain // they come first
	}
	return look
}

// newCopies is cameAndWent for copies that are not known.
func (s *Set) newCopies(f *File, st fsys.Stat, now fsys.Inode, held bool) blankLook {
	s.mu.Lock()
	ok := f.blankLocked() && f.state != fileDone && (st.Mtime != f.mtime || f.isRecent())
	h, clock := f.handle, s.now()
	p := &past{name: f.name, mtime: f.bound, born: f.emptyAt.Add(-clockGrain).UnixNano()}
	s.mu.Unlock()
	var dir fsys.Stat
	if !ok || st.Links == 0 { // without a name, nothing says that it was filled again after what is found
		return blankFirst
	}
	if s.sys.StatPath(filepath.Dir(f.path), &dir) != nil || dir.Mtime < p.mtime {
		return blankFirst // nothing was made there since
	}
	found, err := s.unseen(f.home, p, now)
	if now != st.ID {
		var changed error
		if found, changed = s.before(found, f, &st); changed != nil {
			err = changed
		}
	}
	var after fsys.Stat
	failed := s.sys.StatFile(h, &after)
	ok = failed == nil && after.Size >= st.Size && (st.Size > 0 || after.Mtime == st.Mtime)
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed != nil && f.handle == h && held == (f.state == fileHeld) {
		s.deadLocked(f, failed) // it is opened again when it is read
	}
	if !ok || errors.Is(err, errTryLater) || !f.blankLocked() || held != (f.state == fileHeld) {
		s.discardLocked(&arrival{}, found)
		if f.dead || !f.waitForUseLocked(err) && !f.tryAgainLocked() {
			return blankFirst
		}
		return blankAgain
	}
	f.tries = 0
	if len(found) == 0 {
		f.emptyAt = clock
		return blankFirst
	}
	s.renewLocked(f, st, p, found) // of copies that are still being made it is known when they are
	return blankNext
}
