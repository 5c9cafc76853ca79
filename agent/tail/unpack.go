package tail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
	"logctl/agent/tail/internal/packed"
)

// A compressed generation is read as the plain bytes it was made of: its positions,
// its head and its marks are those of the plain file. It is never written to again, so
// it is read once, from the beginning of the stream on, up to the position without
// handing anything out. A file that ends too early may still be written: it is read
// again when it has changed, and given up when it has been at rest for long.

// skipOnce is how many plain bytes are passed over in one go: a stop must not wait for
// more.
const skipOnce = 32 << 20

// unpacker is what a File has that is compressed. done is guarded by mu, the rest is
// the holder's.
type unpacker struct {
	done  bool // read to its end, or given up
	other bool // another file that is followed has its content: nothing is read of it
	h     *os.File
	r     *packed.Reader
	size  int64  // of the compressed file when r was opened,
	mtime int64  // and its modification time
	buf   []byte // what rest is a part of
	rest  []byte // plain bytes from the position on
	err   error  // after rest; io.EOF: nothing comes
	mark  fingerprint.Print
	cutAt time.Time // when it was first found to end too early, with its
	cutOf int64     // modification time then
}

// formatOf tells whether the file h is compressed.
func formatOf(h *os.File, size int64) packed.Kind {
	var b [packed.SniffLen]byte
	n, err := fsys.ReadFull(h, b[:min(size, packed.SniffLen)], 0)
	if err != nil {
		return packed.Plain
	}
	return packed.Sniff(b[:n])
}

// plainHead returns the first n plain bytes of a compressed file that has size bytes.
func plainHead(h *os.File, size int64, n int) ([]byte, error) {
	r, err := packed.Open(h, size)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, n)
	n, err = io.ReadFull(r, b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:n], err
}

// packedHead returns the first plain bytes of a compressed file by which it is known; ok is
// false where there are none, or fewer than it will have: it may still be written.
func packedHead(h *os.File, size int64) (b []byte, ok bool) {
	b, err := plainHead(h, size, fingerprint.HeadMax)
	return b, err == nil || len(b) == fingerprint.HeadMax || len(b) > 0 && !errors.Is(err, packed.ErrCut)
}

// isPlainOf tells whether the compressed file h has the content that st was saved of.
func isPlainOf(h *os.File, size int64, st *State) bool {
	if st.HeadLen == 0 || st.HeadLen > fingerprint.HeadMax || !formatOf(h, size).Readable() {
		return false
	}
	b, err := plainHead(h, size, st.HeadLen)
	return (err == nil || errors.Is(err, io.EOF)) && len(b) == st.HeadLen && fingerprint.Sum(fingerprint.Empty, b) == st.HeadHash
}

// isPlainTo tells whether the compressed file h has, before the position of st, the bytes
// that st was saved of.
func (s *Set) isPlainTo(h *os.File, size int64, st *State) bool {
	r, err := packed.Open(h, size)
	if err != nil {
		return false
	}
	defer r.Close()
	c := s.pools.get(64 << 10)
	defer c.Release()
	n := min(st.MarkLen, fingerprint.MarkMax)
	if r.Skip(st.Pos-int64(n), c.buf[:64<<10]) != nil {
		return false
	}
	m, err := io.ReadFull(r, c.buf[:n])
	return err == nil && fingerprint.Sum(fingerprint.Empty, c.buf[:m]) == st.MarkHash
}

// nextPacked is Next for a compressed file.
func (f *File) nextPacked() (*Chunk, error) {
	s, u := f.set, f.packed
	if f.look {
		f.look, f.atEnd = false, false
		s.mu.Lock()
		f.sawAway, f.final, f.flush, f.unseen = f.away, false, false, false
		f.lastUse, f.headAt = s.now(), s.now()
		f.atEnd = u.done || f.state == fileDone
		s.mu.Unlock()
	}
	for !f.atEnd {
		if h := s.handleOf(f); h == nil || !f.unpack(h) {
			f.atEnd = true
			break
		}
		if c := f.readPacked(); c != nil {
			return c, nil
		}
	}
	return nil, io.EOF
}

// unpack opens the stream and goes to the position. It returns false when there is
// nothing to read now.
func (f *File) unpack(h *os.File) bool {
	s, u := f.set, f.packed
	if u.h != h {
		u.close()
		var st fsys.Stat
		if err := s.sys.StatFile(h, &st); err != nil {
			s.failed(f, err)
			return false
		}
		u.h, u.size, u.mtime = h, st.Size, st.Mtime
		if f.markLen > 0 {
			u.mark = fingerprint.Print{MarkLen: f.markLen, MarkHash: fingerprint.Sum(fingerprint.Empty, f.mark[:f.markLen])}
		}
		r, err := packed.Open(h, st.Size)
		if err != nil {
			f.packedEnds(err)
			return false
		}
		u.r = r
		if f.pos == 0 && s.repeats(f, h, st.Size) {
			return false
		}
	}
	if u.rest != nil || u.err != nil || u.r.Pos() >= f.pos {
		return true
	}
	c := s.pools.get(64 << 10)
	defer c.Release()
	n := int64(u.mark.MarkLen)
	if err := u.r.Skip(min(f.pos-n, u.r.Pos()+skipOnce), c.buf[:64<<10]); err != nil {
		f.packedEnds(fmt.Errorf("it has fewer bytes than were read of it: %w", err))
		return false
	}
	if u.r.Pos() < f.pos-n {
		s.mu.Lock()
		f.again = true // the rest of the way after the others had their turn
		s.mu.Unlock()
		return false
	}
	m, err := io.ReadFull(u.r, c.buf[:n])
	if err != nil || fingerprint.Sum(fingerprint.Empty, c.buf[:m]) != u.mark.MarkHash {
		f.packedEnds(errors.Join(fmt.Errorf("it is not what was read up to byte %d", f.pos), err))
		return false
	}
	s.mu.Lock()
	f.markLen = copy(f.mark[:], c.buf[:m])
	s.mu.Unlock()
	return true
}

// repeats tells whether f, a compressed file of which nothing was read, has the content
// of another generation of its log: then it is left alone until that one is gone.
func (s *Set) repeats(f *File, h *os.File, size int64) bool {
	b, ok := packedHead(h, size)
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range s.files {
		if o != f && o.home == f.home && o.copyOf == nil && o.head.Len > 0 && o.head.Len <= len(b) && (o.packed == nil || o.pos > 0) &&
			fingerprint.Sum(fingerprint.Empty, b[:o.head.Len]) == o.head.Hash {
			unlocked(s, func() struct{} { f.packed.close(); return struct{}{} })
			f.packed.done, f.packed.other = true, true
			f.size = 0
			s.closeLocked(f)
			s.passLocked(f)
			return true
		}
	}
	return false
}

// fill reads ahead until more than n bytes are there, or nothing comes.
func (u *unpacker) fill(n int) {
	for len(u.rest) <= n && u.err == nil {
		if len(u.buf) < n+4096 {
			u.buf = make([]byte, n+8192)
		}
		if cap(u.rest)-len(u.rest) < 4096 {
			u.rest = u.buf[:copy(u.buf, u.rest)]
		}
		var m int
		m, u.err = u.r.Read(u.rest[len(u.rest):cap(u.rest)])
		u.rest = u.rest[:len(u.rest)+m]
	}
}

func (u *unpacker) close() {
	if u.r != nil {
		u.r.Close()
	}
	u.h, u.r, u.buf, u.rest, u.err = nil, nil, nil, nil, nil
}

// readPacked returns the next chunk; nil: call again, unless atEnd.
func (f *File) readPacked() *Chunk {
	s, u := f.set, f.packed
	sp := s.splitter()
	want := s.cfg.ChunkSize
	if f.most > 0 {
		want = min(want, f.most)
	}
	for {
		u.fill(want)
		n := min(want, len(u.rest))
		if n == 0 {
			f.packedEnds(u.err)
			return nil
		}
		m := f.markLen
		c := s.pools.get(m + n)
		copy(c.buf, f.mark[:m])
		copy(c.buf[m:], u.rest[:n])
		c.buf = c.buf[:m+n]
		c.Data = c.buf[m:]
		whole := errors.Is(u.err, io.EOF) && n == len(u.rest)
		f.limit, f.readBound = max(f.size, f.pos+int64(n)), u.mtime-1
		if whole {
			f.limit, f.readBound = f.pos+int64(n), u.mtime // see isWhole
		}
		from := f.pos
		c, verdict := f.cutChunk(u.h, &sp, c, whole)
		u.rest = u.rest[f.pos-from:]
		switch {
		case verdict != readNothing:
			return c
		case n == len(u.rest) && u.err != nil: // the last line is cut off
			f.packedEnds(u.err)
			return nil
		}
		want = min(want*4, sp.MaxLine+2*sp.Unit()+1)
	}
}

// packedEnds is called when nothing more comes of a compressed file: it was read to
// its end, or err says why not.
func (f *File) packedEnds(err error) {
	s, u := f.set, f.packed
	mtime, rest := u.mtime, int64(1)
	if u.r != nil {
		rest = max(rest, u.size-u.r.Taken())
	}
	whole := errors.Is(err, io.EOF) && len(u.rest) == 0
	u.close()
	f.atEnd = true
	s.mu.Lock()
	defer s.mu.Unlock()
	if !whole && errors.Is(err, packed.ErrCut) {
		if u.cutOf != mtime {
			u.cutAt, u.cutOf = s.now(), mtime
		}
		if s.now().Sub(u.cutAt) < copyAfter*s.cfg.Interval {
			return // it may still be written
		}
	}
	u.done = true
	f.err = nil
	if lost := f.size - f.pos; whole && lost > 0 && f.sized {
		s.counters.Unreadable += uint64(lost)
		s.log.Warn("bytes were gone before they could be read", "path", f.path, "name", f.name,
			"file", f.id.String(), "from", f.pos, "bytes", lost, "why", "the compressed file has fewer than the file had")
	} else if !whole {
		f.err = fmt.Errorf("%s: %w", f.name, err)
		lost = max(lost, rest) // at least
		s.counters.Unreadable += uint64(lost)
		s.log.Warn("compressed generation cannot be read to its end", "path", f.path, "name", f.name,
			"file", f.id.String(), "read", f.pos, "bytes", lost, "error", err)
	}
	f.size, f.mtime, f.bound, f.sized = f.pos, mtime, mtime, true
	s.closeLocked(f)
	s.passLocked(f)
	if f.pos == f.base.Pos {
		s.unsaved = append(s.unsaved, f.stateLocked())
	}
}

// isWhole tells whether st says that the compressed file of that modification time was
// read to its end: until then a nanosecond is missing.
func (st *State) isWhole(mtime int64) bool {
	return st.Pos == st.Size && st.ModTime.UnixNano() == mtime
}

// packLocked notes that f, of which nothing was handed out, is compressed. st is nil
// when nothing is known of it.
func (s *Set) packLocked(f *File, st *State) {
	f.packed = &unpacker{}
	f.sized = st != nil
	f.bound = f.mtime - 1 // see isWhole
	head := fingerprint.Head{Hash: fingerprint.Empty}
	if f.handle != nil {
		head = unlocked(s, func() fingerprint.Head { return plainFirst(f.handle, f.size) })
	}
	s.headLocked(f, head)
	if st == nil {
		return
	}
	f.pos, f.part, f.scanned, f.markLen = st.Pos, st.Part, st.Pos, 0
	f.packed.mark = fingerprint.Print{MarkLen: st.MarkLen, MarkHash: st.MarkHash}
	if st.isWhole(f.mtime) {
		f.packed.done, f.bound, f.phase = true, f.mtime, f.phase.Next(history.Drained)
		f.home.drop(f)
	}
	f.size = max(st.Size, st.Pos)
	f.base = f.stateLocked()
}

// plainFirst is fingerprint.First for the plain bytes of a compressed file.
func plainFirst(h *os.File, size int64) fingerprint.Head {
	b, err := plainHead(h, size, fingerprint.HeadMax)
	if err != nil {
		b = nil
	}
	return fingerprint.Head{Len: len(b), Hash: fingerprint.Sum(fingerprint.Empty, b)}
}

// isPacked is called by the holder of f when the first bytes of f turn out to be those
// of a compressed file.
func (s *Set) isPacked(f *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packLocked(f, nil)
	f.again, f.atEnd = true, true
}

// upkeepPackedLocked looks at a compressed file.
func (s *Set) upkeepPackedLocked(f *File) {
	var st fsys.Stat
	if f.packed.done {
		if f.handle != nil || f.err != nil || s.statPathLocked(f.name, &st) != nil || st.ID != f.inode() || st.Mtime == f.bound {
			return
		}
		f.packed.done = false // something was added
	}
	if f.handle != nil && s.statLocked(f.handle, &st) == nil {
		f.deleted = st.Links == 0
		u := f.packed
		if u.cutOf == st.Mtime && s.now().Sub(u.cutAt) < copyAfter*s.cfg.Interval {
			return
		}
	}
	s.wakeLocked(f)
}
