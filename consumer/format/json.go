package format

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"

	"logctl/internal/safe"
)

// jsonPrinter prints one object per line:
//
//	{"topic":"t","partition":0,"offset":12,"timestamp":1764000000000,
//	 "time":"2026-11-22T18:31:04.123+01:00","key":null,"value":"text","headers":[{"key":"host","value":"a"}]}
//
// key, value and the values of headers are null for null, a string for UTF-8, JSON
// when they were decoded to JSON, and else base64 under key_b64 and value_b64.
type jsonPrinter struct{ o Options }

func (p *jsonPrinter) Append(dst []byte, r *Record) []byte {
	dst = append(dst, `{"topic":`...)
	dst = AppendJSONString(dst, []byte(r.Topic))
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(r.Partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, r.Offset, 10)
	if r.Time.IsZero() {
		dst = append(dst, `,"timestamp":null,"time":null,`...)
	} else {
		dst = append(dst, `,"timestamp":`...)
		dst = strconv.AppendInt(dst, r.Time.UnixMilli(), 10)
		dst = append(dst, `,"time":"`...)
		dst = appendTime(dst, r.Time.In(p.o.Location))
		dst = append(dst, `",`...)
	}
	dst = appendJSONField(dst, "key", r.Key, r.KeyJSON)
	dst = append(dst, ',')
	dst = appendJSONField(dst, "value", r.Value, r.ValueJSON)
	dst = append(dst, `,"headers":[`...)
	for i, h := range r.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"key":`...)
		dst = AppendJSONString(dst, []byte(h.Key))
		dst = append(dst, ',')
		dst = appendJSONField(dst, "value", h.Value, false)
		dst = append(dst, '}')
	}
	return append(dst, "]}\n"...)
}

func (p *jsonPrinter) Flush(dst []byte) []byte { return dst }

// appendTime appends t in RFC 3339 with milliseconds.
func appendTime(dst []byte, t time.Time) []byte {
	return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
}

// appendJSONField appends "name":... for bytes of a record.
func appendJSONField(dst []byte, name string, b []byte, isJSON bool) []byte {
	dst = append(dst, '"')
	dst = append(dst, name...)
	switch {
	case b == nil:
		return append(dst, `":null`...)
	case isJSON:
		dst = append(dst, `":`...)
		return appendOneLine(dst, b)
	case utf8.Valid(b):
		dst = append(dst, `":`...)
		return AppendJSONString(dst, b)
	}
	dst = append(dst, `_b64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// appendOneLine appends JSON text without its line breaks, which JSON allows between
// tokens only, and with the characters escaped that terminals obey and JSON allows in
// strings: DEL, those of C1, and those that reorder text. Bytes that are not UTF-8, which
// decoders let pass in strings, become the replacement character.
func appendOneLine(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n', c == '\r':
		case c == 0x7f:
			dst = append(dst, `\u007f`...)
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(b[i:])
			switch {
			case r == utf8.RuneError && size == 1: // only a string can hold it
				dst = append(dst, `\ufffd`...)
			case safe.Alive(r):
				dst = safe.AppendRune(dst, r)
			default:
				dst = append(dst, b[i:i+size]...)
			}
			i += size - 1
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendJSONString appends s as a JSON string. Bytes that are not UTF-8 become the
// replacement character; control characters that terminals obey are escaped, the C1
// ones and those that reorder text too.
func AppendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = safe.AppendRune(dst, rune(c))
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\ufffd`...)
			start = i + 1
		case safe.Alive(r):
			dst = safe.AppendRune(append(dst, s[start:i]...), r)
			start = i + size
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
