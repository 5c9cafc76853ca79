package tail

import (
	"os"
	"slices"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/packed"
	"logctl/agent/tail/internal/rotation"
)

// What becomes of a generation whose file is gone: a compressed file of the same
// content may stand in its place. Then that file is the generation from then on, so
// that what was not read of it is read, and what was read is not taken for another
// generation later.

// packedOf opens the compressed file that f became, or the copy of f in another place; nil:
// there is none. scanMu is held.
func (s *Set) packedOf(f *File) (*os.File, string, fsys.Stat) {
	s.mu.Lock()
	state, since, name, isPacked, heir := f.stateLocked(), f.bound, f.name, f.packed != nil, f.heir
	s.mu.Unlock()
	if s.lists == nil { // not in a scan: what is kept will do
		s.lists = map[string]*listing{}
		defer func() { s.lists = nil }()
	}
	if state.HeadLen == 0 || isPacked || heir != nil { // what has its content was made of its heir
		return nil, "", fsys.Stat{}
	}
	for _, path := range append(rotation.Packed(name), s.familyPaths(f.home)...) {
		var st fsys.Stat
		if s.sys.StatPath(path, &st) != nil || !st.Regular || st.Mtime < since-int64(copySlack) || rotation.Temporary(path) ||
			s.isRead(st.ID) || s.allowed(path, s.sys.Resolve(path)) != nil {
			continue
		}
		h, opened, err := s.openRetry(path)
		if err != nil {
			continue
		}
		if opened.ID == st.ID && s.isMadeOf(h, opened.Size, &state) {
			return h, path, opened
		}
		_ = h.Close()
	}
	return nil, "", fsys.Stat{}
}

// isMadeOf tells whether the file h is what the generation of that state was compressed or
// copied into.
func (s *Set) isMadeOf(h *os.File, size int64, st *State) bool {
	if formatOf(h, size) != packed.Plain {
		return isPlainOf(h, size, st)
	}
	return st.Pos >= fingerprint.MarkMax && size >= st.Size && matches(h, size, st)
}

// isRead tells whether the file of that identity is followed, and not because another
// one has its content.
func (s *Set) isRead(id fsys.Inode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.byInode[id]
	return f != nil && (f.packed == nil || !f.packed.other)
}

// endDeleted ends a generation whose file is gone, or goes on with the compressed file
// that it became. held: the caller holds it. scanMu is held.
func (s *Set) endDeleted(f *File, held bool, why string) {
	h, path, st := s.packedOf(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.state == fileDone || (f.state == fileHeld) != held {
		if h != nil {
			s.shutLocked(h)
		}
		return // its holder finds out
	}
	if h == nil {
		rescued, _, _ := s.copiesOfLocked(f, nil, nil)
		s.finishFromLocked(f, f.pos+rescued, why)
		return
	}
	state, passed := f.stateLocked(), f.phase == history.Passed
	state.Size, state.ModTime = max(f.size, f.pos), time.Unix(0, st.Mtime-1)
	f.size = f.pos // the rest is in the other file
	if o := s.byInode[st.ID]; o != nil {
		s.finishFromLocked(o, o.size, "it goes on for the file that it was made of") // which has all of it
	}
	n := &File{set: s, id: FileID{st.ID.Dev, st.ID.Ino, f.id.Gen}}
	s.addLocked(n, f.home, path, &st, h)
	s.startLocked(n, state)
	n.away, n.awayAt = true, s.now()
	s.away[n] = struct{}{}
	if passed {
		n.phase = n.phase.Next(history.Drained)
		if n.packed != nil {
			n.packed.done, n.bound = true, st.Mtime
			s.closeLocked(n)
		}
		n.home.drop(n)
	}
	for c := range s.copies {
		if c.copyOf == f {
			c.copyOf = n
		}
	}
	s.finishLocked(f, why)
	s.unsaved = append(s.unsaved, n.stateLocked())
	s.log.Info("generation was compressed or copied and removed; going on in what was made of it", "path", f.path, "name", path,
		"file", n.id.String(), "from", n.pos, "read", passed)
	s.wakeLocked(n)
}

// knownContent tells whether the compressed file h has the content of a generation of
// the log sl that is followed or was followed by an earlier run. ok is false when its
// content cannot be told yet.
func (s *Set) knownContent(sl *slot, h *os.File, size int64) (known, ok bool) {
	b, ok := packedHead(h, size)
	if !ok {
		return false, false
	}
	is := func(n int, hash uint64) bool {
		return n > 0 && n <= len(b) && fingerprint.Sum(fingerprint.Empty, b[:n]) == hash
	}
	if slices.ContainsFunc(s.headsOf(sl), func(h fingerprint.Head) bool { return is(h.Len, h.Hash) }) {
		return true, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, states := range s.saved {
		for i := range states {
			if st := &states[i]; s.isSame(st.Path, sl.path) && is(st.HeadLen, st.HeadHash) {
				return true, true
			}
		}
	}
	return slices.ContainsFunc(s.orphans, func(o orphan) bool { return s.isSame(o.Path, sl.path) && is(o.HeadLen, o.HeadHash) }), true
}

// headsOf returns how the files of the log sl begin that are followed. One that was empty
// at the last look may have content now.
func (s *Set) headsOf(sl *slot) []fingerprint.Head {
	var heads []fingerprint.Head
	var blank []*os.File
	s.mu.Lock()
	for f := range s.files {
		switch {
		case f.home != sl:
		case f.head.Len > 0:
			heads = append(heads, f.head)
		case f.handle != nil && f.packed == nil:
			blank = append(blank, f.handle)
		}
	}
	s.mu.Unlock()
	for _, h := range blank {
		var st fsys.Stat
		if s.sys.StatFile(h, &st) == nil { // a descriptor that was closed meanwhile tells nothing
			heads = append(heads, fingerprint.First(h, st.Size))
		}
	}
	return heads
}

// madeOf tells whether the compressed file h was made of a file that is followed, under
// whatever name: it begins with the same bytes, and has the same before the position.
func (s *Set) madeOf(h *os.File, size int64) bool {
	b, ok := packedHead(h, size)
	if !ok {
		return false
	}
	s.mu.Lock()
	var alike []State
	for f := range s.files {
		if n := f.head.Len; f.packed == nil && n > 0 && n <= len(b) && f.pos > 0 && fingerprint.Sum(fingerprint.Empty, b[:n]) == f.head.Hash {
			alike = append(alike, f.stateLocked())
		}
	}
	s.mu.Unlock()
	for i := range alike {
		if s.isPlainTo(h, size, &alike[i]) {
			return true
		}
	}
	return false
}

// mayBePacked tells whether the compressed file h at path may be a generation of sl
// after p that nobody read.
func (s *Set) mayBePacked(sl *slot, p *past, path string, h *os.File, size int64) bool {
	kind := formatOf(h, size)
	if rotation.Temporary(path) {
		return false // it gets another name when it is whole
	}
	if !kind.Readable() {
		s.unreadablePacked(sl, path, kind, size)
		return false
	}
	if born := s.sys.Birth(h); born != 0 && born+int64(clockGrain) < p.mtime {
		return false // made when p was still at its name
	}
	known, ok := s.knownContent(sl, h, size)
	return ok && !known
}

// unreadablePacked counts a compressed file in a format that is not read, once.
func (s *Set) unreadablePacked(sl *slot, path string, kind packed.Kind, size int64) {
	if sl.family.doubted == nil {
		sl.family.doubted = map[string]struct{}{}
	}
	if _, said := sl.family.doubted[path]; said {
		return
	}
	sl.family.doubted[path] = struct{}{}
	s.mu.Lock()
	s.counters.Unreadable += uint64(size)
	s.mu.Unlock()
	s.log.Warn("compressed generation cannot be read: the format is not known", "path", sl.path, "name", path,
		"format", kind.String(), "bytes", size)
}

// ignored is a compressed file at a watched name that is not followed there: its
// content is known, or is read as that of a generation.
type ignored struct {
	id          fsys.Inode
	size, mtime int64
}

// isIgnored tells whether what is at the name is what was left alone before.
func (v *visit) isIgnored(st *fsys.Stat) bool {
	return v.ignored == ignored{st.ID, st.Size, st.Mtime} && st.ID != fsys.Inode{}
}

// leavePacked decides about a compressed file that arrived at the name. It returns true
// when it is not to be followed: what it holds is known, or cannot be read.
func (s *Set) leavePacked(sl *slot, a *arrival) bool {
	if a.h == nil {
		return false
	}
	kind := formatOf(a.h, a.st.Size)
	making := kind == packed.Plain && rotation.BeingMade(sl.path, a.st.Size, packed.SniffLen)
	if kind == packed.Plain && !making {
		return false
	}
	s.mu.Lock()
	saved := s.saved[a.st.ID]
	s.mu.Unlock()
	for i := range saved {
		if s.sameFile(a.h, a.st.Size, &saved[i]) {
			return false // it goes on
		}
	}
	s.mu.Lock()
	home := s.logLocked(sl)
	s.mu.Unlock()
	first := sl.first
	known, ok := false, false
	switch {
	case first, making: // what it is made of stands beside it until it is whole
	case !kind.Readable():
		s.unreadablePacked(home, sl.path, kind, a.st.Size)
	default:
		known, ok = s.knownContent(home, a.h, a.st.Size)
		known = known || ok && s.madeOf(a.h, a.st.Size)
		if a.known = s.recall(a.h, a.st.Size); !known && a.known.of != nil {
			known, ok = !a.known.rest, true
		}
	}
	if !first && ok && !known && !rotation.Temporary(sl.path) {
		return false
	}
	if !s.ignore(sl, a) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.first = first && making
	return true
}
