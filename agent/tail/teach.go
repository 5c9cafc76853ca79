package tail

import (
	"path/filepath"
	"slices"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/packed"
	"logctl/agent/tail/internal/rotation"
)

// Under a glob, a name like app.1.log says nothing: it may be an old generation of app.log,
// or the log of another worker. A generation of app.log that is known by its identity and
// stands at app.3.log now shows that the log has its old generations there: then files that
// nobody saw and that stand at such names are generations of it too, unless their times say
// that they were written beside it.

// homesMost is how many logs are asked for one name.
const homesMost = 64

// kindOf is what names have in common that differ in numbers, and in an ending of
// compression: a name that was learned and those of its pattern have the same.
func kindOf(path string) string {
	dir, name := split(path)
	name, _ = rotation.Unpacked(name)
	p, _ := rotation.Like(name)
	d, _ := rotation.Like(dir)
	return filepath.Join(d.String(), p.String())
}

// index notes under which kinds of names old generations of a log stand.
func (m *memory) index(path string, names []lesson) {
	if m.homes == nil {
		m.homes = map[string][]string{}
	}
	for _, l := range names {
		k := kindOf(filepath.Join(l.dir, l.pattern.Example()))
		if all := m.homes[k]; len(all) < homesMost && !slices.Contains(all, path) {
			m.homes[k] = append(all, path)
		}
	}
	m.lessons++
}

// taughtHomeLocked returns the log that the name sl is one of an old generation of, as was
// learned from others of its generations; nil: of none. Of several the shortest name is
// taken: app.log, not app.1.log.
func (s *Set) taughtHomeLocked(sl *slot, k *kinship) *slot {
	if sl.newest > 0 { // a log of its own stood there
		return nil
	}
	if k.asked != s.memory.lessons {
		k.asked, k.taught = s.memory.lessons, ""
		for _, path := range s.memory.homes[kindOf(sl.path)] {
			if !s.isSame(path, sl.path) && s.taughtBy(path, s.memory.names[path], sl.path) && (k.taught == "" || len(path) < len(k.taught)) {
				k.taught = path
			}
		}
	}
	home := s.slotAtLocked(k.taught)
	_, saved := s.newestAt(k.taught)
	if home == nil || home.virtual || home.seen == 0 && !saved {
		return nil
	}
	return home
}

// taughtBy tells whether one of the patterns that the log taught is that of a path.
func (s *Set) taughtBy(log string, names []lesson, path string) bool {
	dir, name := split(path)
	name = s.spelled(filepath.Base(log), name)
	return slices.ContainsFunc(names, func(l lesson) bool {
		_, ok := l.pattern.Match(name)
		return ok && sameButDigits(s.key(l.dir), s.key(dir))
	})
}

// teach learns from files that are known, and stand at names of the glob that are not those
// of their logs: such a name is one of an old generation from then on.
func (s *Set) teach(slots []*slot) {
	if s.walker.Literal {
		return
	}
	for _, sl := range slots {
		var st fsys.Stat
		if sl.virtual || sl.alone || s.sys.StatPath(sl.path, &st) != nil || !st.Regular || isLink(sl.path) {
			continue
		}
		home := s.renamedFrom(sl, st.ID)
		var now fsys.Stat
		if home == nil || s.sys.StatPath(home.path, &now) == nil && now.ID == st.ID {
			continue // nothing, or one of two names that it has
		}
		s.learn(home, sl.path)
		s.mu.Lock()
		if sl.home == nil {
			sl.home = home
		}
		s.mu.Unlock()
	}
}

// renamedFrom returns the log of which the file of that identity is a generation, if the
// log has another name than sl; nil: it is not known, or of no such log.
func (s *Set) renamedFrom(sl *slot, id fsys.Inode) *slot {
	s.mu.Lock()
	f := s.byInode[id]
	plain := f != nil && f.packed == nil
	saved := slices.ContainsFunc(s.saved[id], func(st State) bool { return !s.isSame(st.Path, sl.path) })
	s.mu.Unlock()
	switch {
	case plain && f.home != sl && !f.home.virtual && s.isSame(f.home.path, f.path) && s.follows(id, sl.path):
		return f.home
	case f != nil || !saved:
		return nil
	}
	h, now, err := s.openRetry(sl.path)
	if err != nil {
		return nil
	}
	defer func() { _ = h.Close() }()
	if home := s.homeOfSaved(id, h, &now); home != nil && home != sl && !home.virtual && formatOf(h, now.Size) == packed.Plain {
		return home
	}
	return nil
}

// besides tells whether the file that arrived at a learned name of the log home was written
// beside the log, so that it is none of its generations: it was created after what is at
// the name of the log now, or written to long after that was created, or for long at the
// same time as a generation before.
func (s *Set) besides(sl, home *slot, a *arrival) bool {
	if home == sl || home.virtual || a.h == nil || isPackedName(sl.path) || s.isKnown(a.st.ID) {
		return false
	}
	if tag, ok := s.rotatedOf(filepath.Base(home.path), filepath.Base(sl.path)); ok && tag.Certain {
		return false
	}
	var now fsys.Stat
	if s.sys.StatPath(home.path, &now) != nil {
		return false
	}
	begun, born := s.begunAt(home, now.ID), s.sys.Birth(a.h)
	if begun == 0 || born == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	overlaps := func(f *File) bool {
		return f.inode() != now.ID && f.born != 0 && f.packed == nil && born+history.Overlap < f.mtime && f.born+history.Overlap < a.st.Mtime
	}
	return born > begun || a.st.Mtime > begun+history.Overlap || slices.ContainsFunc(home.queue, overlaps) || slices.ContainsFunc(home.late, overlaps)
}

// isTaught tells whether nothing but a generation of the log is known at a learned name.
func (s *Set) isTaught(log *slot, path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.slotAtLocked(path)
	return sl == nil || !sl.alone && s.logLocked(sl) == log
}

// noticeTruncations notices that the files at the names of logs were truncated before names of
// old generations of these logs are looked at: those may be copies of what was in the
// files. It returns the logs of which that cannot be told now.
func (s *Set) noticeTruncations(homes map[*slot]*slot) map[*slot]bool {
	held := map[*slot]bool{}
	for sl, home := range homes {
		if _, done := held[home]; done || sl == home || home.virtual {
			continue
		}
		var now fsys.Stat
		if s.sys.StatPath(home.path, &now) != nil {
			now = fsys.Stat{}
		}
		s.lists = map[string]*listing{}
		held[home] = s.aboutToNotice(home) || !s.noticeTruncation(home, now.ID)
	}
	return held
}

// beginsLike tells whether what arrived seems to be a copy of what arrived at the name of its
// log home, which is among those that are looked at later: it was made later, and has the
// same as far as it goes.
func (s *Set) beginsLike(a *arrival, home *slot, later []*slot, arrived []arrival) bool {
	i := slices.Index(later, home)
	if i < 0 || a.h == nil || arrived[i].h == nil || s.isKnown(a.st.ID) {
		return false
	}
	h := arrived[i].h
	return s.sys.Birth(a.h) >= s.sys.Birth(h) && fingerprint.Begins(h, a.h, a.st.Size)
}

// otherName returns the name that is left of a file whose name sl leads to another file
// now: a program that keeps a hard link to its newest file has the files themselves at names
// of their own. It is otherwise when there is none.
func (s *Set) otherName(sl *slot, f *File, otherwise string) string {
	s.mu.Lock()
	h := f.handle
	s.mu.Unlock()
	var st fsys.Stat
	if h == nil || s.sys.StatFile(h, &st) != nil || st.Links == 0 {
		return otherwise
	}
	if at, err := s.locate(s.lists, st.ID, sl.path); err == nil && at != "" {
		return at
	}
	return otherwise
}
