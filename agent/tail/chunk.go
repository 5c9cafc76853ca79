package tail

import (
	"sort"
	"sync"

	"logctl/agent/tail/internal/fingerprint"
)

// Chunk is some whole lines of one file, in one buffer. It has at least one line.
type Chunk struct {
	Data  []byte // valid until Release
	Lines []Line // valid until Release
	Start int64  // position in the file where the chunk before ended
	End   int64  // position in the file after the last line and its line end

	Truncated int64 // bytes of long lines left out (LongTruncate, LongSkip)
	Skipped   int   // long lines left out whole (LongSkip)
	Hole      int64 // bytes of NUL passed over at the head of the file

	buf     []byte // Data is a part of it; what is before Data identifies the position
	dataPos int64  // position in the file of Data[0]
	start   State  // at Start
	endPart int    // State.Part at End
	head    fingerprint.Head
	pools   *pools
	class   int
}

// After returns the position after line i and its line end (and after what was
// left out behind it): where StateAt may be asked once line i is dealt with.
func (c *Chunk) After(i int) int64 {
	if i+1 < len(c.Lines) {
		return c.Lines[i+1].Pos
	}
	return c.End
}

// Mem returns the memory in bytes that the chunk keeps until Release.
func (c *Chunk) Mem() int { return cap(c.buf) + cap(c.Lines)*24 }

// StateAt returns what to save when everything before pos is dealt with. pos is
// Start, End, or a value of After. It must not be called after Release.
func (c *Chunk) StateAt(pos int64) State {
	st := c.start
	st.HeadLen, st.HeadHash = c.head.Len, c.head.Hash
	from := c.dataPos - int64(len(c.buf)-len(c.Data)) // position of buf[0]
	if pos <= c.Start || pos < c.dataPos {
		return st
	}
	st.Pos = min(pos, c.End)
	n := min(st.Pos-from, fingerprint.MarkMax)
	at := st.Pos - from
	st.MarkLen = int(n)
	st.MarkHash = fingerprint.Sum(fingerprint.Empty, c.buf[at-n:at])
	st.Part = c.endPart
	if pos < c.End {
		st.Part = c.partBefore(pos)
	}
	return st
}

// partBefore returns the parts sent of the line that pos is in.
func (c *Chunk) partBefore(pos int64) int {
	i := sort.Search(len(c.Lines), func(i int) bool { return c.Lines[i].Pos >= pos })
	if i == 0 {
		return c.start.Part
	}
	if l := c.Lines[i-1]; l.Part > 0 && !l.Last {
		return int(l.Part)
	}
	return 0
}

// Release gives the buffers back. Data and Lines must not be used afterwards.
func (c *Chunk) Release() {
	p := c.pools
	if p == nil {
		return
	}
	c.pools = nil
	p.put(c)
}

// Buffers come in classes of 1 KiB times a power of four, so that one short line
// does not keep a large buffer while it waits for its acknowledgement.
const (
	classes   = 7    // 1 KiB, 4 KiB, ..., 4 MiB; larger ones are not kept
	smallest  = 1024 // bytes of class 0
	slack     = 128  // bytes more in each class: for what is before Data, and a line end
	linesMost = 32768
)

type pools struct{ class [classes]sync.Pool }

// get returns an empty chunk whose buffer holds at least n bytes.
func (p *pools) get(n int) *Chunk {
	size, class := smallest, 0
	for size+slack < n && class < classes {
		size, class = size*4, class+1
	}
	if class == classes {
		return &Chunk{buf: make([]byte, n), pools: p, class: class}
	}
	c, ok := p.class[class].Get().(*Chunk)
	if !ok {
		c = &Chunk{buf: make([]byte, size+slack), class: class}
	}
	c.pools = p
	return c
}

func (p *pools) put(c *Chunk) {
	if c.class == classes {
		return
	}
	*c = Chunk{buf: c.buf[:cap(c.buf)], Lines: c.Lines[:0], class: c.class}
	p.class[c.class].Put(c)
}
