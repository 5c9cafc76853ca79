package transform

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// In is one line of a chunk, without its newline.
type In struct {
	Data []byte
	Pos  int64 // of its first byte in the file
	Part int32 // 0: whole; 1, 2, …: a part of a line too long for one record
	Last bool  // the last part
}

// Out is one event ready to ship. Start and End delimit it in the buffer of the
// Batch it is in.
type Out struct {
	Start, End uint32
	Pos        int64
	Part       int32
	Last       bool
}

// Batch collects events; its buffers are used again after Reset.
type Batch struct {
	Data     []byte
	Events   []Out
	Filtered int // events dropped by the line filters
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.Data, b.Events, b.Filtered = b.Data[:0], b.Events[:0], 0 }

// Pipe applies Rules to the lines of one file, in order.
type Pipe struct {
	rules   *Rules
	decoder *encoding.Decoder
	scratch []byte // decoded line

	part  int32  // of an over-long line, that came last; 0: a line ended
	drops bool   // the filters drop that line
	carry []byte // bytes of a character that the part ends in

	held      []byte // lines of the event that is not known to be complete
	heldPos   int64
	heldLines int
	phase     phase // of the event that is held; outside: none is
}

// NewPipe makes the pipe of one file.
func NewPipe(r *Rules) *Pipe {
	p := &Pipe{rules: r}
	if r.encoding != nil {
		p.decoder = r.encoding.NewDecoder()
	}
	return p
}

// Add takes the next line and appends the events it completes to out.
func (p *Pipe) Add(line In, out *Batch) {
	if line.Part > 0 {
		// A part of an over-long line is never joined: it is large already.
		p.Flush(out)
		p.addPart(line, out)
		return
	}
	p.part, p.carry = 0, p.carry[:0]
	text := p.decode(line.Data, line.Pos, true)
	j := p.rules.join
	if j == nil {
		p.emit(text, line, out)
		return
	}
	if p.heldLines >= j.maxLines || len(p.held)+1+len(text) > j.maxBytes {
		p.Flush(out)
	}
	to, begins := j.next(p.phase, text)
	if begins {
		p.Flush(out)
	}
	p.phase = to
	if begins && to == ended { // complete by itself: not copied twice
		p.phase = outside
		p.emit(text, line, out)
		return
	}
	if begins {
		p.heldPos = line.Pos
	} else {
		p.held = append(p.held, '\n')
	}
	p.held = append(p.held, text...)
	p.heldLines++
	if to == ended {
		p.Flush(out)
	}
}

// addPart takes a part of an over-long line. The line filters see its first part and
// keep or drop the line by that. Where a part ends within a character, the character
// goes to the next one. (A run that begins in the middle of a line takes the part at
// hand for the first.)
func (p *Pipe) addPart(line In, out *Batch) {
	first := line.Part == 1 || line.Part != p.part+1
	if first {
		p.carry = p.carry[:0]
	}
	data := line.Data
	if len(p.carry) > 0 {
		p.carry = append(p.carry, data...)
		data = p.carry
	}
	text := p.decode(data, line.Pos, line.Last)
	if first {
		p.drops = !p.rules.keep(text)
	}
	if p.part = line.Part; line.Last {
		p.part = 0
	}
	if p.drops {
		out.Filtered++
		return
	}
	p.append(text, line, out)
}

// Held returns the position of the first byte of the event that is held, and
// whether one is.
func (p *Pipe) Held() (int64, bool) { return p.heldPos, p.heldLines > 0 }

// Flush ends the event that is held, if any.
func (p *Pipe) Flush(out *Batch) {
	p.phase = outside
	if p.heldLines == 0 {
		return
	}
	p.emit(p.held, In{Pos: p.heldPos}, out)
	p.held, p.heldLines = p.held[:0], 0
}

func (p *Pipe) emit(text []byte, line In, out *Batch) {
	if !p.rules.keep(text) {
		out.Filtered++
		return
	}
	p.append(text, line, out)
}

func (p *Pipe) append(text []byte, line In, out *Batch) {
	start := len(out.Data)
	out.Data = append(out.Data, text...)
	out.Events = append(out.Events, Out{Start: uint32(start), End: uint32(len(out.Data)), Pos: line.Pos, Part: line.Part, Last: line.Last})
}

// decode gives data, which is a line or a part of one at pos, as UTF-8. The byte order
// mark at the head of a file is dropped. Bytes that the encoding does not know become
// U+FFFD, as the encoding standard has it; those of a character that is not whole yet,
// unless final is set, become p.carry.
func (p *Pipe) decode(data []byte, pos int64, final bool) []byte {
	if p.decoder == nil {
		return data
	}
	p.decoder.Reset()
	need := len(data)*utf8.UTFMax + utf8.UTFMax
	if cap(p.scratch) < need {
		p.scratch = make([]byte, need)
	}
	n, used, err := p.decoder.Transform(p.scratch[:cap(p.scratch)], data, final)
	text := p.scratch[:n]
	switch {
	case errors.Is(err, transform.ErrShortSrc) && !final:
		p.carry = append(p.carry[:0], data[used:]...)
	case err != nil:
		p.carry = p.carry[:0]
		return data // better the bytes as they are than nothing
	default:
		p.carry = p.carry[:0]
	}
	if pos == 0 {
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	}
	return text
}
