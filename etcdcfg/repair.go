package etcdcfg

import (
	"bytes"
	"strings"
)

// Repair corrects the mistakes of a list of which it is certain what was meant: Windows
// paths whose backslashes are not doubled, trailing commas, a byte order mark. ok tells
// whether the result is a list that Parse takes; it is data itself where that is one.
func Repair(data []byte) (fixed []byte, ok bool) {
	if _, err := Parse(data); err == nil {
		return data, true
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var out bytes.Buffer
	comma := -1 // where the last comma stands in out, if nothing but space follows
	for i := 0; i < len(data); {
		switch c := data[i]; c {
		case '"':
			raw, next := literal(data, i)
			out.WriteString(`"` + doubled(raw) + `"`)
			i, comma = next, -1
			continue
		case ',':
			comma = out.Len()
		case ']', '}':
			if comma >= 0 {
				rest := bytes.Clone(out.Bytes()[comma+1:])
				out.Truncate(comma)
				out.Write(rest)
			}
			comma = -1
		case ' ', '\t', '\r', '\n':
		default:
			comma = -1
		}
		out.WriteByte(data[i])
		i++
	}
	_, err := Parse(out.Bytes())
	return out.Bytes(), err == nil
}

// literal returns what stands between the quote at i and the one that ends the text, and
// the position behind that. A backslash before the last quote of a Windows path does not
// escape it: only what can go on a list follows the quote then.
func literal(data []byte, i int) (raw string, next int) {
	start := i + 1
	for i = start; i < len(data) && data[i] != '\n'; i++ {
		switch data[i] {
		case '"':
			return string(data[start:i]), i + 1
		case '\\':
			if i+1 < len(data) && data[i+1] == '"' && endsText(data[i+2:]) && isUnescaped(string(data[start:i])) {
				return string(data[start : i+1]), i + 2
			}
			i++
		}
	}
	return string(data[start:min(i, len(data))]), min(i, len(data))
}

func endsText(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) == 0 || bytes.IndexByte([]byte(",}]:"), rest[0]) >= 0
}

// isUnescaped tells whether the text of a JSON string is a Windows path as a person writes
// one: one backslash behind the drive, or two, and no more, before a server.
func isUnescaped(raw string) bool {
	if len(raw) > 2 && raw[1] == ':' && raw[2] == '\\' && (raw[0]|0x20 >= 'a' && raw[0]|0x20 <= 'z') {
		return !strings.HasPrefix(raw[2:], `\\`)
	}
	return len(raw) > 2 && strings.HasPrefix(raw, `\\`) && raw[2] != '\\' && strings.ContainsRune(raw[2:], '\\') &&
		!strings.Contains(raw[2:], `\\`)
}

// doubled is the text of a JSON string with the backslashes doubled that escape nothing:
// all of a Windows path, and elsewhere those before what JSON does not know.
func doubled(raw string) string {
	if isUnescaped(raw) {
		return strings.ReplaceAll(raw, `\`, `\\`)
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		b.WriteByte(raw[i])
		if raw[i] != '\\' {
			continue
		}
		if i+1 < len(raw) && strings.IndexByte(`"\/bfnrtu`, raw[i+1]) >= 0 {
			i++
			b.WriteByte(raw[i])
			continue
		}
		b.WriteByte('\\')
	}
	return b.String()
}

// correctedMost is how long a corrected text may be that stands in a hint, bytes.
const correctedMost = 160

// pathHint is windowsHint with the text as it should be, for the string that begins at the
// quote at start.
func (s *scanner) pathHint(start int) string {
	raw, _ := literal(s.data, start)
	right := doubled(raw)
	if !isUnescaped(raw) || right == raw || len(right) > correctedMost {
		return windowsHint
	}
	return windowsHint + `: "` + right + `"`
}
