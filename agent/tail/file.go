package tail

import (
	"bytes"
	"io"
	"os"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// What a File is doing.
type fileState int

const (
	fileIdle   fileState = iota // nothing to read, or waiting for an older generation
	fileQueued                  // waits in Set.ready
	fileHeld                    // a caller of Ready has it
	fileDone                    // finished for good
)

// File is one generation of a followed file. Next is for the one caller that got
// the File from Set.Ready and has not released it; the other methods are for
// anyone.
type File struct {
	set    *Set
	id     FileID
	origin FileID // of what it goes on for as a copy; zero: it is none
	path   string // watched name
	pulse  pulse  // where Next is; for anyone

	// Guarded by set.mu.
	place
	opening
	order
	sight
	content
	copying
	rewrites rewrites

	reading // the holder's
}

// ID returns the identity of the generation.
func (f *File) ID() FileID { return f.id }

// Origin returns the identity under which the bytes of the file were first read: that of
// the original where the file is a copy that goes on for it, else ID.
func (f *File) Origin() FileID {
	f.set.mu.RLock()
	defer f.set.mu.RUnlock()
	if f.origin != (FileID{}) {
		return f.origin
	}
	return f.id
}

// Path returns the watched name; it does not change when the file is renamed.
func (f *File) Path() string { return f.path }

// Done tells whether the generation is finished for good: truncated, or deleted
// and read to its end. Its State need not be kept once what was handed out is
// acknowledged.
func (f *File) Done() bool {
	f.set.mu.RLock()
	defer f.set.mu.RUnlock()
	return f.state == fileDone
}

// Pending tells whether there may be more to read at once: the file is being read, or
// waits for its turn.
func (f *File) Pending() bool {
	f.set.mu.RLock()
	defer f.set.mu.RUnlock()
	return f.state == fileHeld || f.state == fileQueued || f.state == fileIdle && f.again
}

// State returns the state at the position up to which lines were handed out.
func (f *File) State() State {
	f.set.mu.RLock()
	defer f.set.mu.RUnlock()
	return f.stateLocked()
}

func (f *File) stateLocked() State {
	var copyOf FileID
	if f.copyOf != nil && f.sought {
		copyOf = f.copyOf.id
	}
	size := f.size
	if f.packed != nil && !f.sized {
		size = f.pos // how much more there is, nobody knows yet
	}
	return State{ID: f.id, Origin: f.origin, Path: f.path, Pos: f.pos, Part: f.part, Skipped: f.skipped,
		HeadLen: f.head.Len, HeadHash: f.head.Hash,
		MarkLen: f.markLen, MarkHash: fingerprint.Sum(fingerprint.Empty, f.mark[:f.markLen]),
		Size: size, ModTime: time.Unix(0, f.bound), Seen: f.set.now(), Rotated: f.away, CopyOf: copyOf}
}

// Limit sets how many bytes Next reads at once, at most and at least as many as the
// next line has; 0: Config.ChunkSize. It is for the holder and holds until it is set
// again.
func (f *File) Limit(n int) { f.most = n }

// Next returns the next whole lines. The error is io.EOF when there is nothing
// whole to read now; other errors do not happen: what keeps a file from being
// read is in Info, and it is tried again.
func (f *File) Next() (*Chunk, error) {
	f.pulse.begin(&f.path, f.set.now())
	defer f.pulse.end()
	for {
		if f.packed != nil {
			return f.nextPacked()
		}
		if f.look && !f.lookAgain() {
			f.atEnd = true
			return nil, io.EOF
		}
		if f.atEnd {
			return nil, io.EOF
		}
		if f.pos >= f.limit {
			f.end(false)
			return nil, io.EOF
		}
		c, more := f.read()
		if c != nil {
			f.spareWriter()
			return c, nil
		}
		if !more {
			return nil, io.EOF
		}
	}
}

// lookAgain opens the file if need be, takes its size and notices truncation. It
// returns false when there is nothing to read.
func (f *File) lookAgain() bool {
	s := f.set
	f.look, f.atEnd = false, false
	s.mu.Lock()
	f.sawAway, f.final = f.away, f.flush
	f.flush, f.unseen = false, false
	done, checkup, size, space := f.state == fileDone, f.checkup, f.size, f.space
	empty := f.emptyLocked()
	s.mu.Unlock()
	if done || s.waitsCalm(f) {
		return false
	}
	h := s.handleOf(f)
	if h == nil {
		return false
	}
	now := s.now()
	var st fsys.Stat
	if err := s.sys.StatFollowed(h, &f.quick, &st); err != nil {
		s.failed(f, err)
		return false
	}
	if space.size > 0 {
		space = f.writtenAll(h, &st, size, space, now)
	}
	seen := st.Size
	changed := st.Mtime != f.readMtime || st.Size != size || checkup
	idle := now.Sub(f.headAt) >= s.cfg.Interval/10
	check := changed && (checkup || idle || st.Size == f.pos || st.Size < size)
	if st.Size < f.pos || check && !f.verify(h) {
		s.truncated(f, st)
		return false
	}
	if f.pos == 0 && !s.isFirst(f, st, empty) {
		return false
	}
	if changed {
		f.headAt = now
	}
	f.readMtime = st.Mtime
	s.mu.Lock()
	defer s.mu.Unlock()
	f.checkup, f.readBound = false, f.bound
	f.err = nil
	f.space = space
	f.final = f.final || f.away && now.Sub(f.quietSince()) >= flushAfter*s.cfg.Interval && st.Size == f.size
	f.provedBy(&st, check, changed)
	f.failedAt = time.Time{}
	if f.size > size && st.Size < f.size {
		st.Size, st.Mtime = f.size, f.mtime // a scan has looked since
	}
	s.sawLocked(f, &st, now)
	f.lastUse = now
	s.heldLocked(f, seen)
	if f.laterLocked(st.Size) {
		f.again = true
		f.proveLocked()
		return false
	}
	yielded := f.yielded
	f.limit = f.untilLocked(st.Size)
	if yielded || !s.yieldLocked(f, st.Size) {
		return true
	}
	f.proveLocked()
	return false
}

// isFirst tells whether what is in f now, of which nothing was read, may be read: it is no
// copy of another file, and there was nothing else in f since it was seen empty.
func (s *Set) isFirst(f *File, st fsys.Stat, empty bool) bool {
	if s.suspect(f, st.Size) {
		return false
	}
	if !empty {
		return true
	}
	look := s.wasFilled(f, st)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.again = f.again || look == blankAgain && !fsys.IsUnshared(f.err)
	return look == blankFirst
}

// suspect lets f, which has size bytes and nothing of which was read, wait if it seems to
// be a copy of another file: one that was seen while it was made had no content then.
func (s *Set) suspect(f *File, size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.unsure || f.copyOf != nil || size < fingerprint.HeadMax || len(s.files) < 2 {
		return false
	}
	wasSize, was := f.size, f.head
	if was.Len < fingerprint.HeadMax {
		f.size = size
		s.headLocked(f, s.firstLocked(f.handle, size))
	}
	o := s.contentOriginalLocked(f)
	f.unsure = true
	if o == nil { // whether this is its first content is asked next, of what it was at the last look
		f.size = wasSize
		s.headLocked(f, was)
		return false
	}
	f.byContent, f.again = true, true
	s.suspectLocked(f, o)
	if f.away {
		f.home.drop(f)
		s.unblockLocked(f.home)
	}
	return true
}

// proveLocked verifies the content that has the size of the last look, as no read follows
// that would prove it. Of a file nothing was read of, nothing tells.
func (f *File) proveLocked() {
	if f.unproved && !f.blankLocked() && f.provenLocked() {
		f.prove()
	}
}

// laterLocked tells whether f, which has size bytes now, is to be looked at once more: it
// was truncated a moment ago, with what had that size; or older ones are to be read first
// that were found, or turned out to be no copies of it, since it was ready.
func (f *File) laterLocked(size int64) bool {
	s := f.set
	return size > 0 && f.blankLocked() ||
		size > f.pos && (s.strayCopiesLocked(f, true) || s.blockedLocked(f))
}

// quietSince returns when something last happened to a file that was moved away.
func (f *File) quietSince() time.Time {
	if f.grew.After(f.awayAt) {
		return f.grew
	}
	return f.awayAt
}

// verify compares the head of the file and what is before the position with what
// was there. A read error verifies nothing and shows at the next read.
func (f *File) verify(h *os.File) bool {
	var b [fingerprint.HeadMax]byte
	if f.markLen > 0 {
		n, err := fsys.ReadAt(h, b[:f.markLen], f.pos-int64(f.markLen))
		if err == nil && !bytes.Equal(b[:n], f.mark[:f.markLen]) {
			return false
		}
	}
	if f.head.Len > 0 && f.head.Len > f.markLen {
		n, err := fsys.ReadAt(h, b[:f.head.Len], 0)
		if err == nil && (n < f.head.Len || fingerprint.Sum(fingerprint.Empty, b[:n]) != f.head.Hash) {
			return false
		}
	}
	return true
}

// end is called when everything whole was read.
func (f *File) end(partial bool) {
	f.atEnd = true
	s := f.set
	s.mu.Lock()
	defer s.mu.Unlock()
	f.partial, f.partialAt = partial, f.limit
	if f.sawAway && f.away && (!partial || f.phase == history.Late) && !f.capped && !f.unseen {
		s.passLocked(f)
	}
}

// Release gives the file back to its Set.
func (f *File) Release() {
	s := f.set
	defer s.stalls.leave(f)
	if s.sys.Hinders() {
		f.grewMeanwhile()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.state {
	case fileDone:
		s.closeLocked(f)
	case fileHeld:
		f.state = fileIdle
		again := f.again
		if again || !f.atEnd {
			f.again = false
			s.wakeLocked(f)
		}
		s.releasedLocked(f, again)
		s.doneLocked(f)
	}
}

// Info describes the file.
func (f *File) Info() FileInfo {
	f.set.mu.RLock()
	defer f.set.mu.RUnlock()
	return f.infoLocked()
}

func (f *File) infoLocked() FileInfo {
	i := FileInfo{ID: f.id, Path: f.path, Name: f.name, Size: f.size, Read: f.pos, Skipped: f.skipped, Err: f.err, Rotated: f.away}
	switch {
	case f.err != nil:
		i.State = words(f.err)
	case f.state == fileHeld:
		i.State = "reading"
	case f.state == fileQueued:
		i.State = "queued"
	case f.again && f.set.blockedLocked(f):
		i.State = "waiting for older file"
	case f.deleted:
		i.State = "deleted"
	case f.away:
		i.State = "rotated"
	default:
		i.State = "idle"
	}
	return i
}
