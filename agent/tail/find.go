package tail

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/packed"
	"logctl/agent/tail/internal/rotation"
)

// errTryLater says that files are being renamed, or cannot be opened, right now.
var errTryLater = errors.New("files are being renamed")

// locate looks for a file by identity in the directories of the names.
func (s *Set) locate(lists map[string]*listing, id fsys.Inode, names ...string) (string, error) {
	var failed error
	done := ""
	for _, name := range names {
		dir := filepath.Dir(name)
		if dir == done {
			continue
		}
		done = dir
		found, err := s.list(lists, dir).find(&s.sys, dir, id)
		if found != "" {
			return found, nil
		}
		if err != nil {
			failed = err
		}
	}
	return "", failed
}

// find opens a file that is not at its last name any more. Without a file and
// without an error it is nowhere in its directories. These are read once for all who ask
// with the same lists, unless the file is not where it was then.
func (s *Set) find(lists map[string]*listing, f *File) (*os.File, string, error) {
	s.mu.Lock()
	name := f.name
	s.mu.Unlock()
	asked := lists != nil
	names := append([]string{name}, s.familyNames(lists, f.home)...)
	again := func() {
		asked = false
		if lists != nil {
			s.forgetLists(lists, names...)
		}
	}
	for try := 0; try < 3; try++ { // it may move on while it is looked for
		found, err := s.locate(lists, f.inode(), names...)
		if err == nil && found == "" && asked && !s.rests(lists, names...) {
			again()
			try--
			continue
		}
		if err != nil && !fsys.IsGone(err) || found == "" {
			if fsys.IsGone(err) {
				err = nil
			}
			return nil, "", err
		}
		h, st, err := s.openRetry(found)
		if err == nil && f.isIn(h, &st) {
			return h, found, nil
		}
		if err == nil {
			_ = h.Close()
			if st.ID == f.inode() { // its number was given again
				return nil, "", nil
			}
		} else if !fsys.IsGone(err) {
			return nil, "", err
		}
		again()
	}
	return nil, "", errTryLater
}

// copySpan is how much older than the last write that was seen to a file a copy of it may
// be: writers go on between the copy and the truncation.
const copySpan = int64(time.Hour)

// earliest is when a file that came after p, or is a copy of it, was modified at the
// earliest.
func (p *past) earliest() int64 {
	if p.anew {
		return p.mtime
	}
	if p.seen != 0 {
		return min(p.mtime, p.seen) - copySpan
	}
	return p.mtime - copySpan
}

// compare tells whether c came after p, and whether its times say otherwise. named is
// positive when the name of c is that of the younger one of both.
func (p *past) compare(c *candidate, named int) (younger, contradicts bool) {
	sib := history.Sibling{Mtime: c.st.Mtime, Born: c.born, LastMtime: p.mtime, LastBorn: p.born, LastSeen: p.seen, Named: named}
	if p.anew && c.born == 0 {
		return false, false
	}
	if p.trunc {
		sib.LastBorn = 0 // the file goes on: it was created before its copies
	}
	return history.Younger(sib)
}

// youngerByName leaves those of the generations found that came after p by their names, if
// their times say that they did not. first is the tag that p has now.
func (s *Set) youngerByName(sl *slot, p *past, first rotation.Tag, found []candidate) []candidate {
	rising := rotation.Rising(first, p.born, ages(found))
	return slices.DeleteFunc(found, func(c candidate) bool {
		if !c.stale {
			return false
		}
		if first.Text != "" && c.tag.Text != "" && rotation.Older(first, c.tag, rising) < 0 {
			if younger, _ := p.compare(&c, 1); younger {
				s.log.Info("times contradict the names of rotated files; the names are believed", "path", sl.path, "name", c.path)
				return false
			}
		}
		_ = c.h.Close()
		return true
	})
}

// copied tells whether the file h, which has size bytes, is a copy of p: it has what p had
// up to the position, or it ended before that.
func (p *past) copied(h *os.File, size int64) bool {
	if p.state.HeadLen == 0 || size == 0 {
		return false
	}
	if size >= p.state.Pos || formatOf(h, size) != packed.Plain {
		return matches(h, size, &p.state)
	}
	return p.trail.Ended(h, size, fingerprint.Head{Len: p.state.HeadLen, Hash: p.state.HeadHash})
}

// unseen returns the generations that came after p and are not at the watched
// name: files of its family, not known by identity, and modified since p was last
// seen; oldest first. now is what is at the name.
func (s *Set) unseen(sl *slot, p *past, now fsys.Inode) ([]candidate, error) {
	var found []candidate
	var failed error
	var first rotation.Tag
	for _, r := range s.rooms(s.lists, sl, p) {
		l := s.list(s.lists, r.dir)
		if l.err != nil {
			failed = l.err
			continue
		}
		names := s.names(r, l.names)
		before := s.idsOf(r.dir, names)
		for i, n := range names {
			c, err := s.candidate(sl, p, filepath.Join(r.dir, n.name), now)
			if err != nil {
				failed = err
			} else if c.h != nil {
				c.tag = n.tag
				found = append(found, c)
			} else if before[i] == p.id {
				first = n.tag
			}
		}
		if !s.holds(l, r, names) || !slices.Equal(before, s.idsOf(r.dir, names)) || slices.Contains(before, fsys.Inode{}) {
			failed = errTryLater // while they move, one could have been missed
		}
	}
	if p.trunc {
		found = append(found, s.strangers(sl, p, now, found)...)
	}
	if errors.Is(failed, errTryLater) {
		for i := range found {
			_ = found[i].h.Close()
		}
		delete(s.lists, filepath.Dir(sl.path))
		return nil, failed
	}
	found = onePerCopy(found)
	byAge(found)
	found = s.proven(sl, p, s.youngerByName(sl, p, first, found), now)
	byAge(found)
	risingOrder(first, p.born, found)
	return found, failed
}

// risingOrder sorts those found again if their numbers rise: see rotation.Rising.
func risingOrder(first rotation.Tag, born int64, found []candidate) {
	if !rotation.Rising(first, born, ages(found)) {
		return
	}
	for i := range found {
		found[i].rising = true
	}
	byAge(found)
}

// onePerCopy leaves of the copies of one generation the longest plain one to read its rest
// from: a copy that is compressed later stands on disk twice for some time.
func onePerCopy(found []candidate) []candidate {
	best := -1
	for i := range found {
		c := &found[i]
		if !c.copied || c.known.of != nil {
			continue
		}
		plain := formatOf(c.h, c.st.Size) == packed.Plain
		if best < 0 || plain && (found[best].st.Size < c.st.Size || formatOf(found[best].h, found[best].st.Size) != packed.Plain) {
			best = i
		}
	}
	if best < 0 {
		return found
	}
	return spareCopies(found, found[best].path)
}

// spareCopies leaves the rest of a generation to the copy chosen, or to one that is not
// among those found: the other plain ones are followed from their ends, and compressed
// ones take the place of what they were made of when that is gone.
func spareCopies(found []candidate, chosen string) []candidate {
	for i := range found {
		found[i].spare = found[i].copied && found[i].known.of == nil && found[i].path != chosen
	}
	return slices.DeleteFunc(found, func(c candidate) bool {
		if !c.spare || formatOf(c.h, c.st.Size) == packed.Plain {
			return false
		}
		_ = c.h.Close()
		return true
	})
}

// strangers returns the copies of p, which was truncated, that have a name which the glob
// matches and nothing was seen at yet, in its directory, but for those that are found.
func (s *Set) strangers(sl *slot, p *past, now fsys.Inode, found []candidate) []candidate {
	if s.walker.Literal {
		return nil
	}
	dir := filepath.Dir(sl.path)
	var copies []candidate
	for _, n := range s.list(s.lists, dir).names {
		path := filepath.Join(dir, n)
		if !s.isNew(path) || !s.walker.Match(path) || slices.ContainsFunc(found, func(c candidate) bool { return c.path == path }) {
			continue
		}
		c, err := s.candidate(sl, p, path, now)
		switch {
		case err != nil || c.h == nil:
		case c.copied && (s.isRotated(sl.path, n) || c.st.Size >= fingerprint.HeadMax && p.tellsMore(&c)):
			copies = append(copies, c)
		default:
			_ = c.h.Close()
		}
	}
	return copies
}

// tellsMore tells whether more than the head of c, which seems to be a copy of p, says so:
// programs of which several run begin their logs alike. Of what an earlier run read, no more
// is known.
func (p *past) tellsMore(c *candidate) bool {
	return p.trail.IsZero() || c.st.Size >= p.state.Pos || p.trail.Reaches(c.st.Size) || formatOf(c.h, c.st.Size) != packed.Plain
}

// isRotated tells whether the name alone says that it is a rotated one of the path.
func (s *Set) isRotated(path, name string) bool {
	tag, ok := s.rotatedOf(filepath.Base(path), name)
	return ok && tag.Certain
}

// isNew tells whether nothing was seen at the path yet.
func (s *Set) isNew(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.slotAtLocked(path)
	return sl == nil || sl.cur == nil && sl.last == nil
}

// before leaves those of the generations found that came before what is in f now,
// which was moved away. st is of f. It fails with errTryLater when names were changed
// since they were found: they may have to tell the order.
func (s *Set) before(found []candidate, f *File, st *fsys.Stat) ([]candidate, error) {
	now := candidate{st: *st, born: f.born}
	rooms := s.rooms(s.lists, f.home, nil)
	for range 2 {
		if tag, ok := s.tagOf(rooms, f.inode()); ok {
			now.tag = tag
			break
		}
		for _, r := range rooms {
			delete(s.lists, r.dir) // it has moved since they were listed
		}
	}
	for i := range found {
		var st fsys.Stat
		if s.sys.StatPath(found[i].path, &st) != nil || st.ID != found[i].st.ID {
			s.discard(&arrival{}, found)
			return nil, errTryLater
		}
	}
	return slices.DeleteFunc(found, func(c candidate) bool {
		// A link was switched to a file named like its targets after it had led to f: a
		// late write to f says nothing else.
		if older(c, now) < 0 && (c.copied || c.tag.Place != rotation.Target) {
			return false
		}
		_ = c.h.Close() // it is found again
		return true
	}), nil
}

// tagOf looks for a file in the rooms and returns the tag of its name.
func (s *Set) tagOf(rooms []*room, id fsys.Inode) (rotation.Tag, bool) {
	for _, r := range rooms {
		names := s.names(r, s.list(s.lists, r.dir).names)
		if i := slices.Index(s.idsOf(r.dir, names), id); i >= 0 {
			return names[i].tag, true
		}
	}
	return rotation.Tag{}, false
}

// absent begins to look at the names of a glob that have rotated files only: they may
// have come and gone while nobody looked. It is part of the first scan.
func (s *Set) absent() {
	if s.walker.Literal || s.cfg.FirstStart {
		return
	}
	for dir := range s.walker.Dirs() {
		for _, n := range s.list(s.lists, dir).names {
			_, _, dated := rotation.Dated(n)
			member := dated && s.walker.Match(filepath.Join(dir, n))
			for _, base := range rotation.Bases(n) {
				path := filepath.Join(dir, base)
				_, saved := s.newestAt(path)
				if tag, _ := rotation.Of(base, n); tag.Place != rotation.Behind || !s.walker.Match(path) || member && !saved || s.hasOrigin(path) {
					continue
				}
				s.mu.Lock()
				s.slotLocked(path)
				s.mu.Unlock()
			}
		}
	}
}

// idsOf returns what is behind the names, zero for nothing, and the same for all links
// that lead nowhere.
func (s *Set) idsOf(dir string, names []relative) []fsys.Inode {
	ids := make([]fsys.Inode, len(names))
	for i, n := range names {
		var st fsys.Stat
		if err := s.sys.StatPath(filepath.Join(dir, n.name), &st); err == nil {
			ids[i] = st.ID
		} else if _, err := os.Lstat(filepath.Join(dir, n.name)); err == nil {
			ids[i].Dev = math.MaxUint64
		}
	}
	return ids
}
