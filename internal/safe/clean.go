package safe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	hexDigits    = "0123456789abcdef"
	tabText      = "    "
	maxCombining = 4 // marks on one character before the rest are shown as escapes
	noBase       = maxCombining
)

// Clean returns s with everything that a terminal would act on, or that hides
// text from the reader, made visible: control characters (C0, C1 and DEL) as
// \x1b, \r, \b, \n; bytes that are not UTF-8 as \xff; bidirectional, zero-width
// and other format characters as \u202e; emoji variation selectors dropped. A
// tab becomes four spaces. The result holds no control character at all.
func Clean[S ~string](s S) Text { return Text(clean(string(s))) }

func clean(s string) string {
	if Plain(s) == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	cleanTo(&b, s, noBase)
	return b.String()
}

// cleanTo appends the cleaned s. marks is the number of combining marks on the
// character before s, noBase when there is none; the result is that after s.
func cleanTo(b *strings.Builder, s string, marks int) int {
	i := Plain(s)
	b.WriteString(s[:i])
	if i > 0 {
		marks = 0
		if s[i-1] == ' ' {
			marks = noBase
		}
	}
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			cleanASCII(b, c)
			marks = 0
			if c == ' ' || c == '\t' {
				marks = noBase
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 {
			escapeByte(b, c)
			marks = 0
			i++
			continue
		}
		marks = cleanRune(b, r, marks)
		i += size
	}
	return marks
}

// Plain returns how many leading bytes of s are printable ASCII.
func Plain(s string) int {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e {
			return i
		}
	}
	return len(s)
}

func cleanASCII(b *strings.Builder, c byte) {
	switch {
	case c == '\t':
		b.WriteString(tabText)
	case c == '\n':
		b.WriteString(`\n`)
	case c == '\r':
		b.WriteString(`\r`)
	case c == '\b':
		b.WriteString(`\b`)
	case c < 0x20 || c == 0x7f:
		escapeByte(b, c)
	default:
		b.WriteByte(c)
	}
}

// cleanRune writes r or its escape and returns the number of combining marks
// written in a row.
func cleanRune(b *strings.Builder, r rune, marks int) int {
	switch {
	case r >= 0x80 && r < 0xa0:
		escapeByte(b, byte(r))
	case r >= 0xfe00 && r <= 0xfe0f:
		// Whether these widen the character before them differs between
		// terminals, so that lines would break at random places.
		return marks
	case hidden(r):
		escapeRune(b, r)
	case joins(r):
		if marks >= maxCombining {
			escapeRune(b, r)
			return marks
		}
		b.WriteRune(r)
		return marks + 1
	default:
		b.WriteRune(r)
	}
	return 0
}

// joins reports whether r is drawn onto the character before it. Without one it
// would be drawn onto whatever the screen has there.
func joins(r rune) bool {
	return unicode.Is(unicode.M, r) || r == 0x0e33 || r == 0x0eb3 || r == 0xff9e || r == 0xff9f
}

// hidden reports whether r shows nothing itself but changes what is shown, or
// has a width on which terminals do not agree.
func hidden(r rune) bool {
	switch {
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return true
	case r == 0x034f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xffa0:
		return true // joiners and fillers
	case r >= 0x180b && r <= 0x180f, r >= 0xe0100 && r <= 0xe01ef:
		return true // variation selectors
	case r >= 0x1f3fb && r <= 0x1f3ff:
		return true // skin tones: two cells wider in some terminals
	case r >= 0x1f1e6 && r <= 0x1f1ff:
		return true // halves of flags
	case r >= 0xd7b0 && r <= 0xd7ff, r >= 0x1161 && r <= 0x11ff, r >= 0xa960 && r <= 0xa97f:
		return true // loose Hangul letters
	case r == 0x0d4e, r == 0x111c2, r == 0x111c3, r == 0x113d1, r == 0x1193f, r == 0x11941, r == 0x11a3a, r >= 0x11a84 && r <= 0x11a89, r == 0x11d46, r == 0x11f02:
		return true // letters that swallow the character after them
	}
	return !unicode.IsPrint(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Co, r)
}

func escapeByte(b *strings.Builder, c byte) {
	b.WriteString(`\x`)
	b.WriteByte(hexDigits[c>>4])
	b.WriteByte(hexDigits[c&15])
}

func escapeRune(b *strings.Builder, r rune) {
	digits, lead := 4, `\u`
	if r > 0xffff {
		digits, lead = 8, `\U`
	}
	b.WriteString(lead)
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte(hexDigits[(r>>(4*i))&15])
	}
}

// CleanBytes is Clean for at most limit bytes of data; cut tells that there
// were more.
func CleanBytes(data []byte, limit int) (text Text, cut bool) {
	if len(data) > limit {
		data, cut = data[:limit], true
		for i := 0; i < utf8.UTFMax && len(data) > 0 && !utf8.RuneStart(data[len(data)-1]); i++ {
			data = data[:len(data)-1]
		}
		if n := len(data); n > 0 && data[n-1] >= utf8.RuneSelf {
			data = data[:n-1]
		}
	}
	return Clean(string(data)), cut
}

// CleanLines cleans text that may span lines: one Text for each line, without its end.
func CleanLines[S ~string](s S) []Text {
	lines := strings.Split(strings.TrimSuffix(string(s), "\n"), "\n")
	out := make([]Text, len(lines))
	for i, l := range lines {
		out[i] = Clean(strings.TrimSuffix(l, "\r"))
	}
	return out
}
