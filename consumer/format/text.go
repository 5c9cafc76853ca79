package format

import (
	"strconv"

	"logctl/internal/safe"
)

// text prints a line for people: partition, offset, time, key, value.
type text struct {
	o      Options
	clock  clockCache
	colors [12]string
	buf    []byte
}

func newText(o Options) *text {
	return &text{o: o, clock: clockCache{loc: o.Location, zone: o.Zone}, colors: partitionColors()}
}

func (p *text) Append(dst []byte, r *Record) []byte {
	if p.o.Topic {
		dst = p.paint(dst, p.colors[nameColor(r.Topic)])
		dst = p.field(dst, []byte(r.Topic), "")
		dst = p.unpaint(dst)
		dst = append(dst, '/')
	}
	dst = p.paint(dst, p.colors[int(r.Partition)%len(p.colors)])
	dst = append(dst, 'p')
	dst = strconv.AppendInt(dst, int64(r.Partition), 10)
	dst = p.unpaint(dst)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, r.Offset, 10)
	dst = append(dst, ' ')
	dst = p.paint(dst, colorDim)
	dst = p.clock.append(dst, r.Time)
	dst = p.unpaint(dst)
	dst = append(dst, ' ')
	dst = p.paint(dst, colorKey)
	dst = p.field(dst, r.Key, "-")
	dst = p.unpaint(dst)
	dst = append(dst, ' ')
	if p.o.Headers && len(r.Headers) > 0 {
		dst = p.headers(dst, r)
		dst = append(dst, ' ')
	}
	if r.Value == nil {
		dst = p.paint(dst, colorDim)
		dst = append(dst, "null"...)
		dst = p.unpaint(dst)
	} else {
		dst = p.value(dst, r.Value)
	}
	return append(dst, p.o.Separator...)
}

func (p *text) Flush(dst []byte) []byte { return dst }

// headers appends {host=a path=/b}.
func (p *text) headers(dst []byte, r *Record) []byte {
	dst = p.paint(dst, colorHeader)
	dst = append(dst, '{')
	for i, h := range r.Headers {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = p.field(dst, []byte(h.Key), "")
		dst = append(dst, '=')
		dst = p.field(dst, h.Value, "null")
	}
	dst = append(dst, '}')
	return p.unpaint(dst)
}

// field appends bytes of a record, or what stands for null.
func (p *text) field(dst, b []byte, null string) []byte {
	if b == nil {
		return append(dst, null...)
	}
	if p.o.Escape {
		return safe.Append(dst, b, false)
	}
	return append(dst, b...)
}

// value appends the value with the matches of the highlights marked.
func (p *text) value(dst, v []byte) []byte {
	if !p.o.Color || len(p.o.Highlight) == 0 {
		return p.field(dst, v, "")
	}
	shown := v
	if p.o.Escape {
		p.buf = safe.Append(p.buf[:0], v, false)
		shown = p.buf
	}
	return appendHighlighted(dst, shown, p.o)
}

// appendHighlighted appends s with all matches marked, overlaps joined.
func appendHighlighted(dst, s []byte, o Options) []byte {
	var marks [][]int
	for _, re := range o.Highlight {
		for _, m := range re.FindAllIndex(s, -1) {
			if m[1] > m[0] {
				marks = append(marks, m)
			}
		}
	}
	at := 0
	for at < len(s) {
		next, end := len(s), len(s)
		for _, m := range marks {
			if m[1] > at && max(m[0], at) < next {
				next, end = max(m[0], at), m[1]
			}
		}
		dst = append(dst, s[at:next]...)
		if next < len(s) {
			dst = append(dst, colorMatch...)
			dst = append(dst, s[next:end]...)
			dst = append(dst, colorReset...)
		}
		at = end
	}
	return dst
}

func (p *text) paint(dst []byte, color string) []byte {
	if p.o.Color {
		dst = append(dst, color...)
	}
	return dst
}

func (p *text) unpaint(dst []byte) []byte {
	if p.o.Color {
		dst = append(dst, colorReset...)
	}
	return dst
}

// nameColor gives each topic the same colour every time.
func nameColor(name string) int {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return int(h % 12)
}
