package tail

import (
	"os"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/lines"
)

// A writer may give its file a size before it has what to write: by fallocate, by
// truncate, or by mapping regions of it into memory. The NUL bytes behind its data are
// space that is not written to yet. They are no line, and what comes there later is not
// behind the position. So the size of such a file, for all that is decided here, is the
// end of its data. Nothing tells of a write through a mapping: neither an event nor the
// file's times. The first bytes of the space do, and are looked at in every scan.

const (
	spacePeek = 512      // bytes of space that are looked at for data
	spaceStep = 64 << 10 // bytes read at once, in search of data or of its end
	spaceMost = 1 << 30  // bytes of NUL that the end of the data is looked for behind
)

// space is what is known of the NUL bytes behind the data of a file.
type space struct {
	size    int64 // bytes, from the end of the data to the end of the file; 0: none
	guessed bool  // only its beginning and its end were looked at
	counted int64 // bytes of it that are counted as a hole
	ahead   bool  // there was space at the end when the size was seen, ahead of its reader
}

// firstData returns the position of the first byte that is not NUL of the n bytes at that
// place; -1: they are all NUL, or not there. What cannot be read counts as data: its
// reader says what is wrong.
func firstData(h *os.File, at, n int64) int64 {
	b := make([]byte, min(n, spaceStep))
	for end := at + n; at < end; {
		if n > spaceStep {
			if d, ok := fsys.SeekData(h, at); ok && (d < 0 || d >= end) {
				return -1
			} else if ok {
				at = d
			}
		}
		m, err := fsys.ReadAt(h, b[:min(int64(len(b)), end-at)], at)
		switch {
		case err != nil:
			return at
		case m == 0:
			return -1
		}
		if i := firstNot0(b[:m]); i < m {
			return at + int64(i)
		}
		at += int64(m)
	}
	return -1
}

// isSpace tells whether the file h, which has that size, ends in space.
func isSpace(h *os.File, size int64) bool {
	var last [1]byte
	if h == nil || size == 0 {
		return false
	}
	n, err := fsys.ReadAt(h, last[:], size-1)
	return err == nil && n == 1 && last[0] == 0
}

// cutLocked counts the end of the file that was cut off and not read. The file has size bytes now.
func (s *Set) cutLocked(f *File, size int64) {
	lost := f.size - max(size, f.pos)
	if f.space.ahead { // its writer takes back what it never wrote to
		s.counters.Holes += uint64(lost)
		return
	}
	s.counters.Unreadable += uint64(lost)
	s.log.Warn("bytes were gone before they could be read", "path", f.path, "name", f.name,
		"file", f.id.String(), "from", f.size-lost, "to", f.size, "bytes", lost, "why", "end of the file was cut off")
}

// written takes space that is not written to yet off the size that a look at the file h
// told. size is the end of its data as of the last look.
func (sp space) written(h *os.File, st *fsys.Stat, size int64) {
	if sp.size > 0 && st.Size > size && h != nil && firstData(h, size, min(st.Size-size, spacePeek)) < 0 {
		st.Size = size
	}
}

// writtenAll is written for the holder of f: where that guessed, all of the space is
// looked at, once in an interval. It returns the space that is left.
func (f *File) writtenAll(h *os.File, st *fsys.Stat, size int64, sp space, now time.Time) space {
	whole := st.Size
	sp.written(h, st, size)
	left := whole - st.Size
	sp.guessed = sp.guessed || st.Mtime != f.readMtime // it was written to, perhaps further on
	if left > 0 && sp.guessed && now.Sub(f.spaceAt) >= f.set.cfg.Interval {
		f.spaceAt, sp.guessed = now, false
		if d := firstData(h, size, left); d >= 0 {
			f.dataAt, st.Size, left = d, whole, 0
		}
	}
	sp.size = left
	return sp
}

// trimSpace takes the space off what was read at the position: NUL bytes that go on to
// the end of the file. It returns how many bytes of data are left.
func (f *File) trimSpace(h *os.File, sp *lines.Splitter, data []byte) int {
	n := len(data)
	if n == 0 || data[n-1] != 0 {
		return n
	}
	end := n
	for end > 0 && data[end-1] == 0 {
		end--
	}
	if end += end % sp.Unit(); end >= n {
		return n
	}
	left, now := space{}, f.set.now()
	from, size := f.pos+int64(n), f.limit
	switch rest := size - from; {
	case rest <= 0:
	case f.dataAt >= from:
		return n
	case now.Sub(f.spaceAt) >= f.set.cfg.Interval:
		f.spaceAt = now
		if d := firstData(h, from, rest); d >= 0 {
			f.dataAt = d
			return n
		}
	default: // it was looked at a moment ago
		left.guessed = true
		if firstData(h, from, min(rest, spaceStep)) >= 0 || firstData(h, max(from, size-spaceStep), min(rest, spaceStep)) >= 0 {
			return n
		}
	}
	f.limit = f.pos + int64(end)
	left.size = size - f.limit
	f.set.mu.Lock()
	defer f.set.mu.Unlock()
	left.counted = f.space.counted
	if !f.capped {
		f.size, f.proved, f.space = f.limit, f.limit, left
	}
	return end
}

// dropSpaceLocked counts the space of a generation that has ended as a hole: nothing was
// lost there.
func (s *Set) dropSpaceLocked(f *File) {
	if n := f.space.size - f.space.counted; n > 0 {
		s.counters.Holes += uint64(n)
		f.space.counted = f.space.size
	}
}

// dataEnd returns where the data of a file of that size ends, before the space that is
// not written to yet.
func dataEnd(h *os.File, size, unit int64) int64 {
	b := make([]byte, min(size, spaceStep))
	for to := size; to > 0 && size-to < spaceMost; {
		from := max(0, to-int64(len(b)))
		n, err := fsys.ReadFull(h, b[:to-from], from)
		if err != nil || int64(n) < to-from {
			return size
		}
		for i := n; i > 0; i-- {
			if b[i-1] != 0 {
				end := from + int64(i)
				return end + end%unit
			}
		}
		if to = from; to == 0 {
			return 0
		}
	}
	return size
}
