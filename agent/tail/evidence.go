package tail

import (
	"path/filepath"
	"slices"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/rotation"
)

// A name like app-1.log proves nothing: it may be an old generation of app.log, or the
// log of another worker. What tells is when the file was created and last written.
// Generations of one log follow one another; logs that are written side by side do
// not. And the generation that was followed last shows how names are made here: if it
// stands at app-2.log now, app-1.log is one of its family. Where it was deleted, so
// that nothing shows that, the others must fit together without a gap: one is
// created when the one before it was written to for the last time.

// chainGap is the longest time between the end of one generation and the beginning of
// the next, where nothing but their times speaks for them.
const chainGap = time.Second

// proven leaves those of the candidates that are generations of the log sl after p.
// now is what is at its name.
func (s *Set) proven(sl *slot, p *past, found []candidate, now fsys.Inode) []candidate {
	uncertain := func(c candidate) bool { return !c.tag.Certain && !c.copied }
	if !slices.ContainsFunc(found, uncertain) {
		return found
	}
	begun := s.begunAt(sl, now)
	var kept, doubtful []candidate
	for _, c := range found {
		known := s.taughtBy(sl.path, sl.family.learned, c.path) || c.tag.Place == rotation.Target && c.born != 0
		overlap := int64(clockGrain)
		if known {
			overlap = history.Overlap
		}
		switch {
		case !uncertain(c):
			kept = append(kept, c)
		case c.sideBySide(p, begun, overlap):
			s.doubt(sl, &c, "it was written at the same time as the log itself")
		case known:
			kept = append(kept, c)
		case p.id != fsys.Inode{} && p.name != "" && !s.isSame(p.name, sl.path), c.born == 0:
			s.doubt(sl, &c, "its name does not tell, and the generation before has another one")
		default:
			doubtful = append(doubtful, c)
		}
	}
	return append(kept, s.chain(sl, doubtful, begun)...)
}

// sideBySide tells whether c was written while p was, or while what is at the name
// since begun was, for longer than so many nanoseconds. A compressed file tells nothing of
// when it was written. Where names are known, a program may write to the old file until
// it is told of the new one (logrotate's postrotate), or its buffers are empty: see
// history.Overlap.
func (c *candidate) sideBySide(p *past, begun, longest int64) bool {
	if c.tag.Packed != "" {
		return false
	}
	return begun != 0 && c.st.Mtime > begun+longest || c.born != 0 && c.born+longest < p.mtime
}

// chain leaves those candidates that follow one another without a gap, up to what was
// begun then.
func (s *Set) chain(sl *slot, found []candidate, begun int64) []candidate {
	slices.SortFunc(found, older)
	for i := len(found) - 1; i >= 0; i-- {
		c := &found[i]
		gap := begun - c.st.Mtime
		if c.tag.Packed != "" || begun != 0 && gap >= -int64(clockGrain) && gap <= int64(chainGap) {
			begun = c.born
			continue
		}
		for j := range found[:i+1] {
			s.doubt(sl, &found[j], "its name does not tell, and there is a gap between it and the next generation")
		}
		return found[i+1:]
	}
	return found
}

// doubt closes a candidate and says why it is not read, once for each name.
func (s *Set) doubt(sl *slot, c *candidate, why string) {
	_ = c.h.Close()
	if sl.family.doubted == nil {
		sl.family.doubted = map[string]struct{}{}
	}
	if _, said := sl.family.doubted[c.path]; said || len(sl.family.doubted) > roomsMost {
		return
	}
	sl.family.doubted[c.path] = struct{}{}
	s.log.Warn("a file may be an old generation of a log and is not read as one: name it in the entry's rotated globs if it is",
		"path", sl.path, "name", c.path, "why", why)
}

// begunAt returns when what is at the name of the log was created; 0: not known, or
// nothing is there.
func (s *Set) begunAt(sl *slot, now fsys.Inode) int64 {
	if now == (fsys.Inode{}) {
		return 0
	}
	h, st, err := s.openRetry(sl.path)
	if err != nil {
		return 0
	}
	defer func() { _ = h.Close() }()
	if st.ID != now {
		return 0
	}
	return s.sys.Birth(h)
}

// whereIs returns the name of a file that may have been renamed, as far as it can be
// told without looking for it; "" when it has none.
func (s *Set) whereIs(f *File) string {
	s.mu.Lock()
	h, name := f.handle, f.name
	s.mu.Unlock()
	if h == nil {
		return name
	}
	at, ok := fsys.NameOf(h)
	if !ok {
		return name
	}
	if s.isSame(filepath.Dir(at), s.sys.Resolve(filepath.Dir(name))) {
		at = filepath.Join(filepath.Dir(name), filepath.Base(at)) // as it is written in the entry
	}
	return at
}
