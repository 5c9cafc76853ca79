package safe

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
)

// csi begins the escape sequences that set a style.
const csi = "\x1b["

// Seal marks the styles of one program, so that text from outside cannot pass for
// them. A style on the way through a view carries a random key as its first
// parameters; Line takes the key off and lets no other escape sequence through. To
// measure and to cut text, a sealed style is an escape sequence like any other.
type Seal struct{ lead string }

// NewSeal returns a seal with a key of its own.
func NewSeal() *Seal {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	n := binary.LittleEndian.Uint64(b[:])
	return &Seal{fmt.Sprintf("%s%d;%d;%d;%d;", csi, n>>48, n>>32&0xffff, n>>16&0xffff, n&0xffff)}
}

// Style returns sequences that set a style, such as "\x1b[1;36m", with the key in them.
func (s *Seal) Style(sequences string) string { return strings.ReplaceAll(sequences, csi, s.lead) }

// Line returns one line of a view as it may be written to a terminal: styles without
// their key, all else cleaned.
func (s *Seal) Line(line string) Text {
	var b strings.Builder
	b.Grow(len(line))
	marks := noBase
	for {
		at := strings.Index(line, s.lead)
		if at < 0 {
			cleanTo(&b, line, marks)
			return Text(b.String())
		}
		marks = cleanTo(&b, line[:at], marks)
		line = line[at+len(s.lead):]
		n := 0
		for n < len(line) && (line[n] >= '0' && line[n] <= '9' || line[n] == ';' || line[n] == ':') {
			n++
		}
		if n < len(line) && line[n] == 'm' {
			b.WriteString(csi)
			b.WriteString(line[:n+1])
			line = line[n+1:]
		}
	}
}
