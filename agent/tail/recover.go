package tail

import (
	"os"
	"slices"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/packed"
)

// What was read of a file need not have been delivered when the last run ended. If
// the file was truncated meanwhile (copytruncate), the bytes are in the copy that
// was made before. That copy is not known, or it is known with the position up to
// which its original was read, which says nothing about what was delivered. So,
// before anything is followed, the copies of all saved generations that are not in
// their files any more are looked for, and are read from where those were
// delivered to, in their place in the order.

// copySlack is how much older than its original a copy may seem: the original may
// have been written to between the copying and the truncation.
const copySlack = 10 * time.Second

// recoverCopies is the first thing that the first scan does.
func (s *Set) recoverCopies() {
	s.mu.Lock()
	var saved []State
	for _, states := range s.saved {
		for i := range states {
			if states[i].HeadLen > 0 {
				saved = append(saved, states[i])
			}
		}
	}
	s.mu.Unlock()
	slices.SortFunc(saved, byGen)
	for i := range saved {
		if !s.intact(&saved[i]) && !s.stands(&saved[i]) && !s.recoverCopy(&saved[i]) {
			s.rememberSaved(&saved[i])
		}
	}
}

// recoverSince is recoverCopies for what arrived, which may have been truncated since.
func (s *Set) recoverSince(a *arrival) {
	if a.h == nil {
		return
	}
	s.mu.Lock()
	saved := slices.Clone(s.saved[a.st.ID])
	a.broken = s.brokenLocked(a)
	s.mu.Unlock()
	for i := range saved {
		if saved[i].HeadLen > 0 && !matches(a.h, a.st.Size, &saved[i]) {
			s.recoverCopy(&saved[i])
		}
	}
}

// brokenLocked returns of how many saved generations of what arrived the content is not
// in the file any more.
func (s *Set) brokenLocked(a *arrival) int {
	n := 0
	if a.h != nil {
		for i := range s.saved[a.st.ID] {
			if st := &s.saved[a.st.ID][i]; st.HeadLen > 0 && !s.matchesLocked(a.h, a.st.Size, st) {
				n++
			}
		}
	}
	return n
}

// intact tells whether the file of a saved generation still has its content, or
// cannot be looked at now.
func (s *Set) intact(st *State) bool {
	id := fsys.Inode{Dev: st.ID.Dev, Ino: st.ID.Ino}
	name := st.Path
	var now fsys.Stat
	if s.sys.StatPath(name, &now) != nil || now.ID != id {
		var err error
		if name, err = s.locate(s.lists, id, s.familyNames(s.lists, s.slotOf(st.Path))...); err != nil || name == "" {
			return err != nil && !fsys.IsGone(err)
		}
	}
	h, now, err := s.openRetry(name)
	if err != nil {
		return true
	}
	defer func() { _ = h.Close() }()
	return now.ID != id || matches(h, now.Size, st)
}

// stands tells whether what is at the name of a log is what st was saved of, under another
// inode: then st goes on there (see twin.go), and its copies are those of that file.
func (s *Set) stands(st *State) bool {
	last, _ := s.newestAt(st.Path)
	var now fsys.Stat
	if last.ID != st.ID || s.sys.StatPath(st.Path, &now) != nil || !now.Regular || now.ID == (fsys.Inode{Dev: st.ID.Dev, Ino: st.ID.Ino}) {
		return false
	}
	t := history.Twin{Pos: st.Pos, SameTime: st.Size == now.Size && st.ModTime.UnixNano() == now.Mtime}
	return history.GoesOn(t) && s.hasContent(st.Path, &now, st)
}

// recoverCopy goes on in the copy of a generation that was truncated. It returns false when
// there is none.
func (s *Set) recoverCopy(st *State) bool {
	c := s.copyOf(st)
	if c.h == nil {
		return false
	}
	defer func() { _ = c.h.Close() }()
	s.resumeCopy(st, c)
	return true
}

// madeCopy is a file that has the content of another one. Its handle stays: what is at the
// name may be another file soon.
type madeCopy struct {
	path   string
	st     fsys.Stat
	h      *os.File // nil: there is none
	packed bool
}

// copyOf finds the copy of a generation that was truncated or removed: of the rotated
// names with its content the one that was made first after it was last seen.
func (s *Set) copyOf(st *State) (found madeCopy) {
	sl := s.slotOf(st.Path)
	oldest := st.ModTime.Add(-copySlack).UnixNano()
	for _, p := range s.copyPaths(sl, st) {
		var now fsys.Stat
		if s.sys.StatPath(p, &now) != nil || !now.Regular || now.Mtime < oldest ||
			now.ID.Ino == st.ID.Ino || found.h != nil && now.Mtime >= found.st.Mtime || s.allowed(p, fsys.Resolve(p)) != nil {
			continue
		}
		h, opened, err := s.openRetry(p)
		if err != nil {
			continue
		}
		if opened.ID != now.ID || !matches(h, opened.Size, st) {
			_ = h.Close()
			continue
		}
		if found.h != nil {
			_ = found.h.Close()
		}
		found = madeCopy{p, opened, h, formatOf(h, opened.Size) != packed.Plain}
	}
	return found
}

// copyPaths returns where the copies of a saved generation of the log sl may stand: at rotated
// names, and at its own, where one was followed that took its place. That one may have been
// read before what was read of the other was delivered.
func (s *Set) copyPaths(sl *slot, st *State) []string {
	paths := s.familyPaths(sl)
	var now fsys.Stat
	if s.sys.StatPath(sl.path, &now) != nil {
		return paths
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.saved[now.ID], func(o State) bool { return o.Origin == st.Origins() && o.ID.Gen > st.ID.Gen }) {
		paths = append(paths, sl.path)
	}
	return paths
}

// hasContent tells whether the file at path is what st was saved of.
func (s *Set) hasContent(path string, now *fsys.Stat, st *State) bool {
	h, opened, err := s.openRetry(path)
	if err != nil {
		return false
	}
	defer func() { _ = h.Close() }()
	return opened.ID == now.ID && matches(h, opened.Size, st)
}

// resumeCopy notes that the copy goes on where st was delivered to.
func (s *Set) resumeCopy(st *State, of madeCopy) {
	now := &of.st
	s.mu.Lock()
	states := slices.Clone(s.saved[now.ID])
	s.mu.Unlock()
	i := slices.IndexFunc(states, func(c State) bool { return !empty(&c) && matches(of.h, now.Size, &c) })
	c := *st
	c.Origin = st.Origins() // it has the address of the lines that are stored
	s.mu.Lock()
	defer s.mu.Unlock()
	size, seen := now.Size, now.Mtime
	if of.packed {
		size, seen = st.Size, now.Mtime-1 // see isWhole
	}
	s.replacedLocked(*st, size)
	switch {
	case i < 0:
		c.ID.Dev, c.ID.Ino, c.Rotated = now.ID.Dev, now.ID.Ino, true
		c.Size, c.ModTime = size, time.Unix(0, seen)
		states = append(states, c)
	case of.packed && states[i].Pos == 0: // it was left alone: what it was made of was read
		c.ID, c.Rotated, c.Size, c.ModTime = states[i].ID, true, size, time.Unix(0, seen)
		states[i] = c
	case states[i].Pos > st.Pos || states[i].waits():
		c = states[i]
		c.Pos, c.Part, c.MarkLen, c.MarkHash, c.CopyOf = st.Pos, st.Part, st.MarkLen, st.MarkHash, FileID{}
		c.Origin = st.Origins()
		states[i] = c
	default:
		return
	}
	s.saved[now.ID] = states
	s.unsaved = append(s.unsaved, c)
	s.log.Info("found the copy of a file that was truncated or compressed before its lines were delivered", "path", st.Path,
		"name", of.path, "file", st.ID.String(), "from", st.Pos, "size", now.Size)
}

// replacedLocked ends a saved generation whose copy, of that size, goes on in its place.
func (s *Set) replacedLocked(st State, size int64) {
	id := fsys.Inode{Dev: st.ID.Dev, Ino: st.ID.Ino}
	s.saved[id] = slices.DeleteFunc(s.saved[id], func(o State) bool { return o.ID == st.ID })
	if len(s.saved[id]) == 0 {
		delete(s.saved, id)
	}
	s.gone = append(s.gone, st.ID) // the state of the copy tells what was before
	if st.Size > max(size, st.Pos) {
		s.missingLocked(&st, st.Size-max(size, st.Pos), "the copy is shorter than the file was")
	}
}

// byGen sorts states by the age of their generations, oldest first.
func byGen(a, b State) int {
	switch {
	case a.ID.Gen < b.ID.Gen:
		return -1
	case a.ID.Gen > b.ID.Gen:
		return 1
	}
	return 0
}
