package rotation

import (
	"cmp"
	"strings"
)

// Older compares two tags of one log, for files whose times do not tell: negative
// when a is of the older generation. An earlier date is older. Of two numbers the
// higher one is older, as where all names move up by one at a rotation; with
// rising the lower one is.
func Older(a, b Tag, rising bool) int {
	x, y := Count(a), Count(b)
	if x == "" || y == "" {
		return Natural(strings.TrimLeft(a.Text, ".-_"), strings.TrimLeft(b.Text, ".-_"))
	}
	c := cmp.Or(len(y)-len(x), strings.Compare(y, x))
	if rising || rises(a) && rises(b) {
		return -c
	}
	return c
}

// rises tells whether numbers of that form always rise.
func rises(t Tag) bool { return strings.HasPrefix(strings.TrimLeft(t.Text, ".-_"), "r") }

// Count returns the small number of a tag, at most five digits without leading
// zeros but one; "" when the tag is a date or a word.
func Count(t Tag) string {
	n := strings.TrimLeft(t.Text, ".-_")
	if r, ok := strings.CutPrefix(n, "r"); ok {
		n = r
	}
	if n == "" || len(n) >= 6 || !isDigits(n) {
		return ""
	}
	if n = strings.TrimLeft(n, "0"); n == "" {
		return "0"
	}
	return n
}

// Natural compares text with the numbers in it as numbers: so 2026-01-31.9 comes
// before 2026-01-31.10, and app.9.log before app.10.log.
func Natural(a, b string) int {
	for a != "" && b != "" {
		i, j := digitsAt(a), digitsAt(b)
		if i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if i >= 6 && j >= 6 && i != j { // dates of another length: 20260131 and 202601311829
				x, y = a[:i], b[:j]
				if c := strings.Compare(x, y); c != 0 {
					return c
				}
			}
			if c := cmp.Or(len(x)-len(y), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// digitsAt returns how many digits s begins with.
func digitsAt(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}
