package lines

import (
	"bytes"
	"unicode/utf8"
)

// Splitter cuts bytes into lines. Its result does not depend on where the reads
// that brought the bytes began and ended.
type Splitter struct {
	Newline  Newline
	Long     LongLines
	MaxLine  int // bytes of content, without line end
	MaxLines int // lines per call
}

// Cut is what a call of split used up and left out.
type Cut struct {
	Used      int   // bytes dealt with
	Part      int   // parts sent of the line that the next byte is in
	Truncated int64 // bytes of long lines left out
	Skipped   int   // long lines left out whole
}

// Split appends the lines of data to lines. part is the number of parts already
// sent of the line that data[0] is in. With final set, what follows the last line
// end is a line too.
func (sp *Splitter) Split(lines []Line, data []byte, pos int64, part int, final bool) ([]Line, Cut) {
	c := Cut{Part: part}
	unit := sp.Unit()
	for c.Used < len(data) && len(lines) < sp.MaxLines {
		rest := data[c.Used:]
		if c.Part > 0 && sp.Long != LongSplit {
			if !sp.passOver(&c, rest, sp.Index(rest), final) {
				break
			}
			continue
		}
		nl := sp.Index(rest[:min(len(rest), sp.MaxLine+2*unit)])
		content, end := sp.content(rest, nl)
		switch {
		case nl < 0 && !final && len(rest) < sp.MaxLine+2*unit:
			return lines, c // neither whole nor certainly too long
		case len(content) <= sp.MaxLine:
			l := Line{Start: uint32(c.Used), End: uint32(c.Used + len(content)), Pos: pos + int64(c.Used)}
			if c.Part > 0 {
				l.Part, l.Last = int32(c.Part+1), true
			}
			lines = append(lines, l)
			c.Used += end
			c.Part = 0
		default:
			lines = sp.longLine(lines, &c, rest, pos)
		}
	}
	return lines, c
}

// longLine deals with the first maxLine bytes of a line that is longer.
func (sp *Splitter) longLine(lines []Line, c *Cut, rest []byte, pos int64) []Line {
	n := sp.cutAt(rest)
	l := Line{Start: uint32(c.Used), End: uint32(c.Used + n), Pos: pos + int64(c.Used)}
	switch sp.Long {
	case LongSplit:
		l.Part = int32(c.Part + 1)
		lines = append(lines, l)
	case LongTruncate:
		lines = append(lines, l)
	case LongSkip:
		c.Skipped++
		c.Truncated += int64(n)
	}
	c.Used += n
	c.Part++
	return lines
}

// passOver leaves out the rest of a line that was cut or skipped; false: its end
// is not in rest. A carriage return at the end of rest is left, because it may
// belong to the line end.
func (sp *Splitter) passOver(c *Cut, rest []byte, nl int, final bool) bool {
	content, end := sp.content(rest, nl)
	if nl >= 0 || final {
		c.Truncated += int64(len(content))
		c.Used += end
		c.Part = 0
		return true
	}
	n := len(rest) - len(rest)%sp.Unit()
	n = len(sp.trimCR(rest[:n]))
	c.Truncated += int64(n)
	c.Used += n
	return false
}

// content returns the line at the head of rest, whose line end is at nl, without
// its line end, and its length with it. nl < 0: there is no line end.
func (sp *Splitter) content(rest []byte, nl int) ([]byte, int) {
	if nl < 0 {
		return rest, len(rest)
	}
	return sp.trimCR(rest[:nl]), nl + sp.Unit()
}

func (sp *Splitter) Unit() int {
	if sp.Newline == NewlineLF {
		return 1
	}
	return 2
}

// Index returns the position of the first line end in b, or -1. Code units are
// counted from b[0].
func (sp *Splitter) Index(b []byte) int {
	if sp.Newline == NewlineLF {
		return bytes.IndexByte(b, '\n')
	}
	low := 0 // of the byte 0x0A in its unit
	if sp.Newline == NewlineUTF16BE {
		low = 1
	}
	for i := 0; i < len(b); {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return -1
		}
		n += i
		at := n &^ 1
		if n&1 == low && at+1 < len(b) && b[at+1-low] == 0 {
			return at
		}
		i = n + 1
	}
	return -1
}

func (sp *Splitter) trimCR(b []byte) []byte {
	n := len(b)
	switch {
	case sp.Newline == NewlineLF && n > 0 && b[n-1] == '\r',
		sp.Newline == NewlineUTF16LE && n > 1 && n&1 == 0 && b[n-2] == '\r' && b[n-1] == 0,
		sp.Newline == NewlineUTF16BE && n > 1 && n&1 == 0 && b[n-2] == 0 && b[n-1] == '\r':
		return b[:n-sp.Unit()]
	}
	return b
}

// cutAt returns where to cut a line longer than maxLine: at maxLine, or a few
// bytes before it where that keeps a character whole.
func (sp *Splitter) cutAt(b []byte) int {
	n := sp.MaxLine
	if sp.Newline != NewlineLF {
		hi := b[n-1]
		if sp.Newline == NewlineUTF16BE {
			hi = b[n-2]
		}
		if hi >= 0xD8 && hi <= 0xDB && n > 2 { // first half of a surrogate pair
			n -= 2
		}
		return n
	}
	for i := n; i > n-utf8.UTFMax && i > 0; i-- {
		if !utf8.RuneStart(b[i]) {
			continue
		}
		if i < n && runeLen(b[i]) > n-i {
			return i
		}
		return n
	}
	return n
}

// runeLen is the length of the UTF-8 encoding that b starts; 1 where it starts none.
func runeLen(b byte) int {
	switch {
	case b >= 0xC2 && b < 0xE0:
		return 2
	case b >= 0xE0 && b < 0xF0:
		return 3
	case b >= 0xF0 && b < 0xF5:
		return 4
	}
	return 1
}
