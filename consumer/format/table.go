package format

import (
	"strconv"
	"unicode/utf8"

	"logctl/internal/safe"

	"github.com/mattn/go-runewidth"
)

// table prints aligned columns with a head. The columns grow to what a batch needs
// and never shrink, so that later rows stay aligned with earlier ones as far as can
// be. The value takes what is left of the terminal and is cut there; it is never cut
// when the output is no terminal.
type table struct {
	o      Options
	clock  clockCache
	names  []string
	width  []int
	rows   [][]string
	headed bool
	buf    []byte
	colors [12]string
	parts  []int32
}

// maxCell is where a column stops to grow on a terminal.
const maxCell = 32

func newTable(o Options) *table {
	t := &table{o: o, clock: clockCache{loc: o.Location, zone: o.Zone}, colors: partitionColors()}
	if o.Topic {
		t.names = append(t.names, "TOPIC")
	}
	t.names = append(t.names, "PARTITION", "OFFSET", "TIME", "KEY")
	if o.Headers {
		t.names = append(t.names, "HEADERS")
	}
	t.names = append(t.names, "VALUE")
	for _, n := range t.names {
		t.width = append(t.width, len(n))
	}
	return t
}

func (t *table) Append(dst []byte, r *Record) []byte {
	row := make([]string, 0, len(t.names))
	if t.o.Topic {
		row = append(row, t.cell([]byte(r.Topic), ""))
	}
	row = append(row, strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.Offset, 10),
		string(t.clock.append(nil, r.Time)), t.cell(r.Key, "-"))
	if t.o.Headers {
		row = append(row, t.headers(r))
	}
	row = append(row, t.cell(r.Value, "null"))
	t.rows = append(t.rows, row)
	t.parts = append(t.parts, r.Partition)
	for i, c := range row[:len(row)-1] {
		w := runewidth.StringWidth(c)
		if t.o.Width > 0 {
			w = min(w, maxCell)
		}
		t.width[i] = max(t.width[i], w)
	}
	return dst
}

// cell returns bytes of a record on one line.
func (t *table) cell(b []byte, null string) string {
	if b == nil {
		return null
	}
	if t.o.Escape || !utf8.Valid(b) {
		t.buf = safe.Append(t.buf[:0], b, false)
		return string(t.buf)
	}
	for _, c := range b {
		if c == '\n' || c == '\r' {
			t.buf = safe.Append(t.buf[:0], b, false)
			return string(t.buf)
		}
	}
	return string(b)
}

func (t *table) headers(r *Record) string {
	var s []byte
	for i, h := range r.Headers {
		if i > 0 {
			s = append(s, ' ')
		}
		s = append(s, t.cell([]byte(h.Key), "")...)
		s = append(s, '=')
		s = append(s, t.cell(h.Value, "null")...)
	}
	return string(s)
}

func (t *table) Flush(dst []byte) []byte {
	if len(t.rows) == 0 {
		return dst
	}
	if !t.headed {
		t.headed = true
		dst = t.row(dst, t.names, -1)
	}
	for i, r := range t.rows {
		dst = t.row(dst, r, t.parts[i])
	}
	clear(t.rows)
	t.rows, t.parts = t.rows[:0], t.parts[:0]
	return dst
}

func (t *table) row(dst []byte, cells []string, partition int32) []byte {
	used := 0
	last := len(cells) - 1
	for i, c := range cells {
		if i == last {
			if t.o.Width > 0 {
				c = runewidth.Truncate(c, max(t.o.Width-used, 8), "…")
			}
			if t.o.Color && partition >= 0 && len(t.o.Highlight) > 0 {
				dst = appendHighlighted(dst, []byte(c), t.o)
			} else {
				dst = append(dst, c...)
			}
			break
		}
		if runewidth.StringWidth(c) > t.width[i] {
			c = runewidth.Truncate(c, t.width[i], "…")
		}
		color := t.color(i, partition)
		dst = append(dst, color...)
		dst = append(dst, c...)
		if color != "" {
			dst = append(dst, colorReset...)
		}
		for range t.width[i] - runewidth.StringWidth(c) + 2 {
			dst = append(dst, ' ')
		}
		used += t.width[i] + 2
	}
	return append(dst, '\n')
}

func (t *table) color(column int, partition int32) string {
	if !t.o.Color {
		return ""
	}
	if partition < 0 {
		return colorDim
	}
	switch t.names[column] {
	case "PARTITION":
		return t.colors[int(partition)%len(t.colors)]
	case "TIME":
		return colorDim
	case "KEY":
		return colorKey
	case "HEADERS":
		return colorHeader
	}
	return ""
}
