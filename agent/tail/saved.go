package tail

import (
	"os"
	"slices"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/packed"
)

// inherited is what earlier runs left.
type inherited struct {
	saved   map[fsys.Inode][]State // not found yet
	orphans []orphan               // saved, and not there any more
	newest  map[string]State       // of each name, as it was saved; not changed after Open
	loaded  uint64                 // the last FileID.Gen of an earlier run,
	lastGen uint64                 // and of all
}

// takeSavedLocked finds the saved state of the file h and takes it, and all others
// of the same inode, off the list: those are of generations that have ended.
func (s *Set) takeSavedLocked(id fsys.Inode, h *os.File, size int64) (State, bool) {
	states := s.saved[id]
	key := id
	if states == nil {
		// The device number of a network or removable file system may change.
		for k, sts := range s.saved {
			if k.Ino == id.Ino && k.Dev != id.Dev && sts[len(sts)-1].HeadLen > 0 {
				states, key = sts, k
				break
			}
		}
	}
	if states == nil {
		return State{}, false
	}
	slices.SortFunc(states, func(a, b State) int { return byGen(b, a) })
	i := slices.IndexFunc(states, func(st State) bool { return unlocked(s, func() bool { return s.sameFile(h, size, &st) }) })
	if i < 0 && key != id {
		return State{}, false
	}
	delete(s.saved, key)
	for j := range states {
		if j != i {
			s.lostLocked(&states[j], "truncated or replaced while not followed")
		}
	}
	if i < 0 {
		return State{}, false
	}
	if st := states[i]; i > 0 && empty(&st) {
		// It was seen with content since, which is gone: what is in it now came after that.
		s.forgetLocked(s.slotLocked(st.Path), st.ID)
		st.ID.Gen = states[0].ID.Gen + 1
		s.lastGen = max(s.lastGen, st.ID.Gen)
		return st, true
	}
	return states[i], true
}

// lostLocked notes that a saved generation is not there any more. Before it is given up,
// what was made of it is looked for: see orphan.go.
func (s *Set) lostLocked(st *State, why string) {
	s.orphans = append(s.orphans, orphan{*st, why})
}

// missingLocked counts and tells that the last n bytes of a saved generation are gone.
func (s *Set) missingLocked(st *State, n int64, why string) {
	s.counters.Unreadable += uint64(n)
	s.log.Warn("bytes were gone before they could be read", "path", st.Path, "file", st.ID.String(),
		"from", st.Size-n, "bytes", n, "why", why)
}

// resumeLocked goes on with a generation of an earlier run, found at the name sl.
func (s *Set) resumeLocked(sl *slot, a *arrival, st State) *File {
	home := sl
	if st.Path != "" && st.Path != sl.path {
		home = s.slotLocked(st.Path)
	}
	if st.ID.Dev != a.st.ID.Dev {
		s.gone = append(s.gone, st.ID)
		st.ID.Dev = a.st.ID.Dev
	}
	if lost := st.Size - a.st.Size; lost > 0 && s.formatLocked(a.h, a.st.Size) == packed.Plain {
		s.counters.Unreadable += uint64(lost)
		s.log.Warn("bytes were gone before they could be read", "path", st.Path, "name", a.name,
			"file", st.ID.String(), "from", a.st.Size, "bytes", lost, "why", "end of the file was cut off while not followed")
	}
	f := &File{set: s, id: st.ID}
	s.addLocked(f, home, a.name, &a.st, a.h)
	f.size = a.st.Size
	s.startLocked(f, st)
	if empty(&st) && f.size > 0 && f.packed == nil { // now it can be known again
		s.headLocked(f, s.firstLocked(f.handle, f.size))
		f.base = f.stateLocked()
		s.unsaved = append(s.unsaved, f.base)
	}
	switch {
	case home.virtual:
		s.joinLocked(home, f)
	case home != sl:
		s.leaveLocked(f)
	}
	f.readMtime = -1
	f.checkup = false
	return f
}

// fromSaved tells whether what arrived is what was last followed under the name.
func (s *Set) fromSaved(sl *slot, a *arrival) bool {
	p, ok := s.newestAt(sl.path)
	return ok && !empty(&p) && p.ID.Ino == a.st.ID.Ino && a.h != nil && matches(a.h, a.st.Size, &p)
}

// sameFile tells whether the file h is what st was saved of. Of a file without known
// content, only its number and its age tell.
func (s *Set) sameFile(h *os.File, size int64, st *State) bool {
	if empty(st) && s.sys.Birth(h) > st.Seen.UnixNano() {
		return false
	}
	return matches(h, size, st)
}

// waits tells whether what st is of may be a copy, and nothing was read of it.
func (st *State) waits() bool { return st.CopyOf != FileID{} }

func waiting(st State) bool { return st.waits() }

// fileLocked returns the generation of that identity; nil: it is not followed.
func (s *Set) fileLocked(id FileID) *File {
	if id == (FileID{}) {
		return nil
	}
	for f := range s.files {
		if f.id == id {
			return f
		}
	}
	return nil
}

// mayBeginLocked tells whether n may be a copy of f: f begins with it, or has been
// truncated since, which is about to be noticed.
func (f *File) mayBeginLocked(n *File) bool {
	var st fsys.Stat
	return f.handle != nil && f.set.statLocked(f.handle, &st) == nil &&
		(f.set.beginsLocked(f.handle, n.handle, n.size) || st.Size < f.pos || !f.intactLocked())
}

// empty tells whether a state was saved of a file without known content: such a
// file cannot be known again, and as nothing was read of it, it is as good as new.
func empty(st *State) bool { return st.Pos == 0 && st.HeadLen == 0 }

// savedPast describes what an earlier run last followed under the name; nil:
// nothing. If its file is not here any more with the content it had, there may be
// a copy of it.
func (s *Set) savedPast(sl *slot) *past {
	st, ok := s.newestAt(sl.path)
	if !ok {
		return nil
	}
	p := &past{name: sl.path, mtime: st.ModTime.UnixNano(), size: st.Size, state: st, seen: st.Seen.UnixNano(), trunc: true}
	id := fsys.Inode{Dev: st.ID.Dev, Ino: st.ID.Ino}
	if s.resumed(p) {
		return p
	}
	name, err := s.locate(s.lists, id, s.familyNames(s.lists, sl)...)
	if err != nil || name == "" {
		return p
	}
	h, now, err := s.openRetry(name)
	if err != nil {
		return p
	}
	defer func() { _ = h.Close() }()
	if now.ID == id && !empty(&st) && matches(h, now.Size, &st) {
		p.trunc, p.name, p.id = false, name, id
		if formatOf(h, now.Size) != packed.Plain {
			// Its time is that of its compression, which may be later than what came after it.
			p.mtime = min(p.mtime, int64(st.ID.Gen))
		}
		if born := s.sys.Birth(h); born <= int64(st.ID.Gen) && st.Origin == (FileID{}) {
			p.born = born
		} // else it is a copy that goes on for its original, which is older
	}
	return p
}

// resumed tells whether the saved generation of p goes on already, at another name of the
// glob, and notes in p what is known of its file: that need not have a name any more.
func (s *Set) resumed(p *past) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := p.state.ID
	f := s.byInode[fsys.Inode{Dev: id.Dev, Ino: id.Ino}]
	if f == nil || f.id != id || f.handle == nil || f.packed != nil || f.origin != (FileID{}) {
		return false
	}
	p.id, p.name, p.mtime, p.born, p.trunc = f.inode(), f.name, f.bound, f.born, false
	return true
}

// rescuedLocked notes that n bytes of a saved generation were found elsewhere.
func (s *Set) rescuedLocked(id FileID, n int64) {
	states := s.saved[fsys.Inode{Dev: id.Dev, Ino: id.Ino}]
	for i := range states {
		if states[i].ID == id {
			states[i].Size -= n
		}
	}
}

// recoverSaved looks, by identity, for the files of saved states that are not at
// their names any more.
func (s *Set) recoverSaved() {
	type entry struct {
		id     fsys.Inode
		states []State
	}
	s.mu.Lock()
	pending := make([]entry, 0, len(s.saved))
	for id, states := range s.saved {
		pending = append(pending, entry{id, states})
	}
	s.mu.Unlock()
	slices.SortFunc(pending, func(a, b entry) int { // older ones are ready first, originals are there before their copies
		if x, y := slices.ContainsFunc(a.states, waiting), slices.ContainsFunc(b.states, waiting); x != y {
			if y {
				return -1
			}
			return 1
		}
		return byGen(a.states[0], b.states[0])
	})
	// Names may move on between the look for a file and the look at it, so that those that
	// were missed are looked for again, all at once: directories may be large.
	const tries = 10
	for try := 1; len(pending) > 0 && try <= tries; try++ {
		pending = slices.DeleteFunc(pending, func(e entry) bool { return s.recoverEntry(e.id, e.states, try >= 3) })
		s.lists = map[string]*listing{}
	}
}

// recoverEntry is recoverSaved for one file. It returns false when that is to be looked
// for again. last: what is not found is not there any more.
func (s *Set) recoverEntry(id fsys.Inode, states []State, last bool) bool {
	name, err := s.locate(s.lists, id, s.familyNames(s.lists, s.slotOf(states[0].Path))...)
	switch {
	case err != nil: // not now
		return true
	case s.undecided(name), s.moving(states[0].Path):
		return true
	case name != "":
		return s.recoverAt(id, name)
	case !last:
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range states {
		s.lostLocked(&states[i], "not found in its directory after the restart")
	}
	delete(s.saved, id)
	return true
}

// undecided tells whether it is yet to be decided what is at a watched name. What is
// saved of that is needed for it.
func (s *Set) undecided(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.slotAtLocked(name)
	return sl != nil && sl.fresh
}

// homeOfSaved returns the log of which the file h is a generation, as an earlier run saved
// it; nil: what was saved is not in it.
func (s *Set) homeOfSaved(id fsys.Inode, h *os.File, now *fsys.Stat) *slot {
	s.mu.Lock()
	states := slices.Clone(s.saved[id])
	s.mu.Unlock()
	for i := range states {
		if st := &states[i]; now.ID == id && !empty(st) && matches(h, now.Size, st) {
			return s.slotOf(st.Path)
		}
	}
	return nil
}

// movingMost is how many scans the files of a log wait for names that are being changed.
const movingMost = 5

// moving tells whether the names of a log were changed so fast that what is at its own has yet
// to be decided: what is saved of its files has its place in the order only then.
func (s *Set) moving(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.slotAtLocked(path)
	if sl == nil || !sl.fresh || s.scans > movingMost {
		return false
	}
	_, again := s.dirty[sl]
	return again
}

// recoverAt goes on with what was saved of the file, which is at that name. It returns
// false when another file is.
func (s *Set) recoverAt(id fsys.Inode, name string) bool {
	if s.allowed(name, s.sys.Resolve(name)) != nil {
		return true
	}
	h, st, err := s.openRetry(name)
	if err != nil {
		return !fsys.IsGone(err)
	}
	return s.recoverFrom(id, name, h, &st)
}

// recoverFrom is recoverAt for the file h, of which st is. It takes h.
func (s *Set) recoverFrom(id fsys.Inode, name string, h *os.File, st *fsys.Stat) bool {
	if home := s.homeOfSaved(id, h, st); home != nil {
		s.learn(home, name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.ID != id || s.byInode[id] != nil {
		s.shutLocked(h)
		return st.ID == id
	}
	saved, ok := s.takeSavedLocked(id, h, st.Size)
	if !ok {
		s.shutLocked(h) // the inode belongs to another file now
		return true
	}
	sl := s.slotLocked(saved.Path)
	f := s.resumeLocked(sl, &arrival{st: *st, h: h, name: name, exists: true}, saved)
	if sl.cur != f {
		s.awayLocked(f)
	}
	if o := s.fileLocked(saved.CopyOf); o != nil && o != f && o.mayBeginLocked(f) {
		sl.drop(f)
		s.waitLocked(f, o, o.size)
		s.unsaved = append(s.unsaved, f.stateLocked())
	} else if f.pos < f.size {
		s.log.Info("found a rotated file that was not read to its end", "path", f.path, "name", name, "file", f.id.String(), "from", f.pos, "size", f.size)
	}
	s.wakeLocked(f)
	s.limitLocked()
	return true
}
