package format

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"logctl/internal/safe"
)

// TemplateHelp describes the template language, for help texts.
const TemplateHelp = `%t topic   %p partition   %o offset   %k key   %v value (also %s)
%K %V (also %S) length of the key, of the value, in bytes; -1 for null
%d timestamp in milliseconds (also %T); %d{go[2006-01-02 15:04:05]} or
   %d{strftime[%F %T]} formatted, %d{rfc3339}, %d{unix}; -1 or - for none
%H number of headers; %h{ %k=%v } that text for each header, inside it %k %v %K %V
%k{hex} %v{base64} %v{json} %v{escape} the bytes shown in that form
%i number of the record, from 1
%% a percent sign, \n \t \r \\ \0 \x1b as in C`

// part appends one piece of a template.
type part func(dst []byte, r *Record, t *template) []byte

// template is a compiled format string.
type template struct {
	parts  []part
	loc    *time.Location
	escape bool
	index  int64
	key    []byte // of the header at hand
	value  []byte
}

// NewTemplate returns a printer for a format string; see TemplateHelp. Nothing is
// printed that the string does not say, a newline neither.
func NewTemplate(format string, o Options) (Printer, error) {
	if o.Location == nil {
		o.Location = time.Local
	}
	parts, err := compile(format, false)
	if err != nil {
		return nil, fmt.Errorf("format %q: %w", format, err)
	}
	return &template{parts: parts, loc: o.Location, escape: o.Escape}, nil
}

func (t *template) Append(dst []byte, r *Record) []byte {
	t.index++
	for _, p := range t.parts {
		dst = p(dst, r, t)
	}
	return dst
}

func (t *template) Flush(dst []byte) []byte { return dst }

// compile translates a format string; inHeader is set for the text of %h{...}.
func compile(s string, inHeader bool) ([]part, error) {
	var parts []part
	var lit []byte
	flush := func() {
		if len(lit) > 0 {
			text := lit
			lit = nil
			parts = append(parts, func(dst []byte, _ *Record, _ *template) []byte { return append(dst, text...) })
		}
	}
	for i := 0; i < len(s); {
		switch s[i] {
		case '\\':
			c, n, err := unescape(s[i:])
			if err != nil {
				return nil, err
			}
			lit = append(lit, c)
			i += n
		case '%':
			if i+1 == len(s) {
				return nil, errors.New("it ends with a lone %; write %% for a percent sign")
			}
			verb := s[i+1]
			i += 2
			if verb == '%' || verb == '{' || verb == '}' {
				lit = append(lit, verb)
				continue
			}
			arg := ""
			if i < len(s) && s[i] == '{' && takesArgument(verb) {
				end := closing(s[i:])
				if end < 0 {
					return nil, fmt.Errorf("the { behind %%%c has no }", verb)
				}
				arg = s[i+1 : i+end]
				i += end + 1
			}
			p, err := verbPart(verb, arg, inHeader)
			if err != nil {
				return nil, err
			}
			flush()
			parts = append(parts, p)
		default:
			lit = append(lit, s[i])
			i++
		}
	}
	flush()
	return parts, nil
}

func takesArgument(verb byte) bool { return strings.IndexByte("kvshdT", verb) >= 0 }

// closing returns the index of the brace that closes the one at s[0], or -1. Braces
// in square brackets do not count, nor do those behind a percent sign.
func closing(s string) int {
	depth, bracket := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '%':
			if i+1 < len(s) && (s[i+1] == '{' || s[i+1] == '}') {
				i++
			}
		case '[':
			bracket++
		case ']':
			bracket = max(bracket-1, 0)
		case '{':
			if bracket == 0 {
				depth++
			}
		case '}':
			if bracket == 0 {
				depth--
			}
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// unescape reads an escape at the head of s and returns the byte and its length.
func unescape(s string) (byte, int, error) {
	if len(s) < 2 {
		return 0, 0, errors.New(`it ends with a lone \; write \\ for a backslash`)
	}
	switch s[1] {
	case 'n':
		return '\n', 2, nil
	case 't':
		return '\t', 2, nil
	case 'r':
		return '\r', 2, nil
	case '0':
		return 0, 2, nil
	case '\\':
		return '\\', 2, nil
	case 'e':
		return 0x1b, 2, nil
	case 'x':
		if len(s) >= 4 {
			if n, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
				return byte(n), 4, nil
			}
		}
	}
	return 0, 0, fmt.Errorf(`unknown escape \%c; there are \n \t \r \0 \e \\ \x1b`, s[1])
}

// Unescape replaces the escapes of the template language in s.
func Unescape(s string) (string, error) {
	var out []byte
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		c, n, err := unescape(s[i:])
		if err != nil {
			return "", err
		}
		out = append(out, c)
		i += n
	}
	return string(out), nil
}

func verbPart(verb byte, arg string, inHeader bool) (part, error) {
	key := func(r *Record, _ *template) []byte { return r.Key }
	value := func(r *Record, _ *template) []byte { return r.Value }
	if inHeader {
		key = func(_ *Record, t *template) []byte { return t.key }
		value = func(_ *Record, t *template) []byte { return t.value }
	}
	switch verb {
	case 'k':
		return bytesPart(key, arg)
	case 'v', 's':
		return bytesPart(value, arg)
	case 'K':
		return lengthPart(key), nil
	case 'V', 'S':
		return lengthPart(value), nil
	}
	if inHeader {
		return nil, fmt.Errorf("%%%c has no meaning inside %%h{...}; there are %%k %%v %%K %%V", verb)
	}
	switch verb {
	case 't':
		return func(dst []byte, r *Record, _ *template) []byte { return append(dst, r.Topic...) }, nil
	case 'p':
		return number(func(r *Record, _ *template) int64 { return int64(r.Partition) }), nil
	case 'o':
		return number(func(r *Record, _ *template) int64 { return r.Offset }), nil
	case 'i':
		return number(func(_ *Record, t *template) int64 { return t.index }), nil
	case 'H':
		return number(func(r *Record, _ *template) int64 { return int64(len(r.Headers)) }), nil
	case 'd', 'T':
		return timePart(arg)
	case 'h':
		return headersPart(arg)
	}
	return nil, fmt.Errorf("unknown %%%c; there are %%t %%p %%o %%k %%v %%K %%V %%d %%h{...} %%H %%i %%%%", verb)
}

func number(of func(*Record, *template) int64) part {
	return func(dst []byte, r *Record, t *template) []byte { return strconv.AppendInt(dst, of(r, t), 10) }
}

func lengthPart(of func(*Record, *template) []byte) part {
	return number(func(r *Record, t *template) int64 {
		if b := of(r, t); b != nil {
			return int64(len(b))
		}
		return -1
	})
}

func bytesPart(of func(*Record, *template) []byte, form string) (part, error) {
	switch form {
	case "":
		return func(dst []byte, r *Record, t *template) []byte {
			if t.escape {
				return safe.Append(dst, of(r, t), true)
			}
			return append(dst, of(r, t)...)
		}, nil
	case "hex":
		return func(dst []byte, r *Record, t *template) []byte { return hex.AppendEncode(dst, of(r, t)) }, nil
	case "base64":
		return func(dst []byte, r *Record, t *template) []byte {
			return base64.StdEncoding.AppendEncode(dst, of(r, t))
		}, nil
	case "json":
		return func(dst []byte, r *Record, t *template) []byte {
			if b := of(r, t); b != nil {
				return AppendJSONString(dst, b)
			}
			return append(dst, "null"...)
		}, nil
	case "escape":
		return func(dst []byte, r *Record, t *template) []byte { return safe.Append(dst, of(r, t), false) }, nil
	}
	return nil, fmt.Errorf("unknown form {%s}; there are {hex}, {base64}, {json} and {escape}", form)
}

func headersPart(arg string) (part, error) {
	if arg == "" {
		arg = " %k=%v"
	}
	inner, err := compile(arg, true)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, r *Record, t *template) []byte {
		for _, h := range r.Headers {
			t.key, t.value = []byte(h.Key), h.Value
			for _, p := range inner {
				dst = p(dst, r, t)
			}
		}
		return dst
	}, nil
}

func timePart(arg string) (part, error) {
	switch {
	case arg == "" || arg == "ms":
		return number(func(r *Record, _ *template) int64 {
			if r.Time.IsZero() {
				return -1
			}
			return r.Time.UnixMilli()
		}), nil
	case arg == "unix":
		return number(func(r *Record, _ *template) int64 {
			if r.Time.IsZero() {
				return -1
			}
			return r.Time.Unix()
		}), nil
	case arg == "rfc3339":
		return timeText(appendTime), nil
	case strings.HasPrefix(arg, "go[") && strings.HasSuffix(arg, "]"):
		layout := arg[3 : len(arg)-1]
		return timeText(func(dst []byte, at time.Time) []byte { return at.AppendFormat(dst, layout) }), nil
	case strings.HasPrefix(arg, "strftime[") && strings.HasSuffix(arg, "]"):
		layout := arg[9 : len(arg)-1]
		return timeText(func(dst []byte, at time.Time) []byte { return appendStrftime(dst, layout, at) }), nil
	}
	return nil, fmt.Errorf("unknown time form {%s}; there are {ms}, {unix}, {rfc3339}, {go[...]} and {strftime[...]}", arg)
}

// timeText appends the time of a record as text, "-" when it has none.
func timeText(form func([]byte, time.Time) []byte) part {
	return func(dst []byte, r *Record, t *template) []byte {
		if r.Time.IsZero() {
			return append(dst, '-')
		}
		return form(dst, r.Time.In(t.loc))
	}
}

// appendStrftime appends t in the common conversions of strftime; others stay as
// they are written.
func appendStrftime(dst []byte, layout string, t time.Time) []byte {
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			dst = append(dst, layout[i])
			continue
		}
		i++
		switch c := layout[i]; c {
		case 's':
			dst = strconv.AppendInt(dst, t.Unix(), 10)
		case 'j':
			dst = fmt.Appendf(dst, "%03d", t.YearDay())
		case 'L':
			dst = fmt.Appendf(dst, "%03d", t.Nanosecond()/1e6)
		case 'f':
			dst = fmt.Appendf(dst, "%06d", t.Nanosecond()/1e3)
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case '%':
			dst = append(dst, '%')
		default:
			if layout := strftimeLayout(c); layout != "" {
				dst = t.AppendFormat(dst, layout)
			} else {
				dst = append(dst, '%', c)
			}
		}
	}
	return dst
}

// strftimeLayout returns the layout of Go for a conversion of strftime.
func strftimeLayout(c byte) string {
	switch c {
	case 'Y':
		return "2006"
	case 'y':
		return "06"
	case 'm':
		return "01"
	case 'd':
		return "02"
	case 'e':
		return "_2"
	case 'H':
		return "15"
	case 'I':
		return "03"
	case 'M':
		return "04"
	case 'S':
		return "05"
	case 'p':
		return "PM"
	case 'z':
		return "-0700"
	case 'Z':
		return "MST"
	case 'a':
		return "Mon"
	case 'A':
		return "Monday"
	case 'b', 'h':
		return "Jan"
	case 'B':
		return "January"
	case 'F':
		return "2006-01-02"
	case 'T':
		return "15:04:05"
	case 'D':
		return "01/02/06"
	case 'R':
		return "15:04"
	}
	return ""
}
