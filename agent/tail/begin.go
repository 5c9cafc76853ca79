package tail

import (
	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// beginLocked begins to follow what arrived, after what seem to be copies of it; replaced:
// it goes on for old.
func (s *Set) beginLocked(sl *slot, a *arrival, copies []candidate, old *File, replaced bool) *File {
	f := s.adoptCopiesLocked(sl, copies, a.st.Size, func() *File { return s.followLocked(sl, a) })
	if replaced {
		old.heir, f.replaces = f, old
		s.startLocked(f, old.stateLocked())
		if a.twin {
			s.shareLocked(f, old, a.st.Size)
		}
		s.log.Info("file was replaced by a copy that goes on where it ended", "path", sl.path, "file", f.id.String(), "from", f.pos)
	}
	if f.copyOf == nil && !replaced { // what was read of the one before need not be acknowledged yet
		s.unsaved = append(s.unsaved, f.stateLocked())
	}
	return f
}

// shareLocked decides what is read from f, which has size bytes, and what from old, which it
// replaces, and of which not all was read, perhaps: lines may have come to old after the copying,
// and to both since the last look. old stays open for who writes to it still. Where each has
// what the other has not, both are read.
func (s *Set) shareLocked(f, old *File, size int64) {
	var st fsys.Stat
	open := old.handle != nil && s.statLocked(old.handle, &st) == nil
	rest := max(old.size, st.Size)
	switch {
	case rest <= old.pos:
	case open && rest <= size && s.beginsLocked(f.handle, old.handle, rest): // f has all of it
		s.sawLocked(old, &st, s.now())
		old.part, old.partial = 0, false
		s.startAtEndLocked(old, rest)
		old.prove()
	case open && rest > size && size > old.pos && s.endsLineLocked(f, size) && s.beginsLocked(old.handle, f.handle, size):
		f.part = 0
		s.startAtEndLocked(f, size)
	case !open:
		s.finishFromLocked(old, max(old.pos, min(old.size, size)), "replaced")
	}
}

// endsLineLocked tells whether the last of the bytes of f, which are so many, ends a line.
func (s *Set) endsLineLocked(f *File, size int64) bool {
	var last [1]byte
	n, err := s.readLocked(f.handle, last[:], size-1)
	return s.cfg.Newline == NewlineLF && err == nil && n == 1 && last[0] == '\n'
}

// replacesLocked tells whether the file that arrived was renamed over old, of which all was
// read, and goes on where old ended. told is what events told of the name.
func (s *Set) replacesLocked(old *File, a *arrival, told fsnotify.Op) bool {
	if a.h == nil || old.handle == nil || old.state == fileDone || old.pos == 0 || old.head.Len == 0 {
		return false
	}
	var st fsys.Stat
	if err := s.statLocked(old.handle, &st); err != nil || st.Links != 0 || st.Size != old.pos {
		return false
	}
	state := old.stateLocked()
	return history.Replaces(history.Replacement{
		Born: s.birthLocked(a.h), Removed: st.Ctime, Created: told == fsnotify.Create,
		Begins: s.matchesLocked(a.h, a.st.Size, &state),
	})
}

// followLocked begins to follow a file that is not known.
func (s *Set) followLocked(sl *slot, a *arrival) *File {
	if f, ok := s.resumeTwinLocked(sl, a); ok {
		sl.first = false
		return f
	}
	if st, ok := s.takeSavedLocked(a.st.ID, a.h, a.st.Size); ok {
		if !empty(&st) {
			return s.resumeLocked(sl, a, st)
		}
		sl.first = false
		s.forgetLocked(s.slotLocked(st.Path), st.ID)
	}
	home := s.logLocked(sl)
	if home != sl && (a.beside || s.apartLocked(sl, home, a)) {
		home, sl.home, sl.alone = sl, nil, true
	}
	if home != sl {
		f := s.memberLocked(home, a.name, a)
		s.followFromLocked(sl, f, a)
		return f
	}
	f := s.newLocked(sl, a.name, &a.st, a.h)
	s.followFromLocked(sl, f, a)
	return f
}

// followFromLocked decides where reading of f begins, which arrived at the name sl.
func (s *Set) followFromLocked(sl *slot, f *File, a *arrival) {
	f.sawEmpty(a.at)
	if sl.first {
		s.startLocked(f, a.start)
	} else if o := a.known.of; o != nil && (a.known.rest || f.packed != nil) {
		s.startLocked(f, o.state)
	} else if o != nil {
		s.startAtEndLocked(f, a.st.Size)
	} else if o := s.originalLocked(sl, a); o != nil {
		s.suspectLocked(f, o)
	} else if o := s.contentOriginalLocked(f); o != nil {
		f.byContent = true
		s.suspectLocked(f, o)
	}
	if f.copyOf != nil && f.home != sl {
		f.home.drop(f)
	}
	sl.first = false
}

// inheritLocked gives up the states of those that f goes on for, when something is about to
// be read of f: a later run would look for them in copies, and those are of f. They
// themselves stay open for who writes to them still.
func (s *Set) inheritLocked(f *File) {
	if f.replaces == nil {
		return
	}
	s.unsaved = append(s.unsaved, f.stateLocked())
	for o := f; o.replaces != nil; {
		before := o.replaces
		s.gone = append(s.gone, before.id)
		o.replaces, o = nil, before
	}
}

// bequeathLocked tells of what goes on for f, which ends: a later run would know nothing of the
// log else.
func (s *Set) bequeathLocked(f *File) {
	h := f.heir
	for h != nil && h.state == fileDone {
		h = h.heir
	}
	if h != nil {
		s.inheritLocked(h)
	}
}
