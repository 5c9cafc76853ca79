package tail

import (
	"slices"

	"logctl/agent/tail/internal/fsys"
)

// A saved generation whose file is gone may have become another one a moment ago: a
// program wrote the compressed file beside it and removed it, while a scan went from name
// to name. So no saved generation is given up where that is noticed. At the end of the
// scan what was made of it is looked for once more, in names that are listed afresh.

// orphan is a saved generation that is not there any more.
type orphan struct {
	State
	why string
}

// seekOrphans goes on in what was made of the saved generations that are gone, and counts
// what is lost of the others.
func (s *Set) seekOrphans() {
	s.mu.Lock()
	orphans := s.orphans
	s.orphans = nil
	s.mu.Unlock()
	if len(orphans) == 0 {
		return
	}
	slices.SortFunc(orphans, func(a, b orphan) int { return byGen(a.State, b.State) })
	const tries = 3 // names may move on while they are looked at
	for try := 0; try < tries && len(orphans) > 0; try++ {
		s.lists = map[string]*listing{} // once for all of them
		orphans = slices.DeleteFunc(orphans, func(o orphan) bool { return s.becameAnother(&o) || s.giveUpOrphan(&o, try == tries-1) })
	}
}

// giveUpOrphan counts what is lost of a generation of which nothing was made. It returns
// false when names moved while they were looked at, so that one may have been missed.
// last: there is no further look.
func (s *Set) giveUpOrphan(o *orphan, last bool) bool {
	if !last && o.HeadLen > 0 && !s.rests(s.lists, s.familyNames(s.lists, s.slotOf(o.Path))...) {
		return false
	}
	s.rememberSaved(&o.State)
	s.mu.Lock()
	defer s.mu.Unlock()
	if lost := o.Size - o.Pos; lost > 0 && !o.waits() { // what waited as a copy had nothing of its own
		s.missingLocked(&o.State, lost, o.why)
	}
	s.forgetLocked(s.slotLocked(o.Path), o.ID)
	return true
}

// becameAnother goes on in the copy, or the compressed file, of a generation that is gone.
// It returns false when there is none.
func (s *Set) becameAnother(o *orphan) bool {
	if o.HeadLen == 0 {
		return false
	}
	c := s.copyOf(&o.State)
	if c.h == nil {
		return false
	}
	switch s.giveWay(o, c.st.ID) {
	case wayFree:
		s.resumeCopy(&o.State, c)
		// What was opened is what goes on: its name may be another one by now, and what came
		// after it must not be read before it.
		s.recoverFrom(c.st.ID, c.path, c.h, &c.st)
		return true
	case wayTaken:
		s.mu.Lock()
		s.forgetLocked(s.slotLocked(o.Path), o.ID)
		s.mu.Unlock()
	case wayBusy:
		s.mu.Lock()
		s.orphans = append(s.orphans, *o)
		s.mu.Unlock()
	}
	_ = c.h.Close()
	return true
}

// way tells whether a file may be followed as what was made of an orphan.
type way int

const (
	wayFree  way = iota // nobody follows it
	wayTaken            // it is followed as that already
	wayBusy             // it is being read: ask again
)

// giveWay ends what follows the file of that identity for its own sake.
func (s *Set) giveWay(o *orphan, id fsys.Inode) way {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.byInode[id]
	switch {
	case f == nil:
		return wayFree
	case f.id.Gen == o.ID.Gen || f.origin == o.Origins():
		return wayTaken
	case f.state == fileHeld:
		return wayBusy
	}
	s.finishFromLocked(f, f.size, "it goes on for the file that it was made of") // which has all of it
	return wayFree
}
