package tail

import (
	"cmp"
	"os"
	"slices"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// A copy that copytruncate makes may match the glob too. Seen before the file is
// truncated it looks like a new file with known content. Its content is the
// file's, so it is not read until the file has been: either the file is truncated,
// then the copy is read from where the file was read to; or the file is read as
// far as the copy goes, then the copy is followed from its end. Seen while it is being
// made, it may have the beginning of the content only, or nothing yet.

// originalLocked returns the followed file that what arrived is, or may become, a copy
// of: named like its rotated name, and with its content, while that one is still at its own
// name, or was truncated before it was moved away.
func (s *Set) originalLocked(sl *slot, a *arrival) *File {
	for _, from := range origins(sl.path) {
		o := s.slotAtLocked(from.path)
		if o == nil || o.cur == nil {
			continue
		}
		var st fsys.Stat
		stays := s.statPathLocked(o.path, &st) == nil && st.ID == o.cur.inode()
		if (stays || o.cur.pos > 0 && o.cur.handle != nil && !o.cur.intactLocked()) && o.cur.alikeLocked(a.h, a.st.Size) {
			return o.cur
		}
	}
	return nil
}

// suspectLocked lets f, of which nothing was read, wait: it seems to be a copy of o.
func (s *Set) suspectLocked(f, o *File) {
	f.copyOf, f.sought, f.whole = o, false, max(o.pos, min(o.size, fingerprint.MarkMax))
	s.copies[f] = struct{}{}
}

// contentOriginalLocked returns the followed file that f, of which nothing was read, may be a copy
// of, whatever its name is: it begins like that file, and ends like it or before it.
func (s *Set) contentOriginalLocked(f *File) *File {
	if f.packed != nil || f.head.Len < fingerprint.HeadMax || f.pos > 0 || f.handle == nil || f.unsure {
		return nil
	}
	for o := s.heads[f.head.Hash]; o != nil; o = o.alike[1] {
		if o != f && o.copyOf == nil && (!o.away || !s.isSame(f.name, o.path)) && o.copiedByLocked(f.handle, f.size) {
			return o
		}
	}
	return nil
}

// copiedByLocked tells whether the file h, which has size bytes, has what f has, or had before
// it was truncated, as far as it goes.
func (f *File) copiedByLocked(h *os.File, size int64) bool {
	var st fsys.Stat
	if f.handle == nil || f.set.statLocked(f.handle, &st) != nil {
		return false
	}
	if st.Size >= size && f.set.beginsLocked(f.handle, h, size) {
		return true
	}
	if f.intactLocked() {
		return false
	}
	p := past{state: f.stateLocked(), trail: f.trail}
	return unlocked(f.set, func() bool { return p.copied(h, size) })
}

// alikeLocked tells whether the file h, which had that size, has the content of f as far
// as both are known: up to the position of f, or less when it is shorter.
func (f *File) alikeLocked(h *os.File, size int64) bool {
	state := f.stateLocked()
	for {
		if !empty(&state) && size >= max(state.Pos, int64(state.HeadLen)) {
			return f.set.matchesLocked(h, size, &state)
		}
		if f.handle == nil {
			return false
		}
		if f.set.beginsLocked(f.handle, h, size) {
			return true
		}
		var st fsys.Stat
		if f.set.statLocked(h, &st) != nil || st.Size <= size {
			return false
		}
		size = st.Size // f may have been truncated meanwhile: then its copy is whole now
	}
}

// sortOut tells the generations that were found from copies, perhaps still being made,
// of what is in the file h now, which was not there before that time.
func sortOut(found []candidate, h *os.File, since int64) (older, copies []candidate) {
	for _, c := range found {
		if !c.copied && h != nil && (c.born == 0 || c.born >= since) && fingerprint.Begins(h, c.h, c.st.Size) {
			copies = append(copies, c)
			continue
		}
		older = append(older, c)
	}
	return older, copies
}

// adoptCopiesLocked follows what seem to be copies of what is in f now, which has that
// size, as generations before f that wait: once it is clear that they are, f was
// truncated and they go on where it was read to; if it is not truncated for long, or it
// turns out that they are none, they are read. makeF makes f after them.
func (s *Set) adoptCopiesLocked(sl *slot, copies []candidate, size int64, makeF func() *File) *File {
	var waiting []*File
	for i := range copies {
		c := &copies[i]
		if s.byInode[c.st.ID] != nil {
			s.shutLocked(c.h)
			continue
		}
		s.supersededLocked(c.st.ID)
		n := s.newLocked(sl, c.path, &c.st, c.h)
		sl.drop(n)
		n.away, n.awayAt = true, s.now()
		s.away[n] = struct{}{}
		waiting = append(waiting, n)
	}
	f := makeF()
	for _, n := range waiting {
		s.waitLocked(n, f, size)
		s.unsaved = append(s.unsaved, n.stateLocked()) // a later run does not look for what came before f
	}
	if f.pos == 0 && s.strayCopiesLocked(f, false) {
		f.blankedLocked()
	}
	return f
}

// waitLocked lets n wait, which seems to be a copy of what is in f, which has that size.
func (s *Set) waitLocked(n, f *File, size int64) {
	n.copyOf, n.sought, n.whole = f, true, min(size, fingerprint.MarkMax) // enough to tell it by
	s.copies[n] = struct{}{}
}

// strayCopiesLocked lets those of the copies of f be read that are not, as far as they go,
// what is in f: either they were none, but empty when they were found, or f was truncated
// since, for that a copy must be whole. It tells whether there were any. known: only if
// what is known of f is still in it.
func (s *Set) strayCopiesLocked(f *File, known bool) bool {
	if f.handle == nil {
		return false
	}
	var stray []*File
	for n := range s.copies {
		var st fsys.Stat
		if n.copyOf == f && n.handle != nil && s.statLocked(n.handle, &st) == nil && !s.beginsLocked(f.handle, n.handle, st.Size) {
			stray = append(stray, n)
		}
	}
	if len(stray) > 0 && known && !f.intactLocked() {
		return false // its end is about to be noticed: they may go on where it was read to
	}
	slices.SortFunc(stray, func(a, b *File) int { return cmp.Compare(a.id.Gen, b.id.Gen) })
	for _, n := range stray {
		s.noCopyLocked(n)
	}
	return len(stray) > 0
}

// waitingCopy is a copy that waited for its original, and its size now.
type waitingCopy struct {
	*File
	now int64
}

// awaitingLocked returns the copies that wait for o, the longest first.
func (s *Set) awaitingLocked(o *File) []waitingCopy {
	var all []waitingCopy
	for f := range s.copies {
		if f.copyOf != o || f.handle == nil {
			continue
		}
		var st fsys.Stat
		if s.statLocked(f.handle, &st) != nil {
			s.noCopyLocked(f) // its reader finds out
			continue
		}
		all = append(all, waitingCopy{f, st.Size})
	}
	slices.SortFunc(all, func(a, b waitingCopy) int {
		return cmp.Or(cmp.Compare(b.now, a.now), cmp.Compare(a.id.Gen, b.id.Gen), cmp.Compare(a.id.Ino, b.id.Ino))
	})
	return all
}

// copiesOfLocked lets the copies of a file that was truncated be read from where it was
// read to. It returns how many bytes that were not read are in them, and those that are
// copies of what is in the file h now, as far as they go: they have just been begun. The
// rest is read from one of them only, the longest, and from none of the candidates found.
func (s *Set) copiesOfLocked(o *File, h *os.File, found []candidate) (rescued int64, begun []*File, left []candidate) {
	state := o.stateLocked()
	if empty(&state) {
		return 0, s.blankCopiesLocked(o, h), found
	}
	taken := false
	for _, f := range s.awaitingLocked(o) {
		switch {
		case taken && s.matchesLocked(f.handle, f.now, &state):
			s.startAtEndLocked(f.File, f.now)
		case s.matchesLocked(f.handle, f.now, &state):
			taken = true
			s.startLocked(f.File, state)
			rescued = max(rescued, min(f.now, o.size)-state.Pos)
		case f.now > 0 && f.now < state.Pos && f.pos == 0 && (!f.byContent || o.trail.Reaches(f.now)) && unlocked(s, func() bool { return o.trail.Ended(f.handle, f.now, o.head) }):
			s.startAtEndLocked(f.File, f.now)
		case h != nil && f.pos == 0 && s.beginsLocked(h, f.handle, f.now):
			begun = append(begun, f.File)
			continue
		}
		s.noCopyLocked(f.File)
	}
	if taken {
		found = unlocked(s, func() []candidate { return spareCopies(found, "") })
	}
	return rescued, begun, found
}

// blankCopiesLocked is copiesOfLocked for a file that had no content when it was looked at.
// What it had since, nobody knows: each of its copies may be of another content, so that
// all are read but for those of which a longer one has the same.
func (s *Set) blankCopiesLocked(o *File, h *os.File) (begun []*File) {
	var read []waitingCopy
	for _, f := range s.awaitingLocked(o) {
		has := func(r waitingCopy) bool { return s.beginsLocked(r.handle, f.handle, f.now) }
		switch {
		case h != nil && f.pos == 0 && s.beginsLocked(h, f.handle, f.now):
			begun = append(begun, f.File)
			continue
		case f.now >= fingerprint.MarkMax && slices.ContainsFunc(read, has):
			s.startAtEndLocked(f.File, f.now)
		default:
			read = append(read, f)
		}
		s.noCopyLocked(f.File)
	}
	return begun
}

// judgeCopies decides what becomes of copies whose originals go on.
func (s *Set) judgeCopies() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.copies {
		if f.handle == nil {
			continue
		}
		facts := s.copyFactsLocked(f)
		switch history.JudgeCopy(facts) {
		case history.CopyWaits:
			continue
		case history.CopyKnown:
			s.startAtEndLocked(f, facts.Size)
		case history.CopyRead:
		}
		s.noCopyLocked(f)
	}
}

// copyFactsLocked is what is known of f, which waits as a copy and is open.
func (s *Set) copyFactsLocked(f *File) history.Copy {
	o := f.copyOf
	if o.state == fileDone {
		return history.Copy{Ended: true}
	}
	var st fsys.Stat
	if s.statLocked(f.handle, &st) != nil || o.handle != nil && !o.intactLocked() {
		return history.Copy{Unsure: true}
	}
	c := history.Copy{Alike: o.alikeLocked(f.handle, st.Size), ByContent: f.byContent}
	if c.Alike && c.ByContent {
		c.Contained = o.copiedByLocked(f.handle, st.Size)
	}
	now := s.now()
	c.Size, c.Whole, c.Read, c.Interval = st.Size, f.whole, o.pos, s.cfg.Interval
	c.Resting, c.Known, c.Grown = now.Sub(time.Unix(0, st.Mtime)), now.Sub(f.awayAt), now.Sub(f.grew)
	c.Sought, c.OriginalAway, c.SameSize = f.sought, o.away, st.Size == o.size
	return c
}

// noCopyLocked lets f, which waited as a copy, be read.
func (s *Set) noCopyLocked(f *File) {
	if f.away && !slices.Contains(f.home.queue, f) {
		f.home.insert(f)
	}
	f.unsure = f.unsure || f.byContent // else it may be one of another file
	f.copyOf, f.base.CopyOf, f.byContent = nil, FileID{}, false
	delete(s.copies, f)
	s.unsaved = append(s.unsaved, f.stateLocked())
	s.wakeLocked(f)
}
