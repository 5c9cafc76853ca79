package ship

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// frame is a span, or a part of one, that is sent in several records because
// the topic takes no record that large. Frames nest: a part that turns out too
// large still is split again.
type frame struct {
	cuts []uint32 // part i is Data[cuts[i]:cuts[i+1]]
	at   int      // the part to send next
}

func (f *frame) parts() int { return len(f.cuts) - 1 }

// cut divides data[lo:hi] into parts of at most size bytes, not through the
// middle of a UTF-8 sequence where that can be helped.
func cut(data []byte, lo, hi uint32, size int) frame {
	cuts := []uint32{lo}
	for at := lo; int64(hi)-int64(at) > int64(size); {
		end := at + uint32(size)
		for back := end; back > at && end-back < utf8.UTFMax; back-- {
			if utf8.RuneStart(data[back]) {
				end = back
				break
			}
		}
		at = end
		cuts = append(cuts, at)
	}
	return frame{cuts: append(cuts, hi)}
}

// splitHead makes the entry send its next span, or the part that was refused,
// in parts of about size bytes. It reports whether that made anything smaller.
func (e *entry) splitHead(size int) bool {
	lo, hi := e.headRange()
	half := (int(hi-lo) + 1) / 2
	size = max(1, min(size, half))
	if int(hi-lo) <= size {
		return false
	}
	f := cut(e.b.Data, lo, hi, size)
	if n := len(e.frames); n > 0 && e.frames[n-1].at == 0 {
		// Nothing of this frame was sent: cut all of it anew, finer.
		old := e.frames[n-1]
		f = cut(e.b.Data, old.cuts[0], old.cuts[old.parts()], size)
		e.frames[n-1] = f
		return true
	}
	e.frames = append(e.frames, f)
	return true
}

// headRange is where the next span or part lies in Data.
func (e *entry) headRange() (lo, hi uint32) {
	if n := len(e.frames); n > 0 {
		f := &e.frames[n-1]
		return f.cuts[f.at], f.cuts[f.at+1]
	}
	s := &e.b.Spans[e.next]
	return s.Start, s.End
}

// headLabel is the value of the header part for the next part: "2/3", below it
// "2.1/3"; for a part that the reader made "7.1/?".
func (e *entry) headLabel() string {
	span := &e.b.Spans[e.next]
	var b strings.Builder
	total := "?"
	switch {
	case span.Part == 0:
		total = strconv.Itoa(e.frames[0].parts())
	case span.Last:
		total = strconv.Itoa(int(span.Part))
	}
	if span.Part > 0 {
		b.WriteString(strconv.Itoa(int(span.Part)))
		b.WriteByte('.')
	}
	for i := range e.frames {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.Itoa(e.frames[i].at + 1))
	}
	b.WriteByte('/')
	b.WriteString(total)
	return b.String()
}

// partDone moves past the part that was acknowledged and reports whether it
// was the span's last.
func (e *entry) partDone() bool {
	for len(e.frames) > 0 {
		f := &e.frames[len(e.frames)-1]
		f.at++
		if f.at < f.parts() {
			return false
		}
		e.frames = e.frames[:len(e.frames)-1]
	}
	return true
}
