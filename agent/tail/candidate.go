package tail

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/packed"
	"logctl/agent/tail/internal/rotation"
)

// candidate is a generation that was never seen at the watched name.
type candidate struct {
	path   string
	tag    rotation.Tag
	st     fsys.Stat
	born   int64 // creation time, 0 unknown
	h      *os.File
	copied bool     // it is a copy of the generation before, which was truncated
	spare  bool     // there is another copy, which the rest is read from
	known  recalled // it is a copy of one that ended
	rising bool     // see rising
	stale  bool     // by its times it came before
	became bool     // it was compressed while it was kept open: tag is that of the compressed file
}

// openCandidate opens the file at path if it is none that is followed; without a handle it
// is none, or cannot be opened. lapsed is a generation that had its number, perhaps.
func (s *Set) openCandidate(p *past, path string, now fsys.Inode) (h *os.File, st fsys.Stat, lapsed *File, err error) {
	if err := s.sys.StatPath(path, &st); err != nil || !st.Regular || st.ID == now || st.Mtime < p.earliest() {
		return nil, st, nil, nil
	}
	id := st.ID
	lapsed = s.lapsed(id)
	if lapsed == nil && s.follows(id, path) || s.allowed(path, s.sys.Resolve(path)) != nil {
		return nil, st, nil, nil
	}
	h, st, err = s.openRetry(path)
	switch {
	case isRefused(err):
		s.log.Warn("rotated file cannot be opened", "path", path, "error", words(err))
		return nil, st, nil, nil
	case fsys.IsUnshared(err):
		return nil, st, nil, fmt.Errorf("%w, one is %w", errTryLater, err)
	case err != nil:
		return nil, st, nil, errTryLater
	case st.ID != id:
		_ = h.Close()
		return nil, st, nil, nil
	}
	return h, st, lapsed, nil
}

// candidate opens the file at path if it may be a generation after p; without a
// handle it is none.
func (s *Set) candidate(sl *slot, p *past, path string, now fsys.Inode) (candidate, error) {
	h, st, lapsed, err := s.openCandidate(p, path, now)
	if h == nil {
		return candidate{}, err
	}
	if s.isBegun(sl, path, st.Size) && s.walker.Match(path) { // it arrives there when it has content
		_ = h.Close()
		return candidate{}, nil
	}
	s.mu.Lock()
	saved := slices.Clone(s.saved[st.ID])
	s.mu.Unlock()
	c := candidate{path: path, st: st, born: s.sys.Birth(h), h: h}
	goesOn := p.trunc && p.copied(h, st.Size)
	if lapsed != nil && !goesOn {
		_ = h.Close()
		return candidate{}, nil
	} else if lapsed != nil {
		s.endLapsed(lapsed)
	}
	if !goesOn {
		c.known = s.recall(h, st.Size)
	}
	same := func(of State) bool {
		return (!of.waits() || !goesOn) && (of.Rotated || !empty(&of)) && s.sameFile(h, st.Size, &of)
	}
	switch {
	case slices.ContainsFunc(saved, same): // of an earlier run
	case goesOn:
		c.copied = true
		return c, nil
	case s.copiesRotated(sl, h, st.Size, now), formatOf(h, st.Size) == packed.Plain && s.copiesSaved(sl, h, &st): // it is read where it stands
	case c.known.of != nil: // copied when that had ended
		if c.known.rest && (formatOf(h, st.Size) == packed.Plain || s.mayBePacked(sl, p, path, h, st.Size)) {
			c.copied = true
			return c, nil
		}
	case rotation.BeingMade(path, st.Size, packed.SniffLen): // being made; what it is made of stands beside it until it is whole
	case formatOf(h, st.Size) != packed.Plain && !s.mayBePacked(sl, p, path, h, st.Size): // known, or not to be read
	default:
		younger, contradicts := p.compare(&c, 0)
		c.stale = !younger
		if younger || contradicts && p.id != (fsys.Inode{}) {
			return c, nil
		}
	}
	_ = h.Close()
	return candidate{}, nil
}

// age is what tells how old c is.
func (c *candidate) age() rotation.Age {
	return rotation.Age{Tag: c.tag, Mtime: c.st.Mtime, Born: c.born, Copied: c.copied, Rising: c.rising, Renamed: c.became}
}

// older compares the age of two generations.
func older(a, b candidate) int { return rotation.CompareAges(a.age(), b.age()) }

// byAge sorts generations, oldest first. Those whose names tell nothing go where their times
// put them among the others: sorted together they could part two whose names tell.
func byAge(found []candidate) {
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Compare(min(b.tag.Place, 1), min(a.tag.Place, 1))
	})
	named := slices.IndexFunc(found, func(c candidate) bool { return c.tag.Place == 0 })
	if named < 0 {
		named = len(found)
	}
	nameless := slices.Clone(found[named:])
	slices.SortStableFunc(found[:named], older)
	for n, c := range nameless {
		all := found[:named+n]
		i := slices.IndexFunc(all, func(o candidate) bool { return older(c, o) < 0 })
		if i < 0 {
			i = len(all)
		}
		copy(found[i+1:named+n+1], all[i:])
		found[i] = c
	}
}

// ages returns the ages of those found.
func ages(found []candidate) []rotation.Age {
	all := make([]rotation.Age, len(found))
	for i := range found {
		all[i] = found[i].age()
	}
	return all
}

// discardLocked is discard in the middle of a change.
func (s *Set) discardLocked(a *arrival, found []candidate) {
	s.mu.suspend()
	defer s.mu.resume()
	s.discard(a, found)
}

// discard closes what is not followed.
func (s *Set) discard(a *arrival, found []candidate) {
	if a.h != nil {
		_ = a.h.Close()
	}
	for i := range found {
		_ = found[i].h.Close()
	}
}
