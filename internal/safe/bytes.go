package safe

import (
	"unicode/utf8"
)

// Append appends s with everything that a terminal might obey made visible:
// control characters as \x1b or \u0085, bytes that are not UTF-8 as \xff, characters
// that reorder text as \u202e. Tabs stay; newlines stay when multiline is set, else
// they are shown as \n.
func Append(dst, s []byte, multiline bool) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != 0x7f || c == '\t' || c == '\n' && multiline {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = appendControl(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			i++
			start = i
			continue
		}
		if Alive(r) {
			dst = AppendRune(append(dst, s[start:i]...), r)
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	}
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// Alive reports whether a rune controls the terminal (C1) or reorders or hides
// what is around it.
func Alive(r rune) bool {
	switch {
	case r >= 0x80 && r <= 0x9f:
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
	case r == 0x200b, r >= 0x2060 && r <= 0x2064: // of no width; joiners (0x200c, 0x200d) belong to scripts
	case r == 0x200e, r == 0x200f, r == 0x061c, r == 0x2028, r == 0x2029, r == 0xfeff:
	default:
		return false
	}
	return true
}

// AppendRune appends a rune of the basic plane as \u202e.
func AppendRune(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// AppendJSON appends JSON text with the characters escaped that terminals obey and
// JSON allows in strings: DEL, those of C1, and those that reorder or hide text. The
// result means the same. Bytes that are not UTF-8 become the replacement character.
func AppendJSON(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == 0x7f:
			dst = append(dst, `\u007f`...)
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(text[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				dst = append(dst, `\ufffd`...)
			case Alive(r):
				dst = AppendRune(dst, r)
			default:
				dst = append(dst, text[i:i+size]...)
			}
			i += size - 1
		case c < 0x20 && c != '\n' && c != '\t': // never in valid JSON but between tokens
			if c != '\r' {
				dst = AppendRune(dst, rune(c))
			}
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
