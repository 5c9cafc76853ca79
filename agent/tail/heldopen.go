package tail

import (
	"os"
	"slices"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/rotation"
)

// A file that was opened at a watched name, while the names of older ones were moving, is
// looked at again when they rest. It may have been deleted by then, or renamed to
// a name nobody would look for it at: it is kept open, so that it is read all the same.

// How many such files are kept open for one name: of more than heldOpenMost, those that
// have a name still are let go, and of more than deletedMost the oldest, which is counted.
const (
	heldOpenMost = 8
	deletedMost  = 64
)

// holdOpen keeps what arrived at the name, and closes what was found with it.
func (s *Set) holdOpen(sl *slot, a *arrival, found []candidate) {
	s.discard(&arrival{}, found)
	if a.h == nil {
		return
	}
	sl.heldOpen = append(sl.heldOpen, *a)
	if len(sl.heldOpen) <= heldOpenMost {
		return
	}
	sl.heldOpen = slices.DeleteFunc(sl.heldOpen, func(p arrival) bool {
		var st fsys.Stat
		named := s.sys.StatFile(p.h, &st) == nil && st.Links > 0
		if named {
			_ = p.h.Close()
		}
		return named
	})
	if len(sl.heldOpen) > deletedMost {
		s.giveUp(sl, sl.heldOpen[0])
		sl.heldOpen = slices.Delete(sl.heldOpen, 0, 1)
	}
}

// giveUp counts and closes a file that was deleted before anything was read of it.
func (s *Set) giveUp(sl *slot, p arrival) {
	if err := s.sys.StatFile(p.h, &p.st); err == nil && p.st.Size > 0 {
		s.mu.Lock()
		s.counters.Unreadable += uint64(p.st.Size)
		s.mu.Unlock()
		s.log.Warn("bytes were gone before they could be read", "path", sl.path, "name", p.name,
			"from", 0, "bytes", p.st.Size, "why", "files came and were deleted faster than they could be told apart")
	}
	_ = p.h.Close()
}

// takeHeldOpen returns the file of that identity if it was kept open, and true. While it was
// open, its number was not given to another one.
func (g *succession) takeHeldOpen(id fsys.Inode) (arrival, bool) {
	i := slices.IndexFunc(g.heldOpen, func(p arrival) bool { return p.st.ID == id })
	if i < 0 {
		return arrival{}, false
	}
	p := g.heldOpen[i]
	g.heldOpen = slices.Delete(g.heldOpen, i, i+1)
	return p, true
}

// judgeHeldOpen lets those of the files kept open go whose content is that of a generation
// that is followed, or that ended: they were copied or compressed while names were moving.
func (s *Set) judgeHeldOpen(sl *slot, a *arrival) {
	if len(sl.heldOpen) == 0 {
		return
	}
	s.mu.Lock()
	home := s.logLocked(sl)
	s.mu.Unlock()
	kept := sl.heldOpen[:0]
	for _, p := range sl.heldOpen {
		if s.sys.StatFile(p.h, &p.st) == nil && p.st.ID != a.st.ID && !s.isSavedOf(p.h, &p.st) {
			if p.known = s.familiar(home, p.name, p.h, p.st.Size); p.known.of != nil && !p.known.rest {
				_ = p.h.Close()
				continue
			}
		}
		kept = append(kept, p)
	}
	sl.heldOpen = kept
}

// isSavedOf tells whether the file h, of which st is, is that of a saved generation with
// known content. Its number alone does not tell: it may have been given again.
func (s *Set) isSavedOf(h *os.File, st *fsys.Stat) bool {
	s.mu.Lock()
	saved := slices.Clone(s.saved[st.ID])
	s.mu.Unlock()
	return slices.ContainsFunc(saved, func(of State) bool { return !empty(&of) && s.sameFile(h, st.Size, &of) })
}

// followHeldOpenLocked adds to the generations found those that were kept open, and are not
// among them, are not followed, and are not what arrived. What is saved of one is gone
// on with.
func (s *Set) followHeldOpenLocked(sl *slot, a *arrival, found []candidate) []candidate {
	n := len(found)
	for _, p := range sl.heldOpen {
		isFound := slices.ContainsFunc(found, func(c candidate) bool { return c.st.ID == p.st.ID })
		if isFound || sl.first || p.st.ID == a.st.ID || s.byInode[p.st.ID] != nil || s.statLocked(p.h, &p.st) != nil || s.goesOnLocked(sl, a, &p) {
			s.shutLocked(p.h)
			continue
		}
		if st, ok := s.takeSavedLocked(p.st.ID, p.h, p.st.Size); ok && !empty(&st) {
			f := s.resumeLocked(sl, &p, st)
			s.awayLocked(f)
			continue
		}
		found = append(found, candidate{
			path: p.name, tag: p.tag, st: p.st, born: s.birthLocked(p.h), h: p.h, known: p.known, copied: p.known.rest,
			became: p.became, rising: len(found) > 0 && found[0].rising,
		})
	}
	sl.heldOpen = nil
	if len(found) > n {
		byAge(found)
		risingOrder(rotation.Tag{}, 0, found)
	}
	return found
}

// goesOnLocked tells whether the log goes on, in what arrived, where it was read to before
// it was replaced, and p is that file or a copy between both.
func (s *Set) goesOnLocked(sl *slot, a, p *arrival) bool {
	if !a.twin || p.st.Size > a.st.Size {
		return false
	}
	st, saved := s.newestAt(sl.path)
	if old := sl.cur; old != nil {
		st = old.stateLocked()
	} else if !saved || !s.isSavedLocked(st.ID) {
		return false
	}
	return s.matchesLocked(p.h, p.st.Size, &st)
}
