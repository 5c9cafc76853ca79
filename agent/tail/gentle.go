package tail

import "logctl/agent/tail/internal/fsys"

// Where a file that is only open for reading can stop other programs (Windows), it is held
// no longer than there is something to read: a program that opens it without sharing would
// be refused, and so would one that replaces it, or deletes it and makes it anew. A file is
//
//	held ──read to its end, and quiet for an interval──▶ let go ──it changed──▶ held
//	held ──deleted, and read to its end──▶ let go, at once
//	held, and once found in use without sharing ──read to its end──▶ let go, at once, and
//	                                                       read once in an interval only
//
// A file that was let go is found again by its identity, as one that was closed because
// descriptors were short.

// quietFor returns how many intervals a file that is not at its name is kept open after the
// last change: n, or one where that hinders others.
func (s *Set) quietFor(n int) int {
	if s.sys.Hinders() {
		return 1
	}
	return n
}

// letGoLocked closes the files at their names that were read to their end and are quiet.
func (s *Set) letGoLocked() {
	if !s.sys.Hinders() {
		return
	}
	for f := range s.files {
		if f.restsLocked() && !f.away && s.now().Sub(f.lastUse) >= s.cfg.Interval {
			s.closeLocked(f)
		}
	}
}

// doneLocked is called when the holder of f has given it back: some files are let go then.
func (s *Set) doneLocked(f *File) {
	if s.sys.Hinders() && f.restsLocked() && (f.home.unshared || f.away && f.deleted && f.passed) {
		s.closeLocked(f)
	}
}

// paced tells whether f is looked at by scans only, whatever events tell: its writer opens
// it without sharing, for each line perhaps, and would be refused whenever it is read.
func (s *Set) paced(f *File) bool { return f.home.unshared && s.sys.Hinders() }

// spareWriter closes the file of a program that opens it without sharing as soon as all of
// it was read: what was read may wait for long until it is shipped.
func (f *File) spareWriter() {
	s := f.set
	if !s.sys.Hinders() || f.pos < f.limit {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paced(f) {
		s.closeLocked(f)
	}
}

// restsLocked tells whether f is open and has nothing to be read for.
func (f *File) restsLocked() bool {
	return f.handle != nil && f.state == fileIdle && !f.again && f.size <= f.pos && f.copyOf == nil && f.packed == nil
}

// refusedLocked notes that a file of the log sl could not be opened.
func (sl *slot) refusedLocked(err error) {
	sl.unshared = sl.unshared || fsys.IsUnshared(err)
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
