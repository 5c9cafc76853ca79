package tail

import (
	"cmp"
	"slices"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/rotation"
)

// Generations of one log are found at different moments of a look: at names of a glob, kept
// open, beside the log. Names move meanwhile, so that what each was called when it was
// found does not tell which is older. So when some were found, and nothing of them was
// read yet, their names of one moment tell once more.

// toLineUpLocked notes that a generation came to the log.
func (s *Set) toLineUpLocked(sl *slot) {
	if len(sl.queue) > 1 && sl.came == 0 {
		sl.came = 1
		s.toLineUp = append(s.toLineUp, sl)
	}
}

// lineUpGenerations puts the unread generations of logs in order to which some came.
func (s *Set) lineUpGenerations() {
	s.mu.Lock()
	logs := s.toLineUp
	s.toLineUp = nil
	s.mu.Unlock()
	for _, sl := range logs {
		again := s.lineUpLog(sl)
		s.mu.Lock()
		if sl.came++; again && sl.came <= lineUpMost {
			s.toLineUp = append(s.toLineUp, sl)
		} else {
			sl.came = 0
			s.unblockLocked(sl)
		}
		s.mu.Unlock()
	}
}

// lineUpMost is how often in a row names are asked that move all the time.
const lineUpMost = 5

// toBeLinedUpLocked tells whether f has no certain place in the order yet: generations came to
// its log in this look, and of those that are not read a compressed one stands in the glob.
func (s *Set) toBeLinedUpLocked(f *File) bool {
	if f.home.came == 0 || s.walker.Literal {
		return false
	}
	unread := f.home.unreadLocked()
	return len(unread) > 1 && slices.Contains(unread, f) && s.packedInGlob(unread)
}

func (s *Set) packedInGlob(files []*File) bool {
	return slices.ContainsFunc(files, func(f *File) bool { return f.packed != nil && s.walker.Match(f.name) })
}

// lineUpLog puts the unread generations of one log in order, if one of them is compressed
// and stands at a name of the glob: such a file has no age but that of its name, and names
// are looked at one by one. Where names move just now, it does nothing and returns true.
func (s *Set) lineUpLog(sl *slot) (again bool) {
	s.mu.Lock()
	unread := sl.unreadLocked()
	var first fsys.Inode
	var born int64
	if n := len(sl.late); n > 0 {
		first, born = sl.late[n-1].inode(), sl.late[n-1].born
	}
	inGlob := s.packedInGlob(unread)
	s.mu.Unlock()
	if len(unread) < 2 || !inGlob {
		return false
	}
	tags, ok := s.tagsOf(sl)
	if !ok {
		return true
	}
	found := make([]candidate, 0, len(unread))
	byID := map[fsys.Inode]*File{}
	var sorted []*File // those known to the run before are older than all others
	s.mu.Lock()
	for _, f := range unread {
		tag, ok := tags[f.inode()]
		switch {
		case f.began() <= s.loaded:
			sorted = append(sorted, f)
			byID[f.inode()] = f
		case ok:
			found = append(found, candidate{tag: tag, st: fsys.Stat{ID: f.inode(), Mtime: f.mtime}, born: f.born})
			byID[f.inode()] = f
		}
	}
	slices.SortStableFunc(sorted, func(a, b *File) int { return cmp.Compare(a.began(), b.began()) })
	s.mu.Unlock()
	byAge(found)
	risingOrder(tags[first], born, found)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range found {
		sorted = append(sorted, byID[c.st.ID])
	}
	if now := sl.unreadLocked(); !slices.Equal(now, unread) {
		return false // one of them is being read
	}
	next := 0
	for i, f := range sl.queue {
		if byID[f.inode()] == f {
			sl.queue[i] = sorted[next]
			next++
		}
	}
	return false
}

// began returns when the generation was first seen, as Gen of an identity: where f goes on
// for an original, when that was.
func (f *File) began() uint64 {
	if f.origin != (FileID{}) {
		return f.origin.Gen
	}
	return f.id.Gen
}

// unreadLocked returns the generations of the log, in order, that are not at its name and
// of which nothing was read, or nothing but what was read of their originals.
func (g *succession) unreadLocked() []*File {
	var unread []*File
	for _, f := range g.queue {
		if f.away && f != g.cur && f.state != fileHeld && f.copyOf == nil && (f.pos == 0 || f.origin != FileID{}) {
			unread = append(unread, f)
		}
	}
	return unread
}

// tagsOf returns the tags of the files that stand at rotated names of the log, all of one
// moment. ok is false when names move.
func (s *Set) tagsOf(sl *slot) (tags map[fsys.Inode]rotation.Tag, ok bool) {
	if s.lists == nil {
		s.lists = map[string]*listing{}
		defer func() { s.lists = nil }()
	}
	s.forgetLists(s.lists, s.familyNames(s.lists, sl)...)
	tags = map[fsys.Inode]rotation.Tag{}
	for _, r := range s.rooms(s.lists, sl, nil) {
		l := s.list(s.lists, r.dir)
		names := s.names(r, l.names)
		ids := s.idsOf(r.dir, names)
		if l.err != nil || !s.holds(l, r, names) || !slices.Equal(ids, s.idsOf(r.dir, names)) {
			return nil, false
		}
		for i, n := range names {
			tags[ids[i]] = n.tag
		}
	}
	return tags, true
}
