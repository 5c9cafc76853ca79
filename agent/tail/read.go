package tail

import (
	"bytes"
	"os"
	"time"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/lines"
	"logctl/agent/tail/internal/packed"
)

// read reads from the position up to the size seen at the last look. It returns a
// chunk, or whether it is worth calling again at once.
func (f *File) read() (*Chunk, bool) {
	s := f.set
	h := s.handleOf(f)
	if h == nil {
		f.atEnd = true
		return nil, false
	}
	sp := s.splitter()
	avail := f.limit - f.pos
	if !f.final && f.longWait(h, &sp, avail) {
		f.end(true)
		return nil, false
	}
	want := min(avail, int64(s.cfg.ChunkSize))
	if f.most > 0 {
		want = min(want, int64(f.most))
	}
	if f.scanned > f.pos {
		want = min(avail, max(want, f.scanned-f.pos+1))
	}
	if f.skimpy > 0 {
		want = min(want, int64(f.skimpy))
	}
	for {
		c, verdict := f.readChunk(h, &sp, min(want, f.limit-f.pos))
		switch verdict {
		case readLines:
			return c, true
		case readOn:
			return nil, true
		case readChanged:
			f.atEnd = true
			return nil, false
		}
		avail = f.limit - f.pos // less, where space was found
		most := min(avail, int64(sp.MaxLine+2*sp.Unit()))
		if want >= most { // an unfinished line
			f.scanned = f.pos + min(want, avail)
			f.end(true)
			return nil, false
		}
		want = min(want*4, most)
	}
}

// longWait tells whether the unfinished line at the position is known to be still
// unfinished, having read only what is new of it.
func (f *File) longWait(h *os.File, sp *lines.Splitter, avail int64) bool {
	if f.scanned-f.pos < 4096 || avail >= int64(sp.MaxLine+2*sp.Unit()) {
		return false
	}
	c := f.set.pools.get(32 << 10)
	defer c.Release()
	at := f.pos + (f.scanned-f.pos)/2*2 - 2 // a unit back, aligned to the line
	for at < f.limit {
		n, err := fsys.ReadAt(h, c.buf[:min(int64(len(c.buf)&^1), f.limit-at)], at)
		if err != nil || n == 0 {
			return false
		}
		if i := sp.Index(c.buf[:n]); i >= 0 {
			f.scanned = at + int64(i) + 1
			return false
		}
		at += int64(n)
	}
	f.scanned = f.limit
	return true
}

type verdict int

const (
	readLines   verdict = iota // a chunk
	readOn                     // no line, but the position moved: call again
	readNothing                // not even one line in so many bytes
	readChanged                // the file is not what it was, or cannot be read
)

// readChunk reads want bytes at the position, with the bytes before it, which
// must be what they were: so each read verifies itself.
func (f *File) readChunk(h *os.File, sp *lines.Splitter, want int64) (*Chunk, verdict) {
	s := f.set
	m := f.markLen
	c := s.pools.get(m + int(want))
	b, from := c.buf[:m+int(want)], f.pos-int64(m)
	n, ok := f.quick.Read(h, b, from)
	var err error
	if !ok || n < len(b) {
		n, err = fsys.ReadFull(h, b, from)
	}
	if err != nil {
		c.Release()
		s.failed(f, err)
		return nil, readChanged
	}
	if n < m || !bytes.Equal(c.buf[:m], f.mark[:m]) || f.pos == 0 && !f.verify(h) {
		c.Release()
		s.recheck(f, h)
		return nil, readChanged
	}
	s.mu.Lock()
	f.prove()
	s.mu.Unlock()
	c.buf = c.buf[:n]
	c.Data = c.buf[m:]
	if int64(len(c.Data)) < want { // shorter than when looked at
		f.limit = f.pos + int64(len(c.Data))
	}
	if f.pos == 0 && packed.Sniff(c.Data) != packed.Plain {
		c.Release()
		s.isPacked(f)
		return nil, readChanged
	}
	if f.pos == 0 && len(c.Data) > 0 && c.Data[0] == 0 {
		if moved, stop := f.passHole(h, sp); moved || stop {
			if !moved {
				f.trimSpace(h, sp, c.Data) // nothing but NUL so far
			}
			c.Release()
			if moved {
				return nil, readOn
			}
			f.end(false)
			return nil, readChanged
		}
	}
	if n := f.trimSpace(h, sp, c.Data); n < len(c.Data) {
		c.Data = c.Data[:n]
		c.buf = c.buf[:m+n]
		if n == 0 {
			c.Release()
			f.end(false)
			return nil, readChanged
		}
	}
	final := f.final && f.pos+int64(len(c.Data)) >= f.limit && !f.grewSince(h, f.pos+int64(len(c.Data)))
	return f.cutChunk(h, sp, c, final)
}

// byteOrderMark is what some programs begin UTF-8 files with.
var byteOrderMark = []byte("\xef\xbb\xbf")

// cutChunk cuts what was read, c.Data, into lines and moves the position.
func (f *File) cutChunk(h *os.File, sp *lines.Splitter, c *Chunk, final bool) (*Chunk, verdict) {
	m := len(c.buf) - len(c.Data)
	var u lines.Cut
	c.Lines, u = sp.Split(c.Lines[:0], c.Data, f.pos, f.part, final)
	if f.pos == 0 && f.set.cfg.DropBOM && len(c.Lines) > 0 && c.Lines[0].Start == 0 && bytes.HasPrefix(c.Data[:c.Lines[0].End], byteOrderMark) {
		c.Lines[0].Start += uint32(len(byteOrderMark))
	}
	if u.Used == 0 {
		c.Release()
		return nil, readNothing
	}
	f.skimpy = 0
	if len(c.Lines) == sp.MaxLines {
		f.skimpy = u.Used + u.Used/4
	}
	c.dataPos = f.pos
	c.buf = c.buf[:m+u.Used]
	c.Data = c.buf[m:]
	f.left.Truncated += u.Truncated
	f.left.Skipped += u.Skipped
	f.advance(h, c, u)
	if len(c.Lines) == 0 {
		c.Release()
		return nil, readOn
	}
	f.finish(c)
	return c, readLines
}

// grewSince tells whether the file is longer than that: the unfinished line at its end
// may be finished by now. The next look tells.
func (f *File) grewSince(h *os.File, size int64) bool {
	var st fsys.Stat
	return f.set.sys.StatFile(h, &st) == nil && st.Size > size+f.space.size
}

// advance moves the position to the end of what was split.
func (f *File) advance(h *os.File, c *Chunk, u lines.Cut) {
	pos := f.pos + int64(u.Used)
	head := f.head
	if f.pos == 0 {
		head = fingerprint.Head{Len: 0, Hash: fingerprint.Empty} // of what was read from now on
	}
	if head.Len < fingerprint.HeadMax && int64(head.Len) < pos {
		head = fingerprint.Extend(h, c.buf, c.dataPos-int64(len(c.buf)-len(c.Data)), head, int(min(pos, fingerprint.HeadMax)))
	}
	s := f.set
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inheritLocked(f)
	f.pos, f.part = pos, u.Part
	s.headLocked(f, head)
	f.scanned = pos
	f.trail.Pass(pos, c.buf, head)
	f.markLen = copy(f.mark[:], c.buf[max(0, len(c.buf)-fingerprint.MarkMax):])
	if u.Truncated > 0 || u.Skipped > 0 {
		s.counters.Truncated += uint64(u.Truncated)
		s.counters.Skipped += uint64(u.Skipped)
	}
}

// finish fills in what a chunk says about positions.
func (f *File) finish(c *Chunk) {
	c.Start, c.End = f.base.Pos, f.pos
	c.start = f.base
	c.start.ModTime, c.start.Size, c.start.Seen = time.Unix(0, f.readBound), f.limit, f.headAt
	c.start.Rotated = f.sawAway
	c.head, c.endPart = f.head, f.part
	c.Truncated, c.Skipped, c.Hole = f.left.Truncated, f.left.Skipped, f.hole
	f.left, f.hole = lines.Cut{}, 0
	f.base = c.StateAt(c.End)
}

// passHole moves the position past the NUL bytes at the head of the file, which a
// writer that did not open the file for appending leaves behind when the file is
// truncated under it. It does so once something else follows; stop: not yet.
func (f *File) passHole(h *os.File, sp *lines.Splitter) (moved, stop bool) {
	unit := int64(sp.Unit())
	c := f.set.pools.get(64 << 10)
	defer c.Release()
	for at := int64(0); at < f.limit; {
		if d, ok := fsys.SeekData(h, at); ok {
			if d < 0 {
				return false, true
			}
			at = max(at, d-d%unit)
		}
		n, err := fsys.ReadAt(h, c.buf[:min(int64(64<<10), f.limit-at)], at)
		if err != nil || n == 0 {
			return false, true
		}
		i := int64(firstNot0(c.buf[:n]))
		if i == int64(n) {
			at += i
			continue
		}
		at += i - i%unit
		if at == 0 {
			return false, false
		}
		return f.jump(h, at), true
	}
	return false, true
}

// jump moves the position to pos without handing anything out.
func (f *File) jump(h *os.File, pos int64) bool {
	var b [fingerprint.MarkMax]byte
	n := int(min(pos, fingerprint.MarkMax))
	if m, err := fsys.ReadFull(h, b[:n], pos-int64(n)); err != nil || m < n {
		return false
	}
	s := f.set
	s.mu.Lock()
	defer s.mu.Unlock()
	f.hole += pos - f.pos
	s.counters.Holes += uint64(pos - f.pos)
	f.pos, f.scanned = pos, pos
	f.mark, f.markLen = b, n
	return true
}

func firstNot0(b []byte) int {
	for i, c := range b {
		if c != 0 {
			return i
		}
	}
	return len(b)
}
