package tail

import (
	"bytes"
	"unicode/utf8"
)

// splitter cuts bytes into lines. Its result does not depend on where the reads
// that brought the bytes began and ended.
type splitter struct {
	newline  Newline
	long     LongLines
	maxLine  int // bytes of content, without line end
	maxLines int // lines per call
}

// cut is what a call of split used up and left out.
type cut struct {
	used      int   // bytes dealt with
	part      int   // parts sent of the line that the next byte is in
	truncated int64 // bytes of long lines left out
	skipped   int   // long lines left out whole
}

// split appends the lines of data to lines. part is the number of parts already
// sent of the line that data[0] is in. With final set, what follows the last line
// end is a line too.
func (sp *splitter) split(lines []Line, data []byte, pos int64, part int, final bool) ([]Line, cut) {
	c := cut{part: part}
	unit := sp.unit()
	for c.used < len(data) && len(lines) < sp.maxLines {
		rest := data[c.used:]
		if c.part > 0 && sp.long != LongSplit {
			if !sp.passOver(&c, rest, sp.index(rest), final) {
				break
			}
			continue
		}
		nl := sp.index(rest[:min(len(rest), sp.maxLine+2*unit)])
		content, end := sp.content(rest, nl)
		switch {
		case nl < 0 && !final && len(rest) < sp.maxLine+2*unit:
			return lines, c // neither whole nor certainly too long
		case len(content) <= sp.maxLine:
			l := Line{Start: uint32(c.used), End: uint32(c.used + len(content)), Pos: pos + int64(c.used)}
			if c.part > 0 {
				l.Part, l.Last = int32(c.part+1), true
			}
			lines = append(lines, l)
			c.used += end
			c.part = 0
		default:
			lines = sp.longLine(lines, &c, rest, pos)
		}
	}
	return lines, c
}

// longLine deals with the first maxLine bytes of a line that is longer.
func (sp *splitter) longLine(lines []Line, c *cut, rest []byte, pos int64) []Line {
	n := sp.cutAt(rest)
	l := Line{Start: uint32(c.used), End: uint32(c.used + n), Pos: pos + int64(c.used)}
	switch sp.long {
	case LongSplit:
		l.Part = int32(c.part + 1)
		lines = append(lines, l)
	case LongTruncate:
		lines = append(lines, l)
	case LongSkip:
		c.skipped++
		c.truncated += int64(n)
	}
	c.used += n
	c.part++
	return lines
}

// passOver leaves out the rest of a line that was cut or skipped; false: its end
// is not in rest. A carriage return at the end of rest is left, because it may
// belong to the line end.
func (sp *splitter) passOver(c *cut, rest []byte, nl int, final bool) bool {
	content, end := sp.content(rest, nl)
	if nl >= 0 || final {
		c.truncated += int64(len(content))
		c.used += end
		c.part = 0
		return true
	}
	n := len(rest) - len(rest)%sp.unit()
	n = len(sp.trimCR(rest[:n]))
	c.truncated += int64(n)
	c.used += n
	return false
}

// content returns the line at the head of rest, whose line end is at nl, without
// its line end, and its length with it. nl < 0: there is no line end.
func (sp *splitter) content(rest []byte, nl int) ([]byte, int) {
	if nl < 0 {
		return rest, len(rest)
	}
	return sp.trimCR(rest[:nl]), nl + sp.unit()
}

func (sp *splitter) unit() int {
	if sp.newline == NewlineLF {
		return 1
	}
	return 2
}

// index returns the position of the first line end in b, or -1. Code units are
// counted from b[0].
func (sp *splitter) index(b []byte) int {
	if sp.newline == NewlineLF {
		return bytes.IndexByte(b, '\n')
	}
	low := 0 // of the byte 0x0A in its unit
	if sp.newline == NewlineUTF16BE {
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

func (sp *splitter) trimCR(b []byte) []byte {
	n := len(b)
	switch {
	case sp.newline == NewlineLF && n > 0 && b[n-1] == '\r',
		sp.newline == NewlineUTF16LE && n > 1 && n&1 == 0 && b[n-2] == '\r' && b[n-1] == 0,
		sp.newline == NewlineUTF16BE && n > 1 && n&1 == 0 && b[n-2] == 0 && b[n-1] == '\r':
		return b[:n-sp.unit()]
	}
	return b
}

// cutAt returns where to cut a line longer than maxLine: at maxLine, or a few
// bytes before it where that keeps a character whole.
func (sp *splitter) cutAt(b []byte) int {
	n := sp.maxLine
	if sp.newline != NewlineLF {
		hi := b[n-1]
		if sp.newline == NewlineUTF16BE {
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
