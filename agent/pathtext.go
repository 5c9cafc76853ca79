package agent

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// looksEscaped is what pathText makes of a byte that is not UTF-8.
var looksEscaped = regexp.MustCompile(`\\x[0-9a-f]{2}`)

// pathText writes the name of a file as text, so that different names stay different:
// a name that is not UTF-8 has \xNN for each byte that is none, and \\ for a backslash.
// So has a name that is UTF-8 and looks as if it were written like that. Names on Windows
// are always UTF-8, and full of backslashes: they stay as they are.
func pathText(path string) string {
	if utf8.ValidString(path) && (!strings.HasPrefix(path, "/") || !looksEscaped.MatchString(path)) {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); {
		r, n := utf8.DecodeRuneInString(path[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, path[i])
		case r == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteString(path[i : i+n])
		}
		i += n
	}
	return b.String()
}
