package rotation

import (
	"strings"
	"unicode/utf8"
)

// Spelled returns name with what it begins and ends with in common with base, whatever the
// case, written as base is: for file systems where S4.LOG.1 and s4.log.1 are the same. The
// tag between them keeps its case.
func Spelled(base, name string) string {
	plain, ending := Unpacked(name)
	n, m := 0, 0 // bytes of base and of the name that are alike in front
	for n < len(base) && m < len(plain) {
		i, j, ok := alike(base[n:], plain[m:], utf8.DecodeRuneInString)
		if !ok {
			break
		}
		n, m = n+i, m+j
	}
	k, l := len(base), len(plain) // where they begin to be alike behind
	for k > n && l > m {
		i, j, ok := alike(base[n:k], plain[m:l], utf8.DecodeLastRuneInString)
		if !ok {
			break
		}
		k, l = k-i, l-j
	}
	return base[:n] + plain[m:l] + base[k:] + ending
}

// alike tells whether the characters that decode finds in a and b are the same but for
// their case, and how many bytes they have.
func alike(a, b string, decode func(string) (rune, int)) (i, j int, ok bool) {
	x, i := decode(a)
	y, j := decode(b)
	return i, j, x != utf8.RuneError && y != utf8.RuneError && strings.EqualFold(string(x), string(y))
}
