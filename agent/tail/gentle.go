package tail

import (
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// Where a file that is only open for reading can stop other programs (Windows), it is held
// no longer than there is something to read: a program that opens it without sharing would
// be refused, and so would one that replaces it, or deletes it and makes it anew. A file is
//
//	     ┌───────────────── it changed, or is to be read ◀────────────────┐
//	     ▼                                                                │
//	   held ──read to its end, and quiet for an interval──────────────▶ let go
//	     │                                                                ▲
//	     ├──deleted, and read to its end──────────────────────────────────┤
//	     └──its log is wary, or in use without sharing: read to its end───┘
//
// A file that grows while it is held has a writer that is not hindered by that: nobody can
// open it without sharing meanwhile. Of any other file nothing is known. One that did not
// grow for as long as it was held, and did as soon as it was let go, may have a writer that
// was waiting: its log is wary (slot.wary) until a file of it is seen to grow while held.
// A log that was found in use without sharing (slot.unshared) is read once in an interval
// only. A file that was let go is found again by its identity, as one that was closed
// because descriptors were short.

// hold is what is known of a file since it was opened.
type hold struct {
	size   int64 // at the first look, plus one; 0: no look yet
	shared bool  // it grew since
}

// lookedLocked takes the size of the open file f.
func (h *hold) lookedLocked(size int64) {
	if h.size == 0 {
		h.size = size + 1
	}
	h.shared = h.shared || size >= h.size
}

// quietFor returns how many intervals a file that is not at its name is kept open after the
// last change: n, or one where that hinders others.
func (s *Set) quietFor(n int) int {
	if s.sys.Hinders() {
		return 1
	}
	return n
}

// letGoLocked closes the files at their names that were read to their end and are quiet, and
// of those that a program may wait for also what cannot be read now.
func (s *Set) letGoLocked() {
	if !s.sys.Hinders() {
		return
	}
	for f := range s.files {
		if !f.away && (f.restsLocked() || f.waitsLocked() && s.paced(f)) && s.now().Sub(f.lastUse) >= s.cfg.Interval {
			if !f.hold.shared {
				f.letGo = s.now()
			}
			s.closeLocked(f)
		}
	}
}

// heldLocked is called when f, which may have been let go before, has so many bytes.
func (s *Set) heldLocked(f *File, size int64) {
	if size > f.pos {
		if f.hold.size == 0 && !f.letGo.IsZero() && s.now().Sub(f.letGo) <= s.cfg.Interval {
			f.home.wary = true
		}
		f.letGo = time.Time{}
	}
	f.hold.lookedLocked(size)
}

// sparesLocked tells whether f is let go as soon as it was read: by what is known of its
// log, a program may wait for it.
func (s *Set) sparesLocked(f *File) bool {
	return s.paced(f) || s.sys.Hinders() && f.home.wary && !f.hold.shared && !f.away
}

// doneLocked is called when the holder of f has given it back: some files are let go then.
func (s *Set) doneLocked(f *File) {
	if !s.sys.Hinders() || !f.restsLocked() {
		return
	}
	if s.sparesLocked(f) || f.away && f.deleted && f.phase == history.Passed {
		s.closeLocked(f)
	}
}

// paced tells whether f is looked at by scans only, whatever events tell: its writer opens
// it without sharing, for each line perhaps, and would be refused whenever it is read.
func (s *Set) paced(f *File) bool { return f.home.unshared && s.sys.Hinders() }

// spareWriter closes the file of a program that may wait for it as soon as all of it was
// read: what was read may wait for long until it is shipped. One that is known not to share
// gets its file after each chunk.
func (f *File) spareWriter() {
	s := f.set
	if !s.sys.Hinders() || f.grewMeanwhile() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.pos >= f.limit && s.sparesLocked(f):
		s.closeLocked(f)
	case s.paced(f):
		s.closeLocked(f)
		f.look = true
	}
}

// grewMeanwhile looks at the file once more before it is let go, and tells whether its
// writer went on while it was held. It is for the holder.
func (f *File) grewMeanwhile() bool {
	s := f.set
	s.mu.Lock()
	h, look := f.handle, !f.hold.shared && f.hold.size > 0 && f.packed == nil
	s.mu.Unlock()
	var st fsys.Stat
	if h == nil || !look || s.sys.StatFile(h, &st) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.hold.lookedLocked(st.Size); !f.hold.shared {
		return false
	}
	f.home.unshared, f.home.wary, f.again = false, false, true
	return true
}

// restsLocked tells whether f is open and has nothing to be read for. The beginning of a
// line at its end is read, but that of a rotated file waits to be sent as it is.
func (f *File) restsLocked() bool {
	return f.handle != nil && f.state == fileIdle && !f.again && f.copyOf == nil && f.packed == nil &&
		(f.size <= f.pos || !f.away && f.partial && f.size <= f.partialAt)
}

// waitsLocked tells whether f is open although it cannot be read now: older generations
// come first, or what was read before is not shipped yet.
func (f *File) waitsLocked() bool {
	return f.handle != nil && f.copyOf == nil && f.packed == nil && f.head.Len > 0 &&
		(f.state == fileQueued || f.state == fileIdle && f.again)
}

// refusedLocked notes that a file of the log sl could not be opened.
func (u *usage) refusedLocked(err error) {
	u.unshared = u.unshared || fsys.IsUnshared(err)
}

// waitForUse says of the log sl that an old generation of it, which is to be read first,
// is in use by another program without sharing, if err says so.
func (s *Set) waitForUse(sl *slot, err error) {
	if !fsys.IsUnshared(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.err = err
}

// waitForUseLocked tells whether err says that another program has a file without sharing
// which may be a copy of f, and is to be looked at first. A scan tries again.
func (f *File) waitForUseLocked(err error) bool {
	if !fsys.IsUnshared(err) {
		return false
	}
	if f.err == nil {
		f.failedAt = f.set.now()
	}
	f.err = err
	return true
}

// passingLocked tells whether f cannot be read because another program has it for itself,
// and that only for a moment: such programs write a line and close the file.
func (s *Set) passingLocked(f *File) bool {
	return f.err != nil && fsys.IsUnshared(f.err) && s.now().Sub(f.failedAt) < skipAfter*s.cfg.Interval
}

// IsInUse tells whether an error of a file, as in Status, says that another program has it
// open without sharing. It is read when that program closes it.
func IsInUse(err error) bool { return fsys.IsUnshared(err) }
