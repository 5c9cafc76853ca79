package tail

import (
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/packed"
	"logctl/agent/tail/internal/rotation"
)

// A copy of a generation may be seen when that generation has ended already: logrotate
// moves a file aside, copies it into another directory and removes it (renamecopy), or
// compresses the copy of a file that was truncated long ago. What such a file holds was
// read. So the generations that ended lately are remembered by their content: by head, by
// the marks on the way, and by the mark at the end.

// rememberedMost is how many generations that ended a Set remembers, at some 600 bytes each.
const rememberedMost = 4096

// memory is what a Set knows of generations that ended, and of the names of old ones. The
// zero memory is empty.
type memory struct {
	ended   []*past // oldest first
	byHead  map[fingerprint.Head][]*past
	unsaid  map[FileID]*past    // those that Forgotten is to tell of
	names   map[string][]lesson // under which generations of a log were seen, by its path
	taught  []string            // paths of logs of which Learned is to tell the names
	homes   map[string][]string // logs with names of a kind: see kindOf
	lessons uint64              // how often names were learned
}

// add remembers one more generation, and forgets the oldest when there are too many.
func (m *memory) add(p *past) {
	if m.byHead == nil {
		m.byHead = map[fingerprint.Head][]*past{}
	}
	if len(m.ended) >= rememberedMost {
		for _, p := range m.ended[:rememberedMost/8] {
			delete(m.unsaid, p.state.ID)
		}
		m.ended = slices.Delete(m.ended, 0, rememberedMost/8)
		clear(m.byHead)
		for _, p := range m.ended {
			m.byHead[p.head()] = append(m.byHead[p.head()], p)
		}
	}
	m.ended = append(m.ended, p)
	m.byHead[p.head()] = append(m.byHead[p.head()], p)
}

func (p *past) head() fingerprint.Head {
	return fingerprint.Head{Len: p.state.HeadLen, Hash: p.state.HeadHash}
}

// rememberLocked keeps what is known of the content of f, which has ended.
func (s *Set) rememberLocked(f *File) {
	if f.pos < fingerprint.MarkMax || f.head.Len == 0 || f.copyOf != nil || f.heir != nil {
		return
	}
	p := &past{name: f.name, size: f.size, state: f.stateLocked(), trail: f.trail.Clone()}
	s.memory.add(p)
	s.memory.tellLater(p)
}

// recalled is what the memory says of a file.
type recalled struct {
	of   *past // whose content it has; nil: of none that is remembered
	rest bool  // it has more than was read of that one
	thin bool  // nothing but its head says so, although more is known of that one
}

// recall tells whether the file h, which has size bytes and may be compressed, is a copy
// of a generation that ended, whatever the names of both are.
func (s *Set) recall(h *os.File, size int64) recalled {
	s.mu.Lock()
	none := len(s.memory.ended) == 0
	s.mu.Unlock()
	if none || size == 0 {
		return recalled{}
	}
	kind := formatOf(h, size)
	if kind == packed.Plain {
		b := make([]byte, min(size, fingerprint.HeadMax))
		if n, err := fsys.ReadFull(h, b, 0); err != nil || n < len(b) {
			return recalled{}
		}
		var st fsys.Stat
		if s.sys.StatFile(h, &st) != nil {
			st.Mtime = 0
		}
		return s.recallBy(b, st.Mtime, func() (at, func()) { return plainAt(h), func() {} })
	}
	b, ok := packedHead(h, size)
	if !ok || !kind.Readable() {
		return recalled{}
	}
	return s.recallBy(b, 0, func() (at, func()) {
		r, err := packed.Open(h, size)
		if err != nil {
			return func([]byte, int64) (int, error) { return 0, err }, func() {}
		}
		return packedAt(r), r.Close
	})
}

// at reads bytes at a position that is not before the last one. The error is io.EOF where
// the content ends before.
type at = func(b []byte, pos int64) (int, error)

func plainAt(h *os.File) at {
	return func(b []byte, pos int64) (int, error) {
		n, err := fsys.ReadFull(h, b, pos)
		if err == nil && n < len(b) {
			err = io.EOF
		}
		return n, err
	}
}

func packedAt(r *packed.Reader) at {
	buf := make([]byte, 64<<10)
	var kept []byte
	return func(b []byte, pos int64) (int, error) {
		again := 0 // marks may overlap: what both have is kept
		if pos < r.Pos() {
			again = copy(b, kept[len(kept)-int(r.Pos()-pos):])
		}
		if err := r.Skip(pos+int64(again), buf); err != nil {
			return again, err
		}
		n, err := io.ReadFull(r, b[again:])
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if again += n; again == len(b) {
			kept = append(kept[:0], b...)
		}
		return again, err
	}
}

// recallBy is recall for a file that begins with those plain bytes, and was modified then, 0
// for unknown; open begins to read it.
func (s *Set) recallBy(head []byte, mtime int64, open func() (at, func())) recalled {
	s.mu.Lock()
	alike := slices.Clone(s.memory.byHead[fingerprint.Head{Len: len(head), Hash: fingerprint.Sum(fingerprint.Empty, head)}])
	s.mu.Unlock()
	slices.Reverse(alike) // what ended last is asked first
	for _, p := range alike {
		read, done := open()
		last, ok := p.trail.Along(read)
		rest := false
		if ok && last == p.state.Pos {
			var b [1]byte
			n, _ := read(b[:], last) // an error: there is nothing more to read now
			rest = n > 0
		}
		done()
		if ok && (last == p.state.Pos || !p.vague || p.endedAbout(mtime) && len(head) == fingerprint.HeadMax) {
			return recalled{of: p, rest: rest, thin: !p.vague && last != p.state.Pos && last <= fingerprint.HeadMax}
		}
	}
	return recalled{}
}

// endedAbout tells whether a file that was modified then may be the copy that was made when p
// ended, of which nothing on the way is known: its writer wrote the rest after the copying.
func (p *past) endedAbout(mtime int64) bool {
	return mtime != 0 && time.Unix(0, mtime).Sub(p.state.ModTime).Abs() <= copySlack
}

// copiesRotated tells whether the file h, which has size bytes, has what is in a rotated
// generation of the log sl that is followed, as far as it goes: then it is a copy of that
// one, which is being moved to another place. now is what is at the name of the log.
func (s *Set) copiesRotated(sl *slot, h *os.File, size int64, now fsys.Inode) bool {
	if size < fingerprint.MarkMax {
		return false
	}
	head := fingerprint.First(h, size)
	s.mu.Lock()
	alike := append(slices.Clone(sl.queue), sl.late...)
	for o := s.heads[head.Hash]; o != nil && head.Len == fingerprint.HeadMax; o = o.alike[1] {
		alike = append(alike, o)
	}
	type rotated struct {
		h     *os.File
		size  int64
		state State
	}
	var all []rotated
	for _, o := range alike {
		if o.home == sl && (o.away || o.inode() != now) && o.packed == nil && o.copyOf == nil && o.state != fileDone {
			all = append(all, rotated{o.handle, o.size, o.stateLocked()})
		}
	}
	s.mu.Unlock()
	return slices.ContainsFunc(all, func(o rotated) bool {
		if o.h == nil {
			return size == o.size && !empty(&o.state) && matches(h, size, &o.state)
		}
		var st fsys.Stat // it may have grown since it was looked at
		return s.sys.StatFile(o.h, &st) == nil && size <= st.Size && fingerprint.Begins(o.h, h, size)
	})
}

// recallArrival notes whether what arrived at the name is a copy of a generation that
// ended. What a program writes anew under the same name may begin as it did before.
func (s *Set) recallArrival(sl *slot, a *arrival) {
	a.known = recalled{}
	if a.h == nil || s.isKnown(a.st.ID) {
		return
	}
	s.mu.Lock()
	least, old := int64(fingerprint.HeadMax), s.logLocked(sl) != sl
	if old {
		least = fingerprint.MarkMax // its name says that it is an old generation
	}
	s.mu.Unlock()
	if a.st.Size < least {
		return
	}
	if r := s.recall(a.h, a.st.Size); r.of != nil && !s.isSame(r.of.state.Path, sl.path) && (old || !r.thin) {
		a.known = r
	}
}

// familiar tells whether the file h at that name, which has size bytes and may be
// compressed, has what a generation of the log home has that is followed, or what one had
// that ended. Of what is followed, nothing is left to read elsewhere.
func (s *Set) familiar(home *slot, name string, h *os.File, size int64) recalled {
	followed := recalled{of: &past{}}
	kind := formatOf(h, size)
	switch {
	case kind == packed.Plain && (s.copiesRotated(home, h, size, fsys.Inode{}) || s.packedAlready(home, h, size)):
		return followed
	case kind != packed.Plain && (!kind.Readable() || rotation.Temporary(name)):
		return followed // it is looked at under its last name
	case kind != packed.Plain:
		if known, ok := s.knownContent(home, h, size); known || !ok || s.madeOf(h, size) {
			return followed
		}
	}
	return s.recall(h, size)
}

// packedAlready tells whether a compressed generation of the log home that is followed has
// what is in the plain file h: that one was compressed and removed while it was kept open.
func (s *Set) packedAlready(home *slot, h *os.File, size int64) bool {
	if size == 0 {
		return false
	}
	var read []State
	var unread []*os.File
	s.mu.Lock()
	for f := range s.files {
		switch {
		case f.home != home || f.packed == nil:
		case f.pos > 0:
			read = append(read, f.stateLocked())
		case f.handle != nil:
			unread = append(unread, f.handle)
		}
	}
	s.mu.Unlock()
	return slices.ContainsFunc(read, func(st State) bool { return size == st.Size && matches(h, size, &st) }) ||
		slices.ContainsFunc(unread, func(z *os.File) bool {
			var st fsys.Stat
			return s.sys.StatFile(z, &st) == nil && packs(z, st.Size, h, size)
		})
}

// packs tells whether the compressed file h, of so many bytes, has what is in the plain one,
// by its head and its end.
func packs(h *os.File, size int64, plain *os.File, plainSize int64) bool {
	r, err := packed.Open(h, size)
	if plainSize == 0 || err != nil {
		return false
	}
	defer r.Close()
	read := packedAt(r)
	for _, pos := range []int64{0, max(0, plainSize-fingerprint.HeadMax)} {
		var want, has [fingerprint.HeadMax]byte
		n := min(plainSize-pos, fingerprint.HeadMax)
		if m, err := fsys.ReadFull(plain, want[:n], pos); err != nil || int64(m) < n {
			return false
		}
		if m, err := read(has[:n], pos); err != nil || int64(m) < n || want != has {
			return false
		}
	}
	return true
}

// distinct leaves those of the generations found that are no copies of another one that was
// found with them, or that was kept open at the name sl.
func distinct(sl *slot, found []candidate) []candidate {
	found = slices.DeleteFunc(found, func(c candidate) bool {
		if c.copied || c.known.of != nil || formatOf(c.h, c.st.Size) == packed.Plain {
			return false
		}
		i := slices.IndexFunc(sl.heldOpen, func(p arrival) bool { return packs(c.h, c.st.Size, p.h, p.st.Size) })
		if i >= 0 {
			sl.heldOpen[i].tag = c.tag // its name tells the age of what it was made of
			sl.heldOpen[i].tag.Packed, sl.heldOpen[i].became = "", true
			_ = c.h.Close()
		}
		return i >= 0
	})
	has := func(h *os.File, size int64, c *candidate) bool {
		return c.st.Size <= size && c.st.Size >= fingerprint.MarkMax && fingerprint.Begins(h, c.h, c.st.Size)
	}
	var kept []candidate
	for i := range found {
		c := &found[i]
		copies := !c.copied && (slices.ContainsFunc(sl.heldOpen, func(p arrival) bool { return p.st.ID != c.st.ID && has(p.h, p.st.Size, c) }) ||
			slices.ContainsFunc(kept, func(o candidate) bool { return o.st.Size == c.st.Size && !o.copied && has(o.h, o.st.Size, c) }))
		if copies {
			_ = c.h.Close()
			continue
		}
		kept = append(kept, *c)
	}
	return kept
}
