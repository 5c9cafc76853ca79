package tail

import (
	"os"
	"path/filepath"
	"slices"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/packed"
)

// leaves tells whether what arrived at the name sl, of the log home, is not to be followed:
// what it holds is known, cannot be read, or is read elsewhere.
func (s *Set) leaves(sl, home *slot, a *arrival) bool {
	return s.leavePacked(sl, a) || s.leaveCopy(sl, home, a)
}

// leaveCopy decides about a file at a rotated name that the glob matches. A program renames
// the log aside, copies it to that name, perhaps in an archive directory, and removes it
// (renamecopy). While the original is followed the copy is left alone, as it is where no
// glob matches it: when the original is gone, its generation goes on in the copy
// (endDeleted). In an archive directory that holds for the file at the name of the log
// too, and a file that is still empty is nothing but a copy that has just been begun.
func (s *Set) leaveCopy(sl, home *slot, a *arrival) bool {
	if home == sl || home.virtual || a.h == nil || sl.first || formatOf(a.h, a.st.Size) != packed.Plain || s.isKnown(a.st.ID) || s.isSavedOf(a.h, &a.st) {
		return false
	}
	tag, ok := s.rotatedOf(filepath.Base(home.path), filepath.Base(sl.path))
	if !ok || !tag.Certain {
		return false
	}
	var now fsys.Stat // of nothing: the file at the name of the log is asked, too
	if s.isSame(filepath.Dir(home.path), filepath.Dir(sl.path)) && s.sys.StatPath(home.path, &now) != nil {
		now = fsys.Stat{}
	}
	if !s.isBegun(home, sl.path, a.st.Size) && !s.copiesRotated(home, a.h, a.st.Size, now.ID) && !s.copiesSaved(home, a.h, &a.st) {
		return false
	}
	return s.ignore(sl, a)
}

// ignore notes that what arrived at the name sl is not followed as it is now, and closes it.
// It returns false where another file was followed there, which is there no more.
func (s *Set) ignore(sl *slot, a *arrival) bool {
	_ = a.h.Close()
	a.h, a.exists = nil, false
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.ignored = ignored{a.st.ID, a.st.Size, a.st.Mtime}
	if sl.cur != nil {
		return false
	}
	sl.fresh, sl.err = false, nil
	return true
}

// copiesSaved tells whether the file h, of which st is, has what an earlier run read of a
// generation of the log sl whose file was not found yet: either that one is found, or, if it
// is gone, this one is what was made of it.
func (s *Set) copiesSaved(sl *slot, h *os.File, st *fsys.Stat) bool {
	var saved []State
	s.mu.Lock()
	for id, states := range s.saved {
		for _, of := range states {
			if id != st.ID && of.Pos >= fingerprint.MarkMax && of.HeadLen > 0 && st.Size >= of.Pos && s.isSame(of.Path, sl.path) {
				saved = append(saved, of)
			}
		}
	}
	s.mu.Unlock()
	return slices.ContainsFunc(saved, func(of State) bool { return matches(h, st.Size, &of) })
}

// isBegun tells whether a file of that size, at a path where old generations of the log home
// stand, is one that a copy is just being made in: it is empty, and in another directory.
func (s *Set) isBegun(home *slot, path string, size int64) bool {
	return size == 0 && !s.isSame(filepath.Dir(home.path), filepath.Dir(path))
}
