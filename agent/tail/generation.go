package tail

import (
	"cmp"
	"os"
	"slices"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/packed"
)

// newLocked begins to follow a generation whose first byte is not read yet.
func (s *Set) newLocked(sl *slot, name string, st *fsys.Stat, h *os.File) *File {
	s.lastGen = max(s.lastGen+1, uint64(s.now().UnixNano()))
	f := &File{set: s, id: FileID{st.ID.Dev, st.ID.Ino, s.lastGen}}
	s.addLocked(f, sl, name, st, h)
	return f
}

func (s *Set) addLocked(f *File, sl *slot, name string, st *fsys.Stat, h *os.File) {
	now := s.now()
	f.path, f.home, f.name = sl.path, sl, name
	f.grew, f.lastUse = now, now
	f.size, f.mtime, f.bound = st.Size, st.Mtime, st.Mtime
	f.fresh = f.isFresh(now)
	f.emptyAt, f.deleted = now, h != nil && st.Links == 0
	if f.head.Len == 0 {
		f.head.Hash = fingerprint.Empty
	}
	if h != nil {
		f.handle, f.born = h, s.birthLocked(h)
		f.space.ahead = s.endsInSpaceLocked(h, st.Size)
		s.open++
		f.firstLookLocked()
	}
	if f.id.Gen > sl.newest {
		sl.newest = f.id.Gen
		s.gone = append(s.gone, sl.ended...)
		sl.ended = nil
	}
	s.files[f] = struct{}{}
	s.byInode[st.ID] = f
	s.byName[s.key(name)] = f
	sl.insert(f)
	s.toLineUpLocked(sl)
	f.base = f.stateLocked()
}

// awayLocked notes that f is not at its watched name any more.
func (s *Set) awayLocked(f *File) {
	if !f.away {
		f.away, f.awayAt = true, s.now()
		s.away[f] = struct{}{}
		if f.pos == 0 { // what is saved of it is of when it was found
			st := f.stateLocked()
			var now fsys.Stat
			if f.handle != nil && f.packed == nil && s.statLocked(f.handle, &now) == nil && now.Size > 0 {
				if f.head.Len == 0 { // only its inode tells it, and a compressed file has another one
					head := s.firstLocked(f.handle, now.Size)
					st.HeadLen, st.HeadHash = head.Len, head.Hash
				}
				st.Size, st.ModTime = max(f.size, now.Size), time.Unix(0, now.Mtime) // to count what goes before it is read
			}
			s.unsaved = append(s.unsaved, st)
		}
	}
	s.wakeLocked(f)
}

// backLocked notes that f is at its watched name again.
func (s *Set) backLocked(f *File) {
	if f.away {
		f.away, f.flush, f.phase = false, false, f.phase.Next(history.Returned)
		delete(s.away, f)
		f.home.drop(f)
		s.lastGen = max(s.lastGen+1, uint64(s.now().UnixNano()))
		f.home.queue = append(f.home.queue, f)
		s.wakeLocked(f)
	}
}

// finishLocked ends a generation for good. What is known of it and was not read
// is counted.
func (s *Set) finishLocked(f *File, why string) { s.finishFromLocked(f, f.pos, why) }

// finishFromLocked is finishLocked for a generation of which the bytes before from were
// read, here or in a copy.
func (s *Set) finishFromLocked(f *File, from int64, why string) {
	if f.state == fileDone {
		return
	}
	if lost := f.size - from; lost > 0 {
		s.counters.Unreadable += uint64(lost)
		s.log.Warn("bytes were gone before they could be read", "path", f.path, "name", f.name,
			"file", f.id.String(), "from", from, "to", f.size, "bytes", lost, "why", why)
	}
	s.dropSpaceLocked(f)
	s.rememberLocked(f)
	held := f.state == fileHeld
	f.state = fileDone
	if !held {
		s.closeLocked(f)
	}
	s.forget(f)
	s.endWaitLocked(f)
	s.unnameLocked(f)
	if f.home.cur == f {
		f.home.cur = nil
	}
	f.home.drop(f)
	s.unblockLocked(f.home)
	s.bequeathLocked(f)
	s.forgetLocked(f.home, f.id)
}

// forgetLocked reports a generation as finished for good. That of the newest one
// of a name is kept until the next one is there: without it, a later run would
// not know that there was something before.
func (s *Set) forgetLocked(sl *slot, id FileID) {
	if id.Gen >= sl.newest {
		sl.ended = append(sl.ended, id)
		return
	}
	s.gone = append(s.gone, id)
}

func (s *Set) closeLocked(f *File) {
	if h := f.handle; h != nil {
		f.handle, f.hold = nil, hold{}
		s.open--
		s.shutLocked(h)
	}
}

// limitLocked closes the descriptors used least lately when there are too many.
func (s *Set) limitLocked() {
	if s.open > s.cfg.MaxOpen {
		s.closeQuietLocked(s.open - s.cfg.MaxOpen + s.cfg.MaxOpen/8)
	}
}

// closeQuietLocked closes up to n descriptors that nobody uses now: those of
// files read to their end first, never that of a deleted file with bytes to read.
func (s *Set) closeQuietLocked(n int) int {
	var quiet []*File
	for f := range s.files {
		if f.handle != nil && f.state != fileHeld && (!f.deleted || f.size <= f.pos) {
			quiet = append(quiet, f)
		}
	}
	slices.SortFunc(quiet, func(a, b *File) int {
		if x, y := a.risk(), b.risk(); x != y {
			return x - y
		}
		if c := a.lastUse.Compare(b.lastUse); c != 0 {
			return c
		}
		return cmp.Compare(a.id.Gen, b.id.Gen)
	})
	quiet = quiet[:min(n, len(quiet))]
	for _, f := range quiet {
		s.closeLocked(f)
	}
	return len(quiet)
}

// risk says how bad it would be to close f: a file that moves while it is closed
// has to be found again.
func (f *File) risk() int {
	r := 0
	if f.size > f.pos {
		r++
	}
	if f.away {
		r += 2
	}
	return r
}

// sawLocked notes the size of a file whose content is what it was.
func (s *Set) sawLocked(f *File, st *fsys.Stat, now time.Time) {
	if st.Size != f.size {
		f.grew = now
	}
	if st.Size < f.size {
		s.cutLocked(f, st.Size)
	}
	if st.Size != f.size {
		f.space.ahead = false
	}
	f.size, f.mtime = st.Size, st.Mtime
	f.fresh = f.isFresh(now)
	f.deleted = st.Links == 0
	if f.head.Len == 0 && f.pos == 0 && f.size > 0 && f.handle != nil {
		f.firstLookLocked()
		if f.size > 0 && (f.copyOf == nil || f.sought) {
			s.unsaved = append(s.unsaved, f.stateLocked()) // now it can be known again
		}
	}
}

// firstLookLocked takes the fingerprint of a file nothing was read of yet. Its size was
// taken a moment before: if the file was changed since, it may have been truncated, and
// what is in it now is not what had that size. Then it counts as one that was seen empty
// (see blank.go).
func (f *File) firstLookLocked() {
	if f.set.formatLocked(f.handle, f.size) != packed.Plain {
		f.set.packLocked(f, nil)
		return
	}
	if f.size == 0 {
		return
	}
	head := f.set.firstLocked(f.handle, f.size)
	var now fsys.Stat
	if err := f.set.statLocked(f.handle, &now); err == nil && (now.Size < f.size || now.Mtime != f.mtime) {
		f.blankedLocked()
		return
	}
	f.set.headLocked(f, head)
}

// blankedLocked lets f, of which nothing was read, count as one that was seen empty.
func (f *File) blankedLocked() {
	f.size = 0
	f.set.headLocked(f, fingerprint.Head{Hash: fingerprint.Empty})
	f.sawEmpty(time.Unix(0, f.mtime))
}

// observeLocked is called when a look at f by name or descriptor brought st: f is
// made ready if anything changed. The new size is believed only when the bytes
// before the position are still there; the reader finds out otherwise.
func (s *Set) observeLocked(f *File, st *fsys.Stat) {
	if f.packed != nil {
		s.upkeepPackedLocked(f)
		return
	}
	if f.space.size > 0 {
		f.writtenLocked(st)
		if st.Size != f.size || st.Mtime != f.mtime || f.space.guessed {
			s.wakeLocked(f) // its reader finds out how far it is written
			return
		}
	}
	if st.Size == f.size && st.Mtime == f.mtime && f.err == nil {
		switch {
		case f.size > f.pos && !f.partial:
			s.wakeLocked(f) // it should be ready already
		case f.fresh && f.handle != nil && f.state == fileIdle:
			// Truncated and filled to the same size within a tick, it looks the same.
			f.fresh = f.isFresh(s.now())
			if !f.intactLocked() {
				f.checkup = true
				s.wakeLocked(f)
			}
		}
		return
	}
	first := f.head.Len == 0 && f.pos == 0
	if f.handle != nil && st.Size >= f.size && !(first && f.state == fileHeld) && f.provenLocked() { // its holder takes the first content
		ahead := s.endsInSpaceLocked(f.handle, st.Size)
		s.sawLocked(f, st, s.now())
		f.space.ahead = ahead
		f.prove()
	}
	s.wakeLocked(f)
}

// intactLocked tells whether what was read of f is still there. Where it cannot be read,
// nothing says otherwise.
func (f *File) intactLocked() bool {
	same, err := f.compareReadLocked()
	return same || err != nil
}

// provenLocked tells whether what was read of f was seen to be there still: a size is
// believed only then. A dead descriptor proves nothing.
func (f *File) provenLocked() bool {
	same, err := f.compareReadLocked()
	return same && err == nil
}

func (f *File) compareReadLocked() (same bool, err error) {
	if f.packed != nil {
		return true, nil
	}
	state, h := f.stateLocked(), f.handle
	f.set.mu.suspend()
	defer f.set.mu.resume()
	return fingerprint.Compare(h, max(state.Pos, int64(state.HeadLen)), state.print())
}

// adoptLocked begins to follow generations that were never seen under the watched
// name, oldest first. It returns how many bytes that p had not read are in them.
func (s *Set) adoptLocked(sl *slot, p *past, found []candidate) (rescued int64) {
	for i := range found {
		c := &found[i]
		if s.byInode[c.st.ID] != nil {
			s.shutLocked(c.h)
			continue
		}
		var f *File
		if home := s.logLocked(sl); home != sl {
			f = s.memberLocked(home, c.path, &arrival{st: c.st, h: c.h})
		} else {
			f = s.newLocked(sl, c.path, &c.st, c.h)
		}
		s.leaveLocked(f)
		switch {
		case c.known.of != nil:
			s.startLocked(f, c.known.of.state)
		case c.spare, c.copied && c.st.Size < p.state.Pos && f.packed == nil:
			s.startAtEndLocked(f, c.st.Size)
		case c.copied:
			s.startLocked(f, p.state)
			if rescued = max(0, min(c.st.Size, p.size)-p.state.Pos); f.packed != nil {
				rescued = max(0, p.size-p.state.Pos)
			}
			s.rescuedLocked(p.state.ID, rescued)
		}
		s.supersededLocked(c.st.ID)
		s.log.Info("found a generation that was never seen under its watched name", "path", sl.path,
			"name", c.path, "file", f.id.String(), "size", c.st.Size, "from", f.pos, "copy", c.copied)
		s.unsaved = append(s.unsaved, f.stateLocked())
		s.wakeLocked(f)
	}
	return rescued
}

// supersededLocked ends what was saved of a file that has other content now.
func (s *Set) supersededLocked(id fsys.Inode) {
	for _, st := range s.saved[id] {
		if empty(&st) {
			s.forgetLocked(s.slotLocked(st.Path), st.ID)
			continue
		}
		s.lostLocked(&st, "truncated or replaced while not followed")
	}
	delete(s.saved, id)
}

// startLocked lets f begin where st says; st has been verified.
func (s *Set) startLocked(f *File, st State) {
	if f.origin = st.Origin; f.origin == (FileID{}) && st.ID != f.id {
		f.origin = st.ID
	}
	if f.packed != nil {
		s.packLocked(f, &st)
		return
	}
	sp := s.splitter()
	if unit := sp.Unit(); st.Pos%int64(unit) != 0 { // the encoding was another one
		st.Pos, st.Part = history.Align(st.Pos, f.size, unit), 0
		st.MarkLen = int(min(st.Pos, fingerprint.MarkMax))
	}
	f.pos, f.part, f.scanned, f.skipped = st.Pos, st.Part, st.Pos, min(st.Skipped, st.Pos)
	head := fingerprint.Head{Len: st.HeadLen, Hash: st.HeadHash}
	if head.Len == 0 {
		head.Hash = fingerprint.Empty
	}
	s.headLocked(f, head)
	f.markLen = min(st.MarkLen, fingerprint.MarkMax)
	f.markLen = s.markLocked(f, f.pos, f.markLen)
	f.trail.Reset()
	if f.markLen > 0 {
		f.trail.Pass(f.pos, f.mark[:f.markLen], f.head)
	}
	f.base = f.stateLocked()
}

// startAtEndLocked lets f, a copy of what was read elsewhere, begin at its end: it has
// size bytes.
func (s *Set) startAtEndLocked(f *File, size int64) {
	n := int(min(size, fingerprint.MarkMax))
	f.pos, f.scanned, f.markLen = size, size, n
	if s.markLocked(f, size, n) < n {
		f.pos, f.scanned, f.markLen = 0, 0, 0
	}
	s.headLocked(f, s.firstLocked(f.handle, f.pos))
	f.trail.Reset()
	if f.pos > 0 {
		f.trail.Pass(f.pos, f.mark[:f.markLen], f.head)
	}
	f.base = f.stateLocked()
}

// markLocked takes the mark of f before a position, n bytes. It returns n, or 0 where they
// cannot be read.
func (s *Set) markLocked(f *File, pos int64, n int) int {
	var b [fingerprint.MarkMax]byte
	m, err := s.readLocked(f.handle, b[:n], pos-int64(n))
	if f.mark = b; err != nil || m < n {
		return 0
	}
	return n
}

// matches tells whether the file h is what st was saved of.
func matches(h *os.File, size int64, st *State) bool {
	return fingerprint.Match(h, size, st.print()) || isPlainOf(h, size, st)
}

func (st *State) print() fingerprint.Print {
	return fingerprint.Print{Pos: st.Pos, HeadLen: st.HeadLen, HeadHash: st.HeadHash, MarkLen: st.MarkLen, MarkHash: st.MarkHash}
}
