package tail

import (
	"path/filepath"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// A log may go on under another inode: after cp -a or rsync, on another disk, when an
// editor saved it, on a file system without stable inode numbers. The content tells: the
// head, and the mark at the position. So does the place of the file that was there before:
// at a rotated name it is an old generation, however alike the new one is.

// twin notes whether what arrived at the name is what was read there before.
func (s *Set) twin(sl *slot, a *arrival) {
	a.twin = false
	if a.h == nil || s.isKnown(a.st.ID) {
		return
	}
	s.mu.Lock()
	old := sl.cur
	var st State
	ok := old != nil && old.home == sl && old.state != fileDone
	if ok {
		st = old.stateLocked()
		st.Size, st.ModTime = old.size, time.Unix(0, old.mtime)
	} else if old == nil && sl.fresh {
		st, ok = s.newestAt(sl.path)
		ok = ok && s.isSavedLocked(st.ID)
	}
	s.mu.Unlock()
	id := fsys.Inode{Dev: st.ID.Dev, Ino: st.ID.Ino}
	if !ok || st.Pos == 0 || st.HeadLen == 0 || id == a.st.ID || !matches(a.h, a.st.Size, &st) {
		return
	}
	a.twin = history.GoesOn(history.Twin{
		Pos:      st.Pos,
		Dead:     old != nil && s.isDead(old),
		SameTime: st.Size == a.st.Size && st.ModTime.UnixNano() == a.st.Mtime,
		Rotated:  s.standsRotated(sl, id, &st, old),
	})
}

// standsRotated tells whether the file of that identity, of which st is, stands at a
// rotated name of sl. Where that cannot be known now, it does.
func (s *Set) standsRotated(sl *slot, id fsys.Inode, st *State, old *File) bool {
	name, err := s.locate(s.lists, id, sl.path)
	if err != nil && !fsys.IsGone(err) {
		return true
	}
	if name == "" {
		return false
	}
	if old == nil { // the number may be that of another file now
		var now fsys.Stat
		if s.sys.StatPath(name, &now) != nil || now.ID != id || !s.hasContent(name, &now, st) {
			return false
		}
	}
	_, ok := s.rotatedIn(filepath.Base(sl.path), filepath.Base(name))
	return ok || !s.isSame(filepath.Dir(name), filepath.Dir(sl.path))
}

// isSavedLocked tells whether the file of a saved generation was not found yet.
func (s *Set) isSavedLocked(id FileID) bool {
	for _, st := range s.saved[fsys.Inode{Dev: id.Dev, Ino: id.Ino}] {
		if st.ID == id {
			return true
		}
	}
	return false
}

// resumeTwinLocked goes on, in what arrived, with what was saved of the name.
func (s *Set) resumeTwinLocked(sl *slot, a *arrival) (*File, bool) {
	st, ok := s.newestAt(sl.path)
	if !a.twin || !ok || !s.isSavedLocked(st.ID) || !s.matchesLocked(a.h, a.st.Size, &st) {
		return nil, false
	}
	return s.resumeElsewhereLocked(sl, a, st), true
}

// resumeElsewhereLocked goes on with a saved generation in a file of another inode.
func (s *Set) resumeElsewhereLocked(sl *slot, a *arrival, st State) *File {
	s.takeOffLocked(st.ID)
	s.gone = append(s.gone, st.ID)
	s.supersededLocked(a.st.ID)
	old := st.ID
	st.Origin = st.Origins()
	st.ID.Dev, st.ID.Ino = a.st.ID.Dev, a.st.ID.Ino
	f := s.resumeLocked(sl, a, st)
	s.unsaved = append(s.unsaved, f.stateLocked())
	s.log.Info("the same content is in another file now; reading goes on in it", "path", f.path, "name", a.name,
		"file", f.id.String(), "before", old.String(), "from", f.pos)
	return f
}

// takeOffLocked takes one saved generation off the list.
func (s *Set) takeOffLocked(id FileID) {
	k := fsys.Inode{Dev: id.Dev, Ino: id.Ino}
	rest := s.saved[k][:0:0]
	for _, st := range s.saved[k] {
		if st.ID != id {
			rest = append(rest, st)
		}
	}
	s.saved[k] = rest
	if len(rest) == 0 {
		delete(s.saved, k)
	}
}
