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
	Source     Source
	Millis     int64 // time that the line says, since 1970; 0: it says none
}

// Batch collects events; its buffers are used again after Reset.
type Batch struct {
	Data     []byte
	Events   []Out
	Filtered int // events dropped by the line filters
	Unparsed int // lines that are not in the entry's format; they are events as they are
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.Data, b.Events, b.Filtered, b.Unparsed = b.Data[:0], b.Events[:0], 0, 0 }

// Pipe applies Rules to the lines of one file, in order.
type Pipe struct {
	rules   *Rules
	decoder *encoding.Decoder
	scratch []byte // decoded line

	part  int32  // of an over-long line, that came last; 0: a line ended
	drops bool   // the filters drop that line
	carry []byte // bytes of a character that the part ends in

	lanes lanes
	clock clock
	out   *Batch       // of the call at hand
	emits func(*event) // emit; made once
}

// NewPipe makes the pipe of one file.
func NewPipe(r *Rules) *Pipe {
	p := &Pipe{rules: r, lanes: lanes{join: r.join}}
	p.emits = p.emit
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
	e := envelope{text: p.decode(line.Data, line.Pos, true)}
	if read := p.rules.format; read != nil {
		if inside, ok := read(e.text, &p.clock); ok {
			e = inside
		} else {
			out.Unparsed++
		}
	}
	p.lanes.add(e, line.Pos, p.leave(out))
}

// leave makes what puts an event that leaves into out.
func (p *Pipe) leave(out *Batch) func(*event) {
	p.out = out
	return p.emits
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
	out.append(text, line)
}

// Held returns the position of the first byte that is held, and whether any is.
func (p *Pipe) Held() (int64, bool) {
	if len(p.lanes.queue) == 0 {
		return 0, false
	}
	return p.lanes.queue[0].pos, true
}

// Memory returns how many bytes are kept for events that are held, and for later ones.
func (p *Pipe) Memory() int {
	n := 0
	for i := range p.lanes.queue {
		n += cap(p.lanes.queue[i].data)
	}
	for _, b := range p.lanes.spares {
		n += cap(b)
	}
	return n
}

// Shrink gives back memory that is kept for later events.
func (p *Pipe) Shrink() {
	p.lanes.spares = nil
	if len(p.lanes.queue) == 0 {
		p.lanes.queue = nil
	}
}

// Flush ends the events that are held, if any.
func (p *Pipe) Flush(out *Batch) { p.lanes.flush(p.leave(out)) }

// emit appends an event that the filters keep.
func (p *Pipe) emit(e *event) {
	if !p.rules.keep(e.data) {
		p.out.Filtered++
		return
	}
	o := p.out.append(e.data, In{Pos: e.pos})
	o.Source, o.Millis = e.source, e.millis
}

func (b *Batch) append(text []byte, line In) *Out {
	start := len(b.Data)
	b.Data = append(b.Data, text...)
	b.Events = append(b.Events, Out{Start: uint32(start), End: uint32(len(b.Data)), Pos: line.Pos, Part: line.Part, Last: line.Last})
	return &b.Events[len(b.Events)-1]
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
