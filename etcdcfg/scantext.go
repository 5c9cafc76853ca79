package etcdcfg

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// windowsHint is the likely cause of a backslash that JSON does not accept.
const windowsHint = `a Windows path needs \\ or /`

// closingQuote returns the quote that ends a text begun by r; 0 when r begins none.
func closingQuote(r rune) rune {
	switch r {
	case '"', '\'', '`', '＂':
		return r
	case '“', '”':
		return '”'
	case '‘', '’':
		return '’'
	}
	return 0
}

// text reads a text in quotes; open, n bytes long, is the quote at the position.
func (s *scanner) text(open rune, n int) node {
	t := node{kind: kindString, start: s.pos}
	closing := closingQuote(open)
	if open != '"' {
		s.fail(s.pos, `write "`, "%s as a quote", quoteRune(open))
	}
	s.pos += n
	s.escapedQuote = 0
	var b strings.Builder
	noted := false // one complaint about the inside of a text is enough
	note := func(hint, format string, args ...any) {
		if !noted {
			s.fail(s.pos, hint, format, args...)
		}
		noted = true
	}
	for {
		if from := s.pos; s.plainRun(closing) {
			if b.Len() == 0 && s.pos < len(s.data) && rune(s.data[s.pos]) == closing { // nothing else in it
				t.str = string(s.data[from:s.pos])
				s.pos++
				t.end = s.pos
				return t
			}
			b.Write(s.data[from:s.pos])
		}
		r, n := s.peek()
		switch {
		case n == 0 || r == '\n':
			s.fail(t.start, `a " is missing, or a \ stands before it`, "the text is not closed on its line")
			t.str, t.end = b.String(), s.pos
			return t
		case r == closing:
			s.pos += n
			t.str, t.end = b.String(), s.pos
			return t
		case r == '\\':
			s.escape(t.start, &b, note)
			continue
		case r == utf8.RuneError && n == 1:
			note("save the list as UTF-8; it may be GBK", "byte 0x%02X is not UTF-8", s.data[s.pos])
		case r < 0x20:
			note(fmt.Sprintf(`write \u%04x`, r), "a control character (0x%02X) in a text", r)
		}
		b.WriteRune(r)
		s.pos += n
	}
}

// plainRun steps over what stands for itself, and reports whether that is anything.
func (s *scanner) plainRun(closing rune) bool {
	start := s.pos
	if s.stop {
		return false
	}
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c < 0x20 || c >= utf8.RuneSelf || c == '\\' || rune(c) == closing {
			break
		}
		s.pos++
	}
	return s.pos > start
}

// escape reads a backslash and what belongs to it, in the text that begins at start.
func (s *scanner) escape(start int, b *strings.Builder, note func(hint, format string, args ...any)) {
	rest := s.data[s.pos+1:]
	if len(rest) == 0 {
		s.pos++
		return
	}
	if i := strings.IndexByte(`"\/bfnrt`, rest[0]); i >= 0 {
		if i == 0 {
			s.escapedQuote = s.pos
		}
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		s.pos += 2
		return
	}
	if rest[0] == 'u' {
		r, ok := hex4(rest[1:])
		if !ok {
			note(s.pathHint(start), `invalid escape \u without four hexadecimal digits`)
			b.WriteByte('\\')
			s.pos++
			return
		}
		s.pos += 6
		if utf16.IsSurrogate(r) {
			low, ok := rune(0), false
			if next := s.data[s.pos:]; bytes.HasPrefix(next, []byte(`\u`)) {
				low, ok = hex4(next[2:])
			}
			if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
				s.pos += 6
			}
		}
		b.WriteRune(r)
		return
	}
	r, _ := utf8.DecodeRune(rest)
	if r < 0x20 {
		note(s.pathHint(start), `a \ at the end of the line`)
	} else {
		note(s.pathHint(start), `invalid escape \%c`, r)
	}
	b.WriteByte('\\')
	s.pos++
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return 0, false
		}
	}
	v, err := strconv.ParseUint(string(b[:4]), 16, 32)
	return rune(v), err == nil
}

// number reads a number as JSON has it.
func (s *scanner) number() node {
	start := s.pos
	for s.pos < len(s.data) && strings.IndexByte("+-.0123456789eExXabcdfABCDF_", s.data[s.pos]) >= 0 {
		s.pos++
	}
	text := s.data[start:s.pos]
	if !validNumber(text) {
		s.fail(start, "a text needs quotes", "%q is not a number", text)
		return node{start: start, end: s.pos}
	}
	return node{kind: kindNumber, start: start, end: s.pos}
}

func validNumber(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	digits := func() bool {
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n > 0
	}
	if len(b) > 1 && b[0] == '0' && b[1] >= '0' && b[1] <= '9' {
		return false
	}
	if !digits() {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b = b[1:]; !digits() {
			return false
		}
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(b) == 0
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// word reads true, false, null, or a text whose quotes were forgotten.
func (s *scanner) word() node {
	start := s.pos
	for r, n := s.peek(); isWord(r) || r >= '0' && r <= '9'; r, n = s.peek() {
		s.pos += n
	}
	n := node{start: start, end: s.pos}
	word := string(s.data[start:s.pos])
	switch word {
	case "true", "false":
		n.kind, n.truth = kindBool, word == "true"
		return n
	case "null":
		n.kind = kindNull
		return n
	case "True", "False", "TRUE", "FALSE":
		s.fail(start, "write "+strings.ToLower(word), "unknown word %s", word)
		return n
	case "None", "nil", "undefined", "NULL", "Null":
		s.fail(start, "write null", "unknown word %s", word)
		return n
	}
	s.restOfValue()
	s.fail(start, "a text needs quotes", "unknown word %s", word)
	n.end = s.pos
	return n
}

// restOfValue skips the rest of a value without quotes, such as C:\logs\a.log,
// which is not worth a problem of its own.
func (s *scanner) restOfValue() {
	for s.pos < len(s.data) && strings.IndexByte(",]}\n\r", s.data[s.pos]) < 0 {
		s.pos++
	}
}

// quoteRune shows a character in an error message.
func quoteRune(r rune) string {
	if unicode.IsPrint(r) {
		return string(r)
	}
	return fmt.Sprintf("character U+%04X", r)
}
