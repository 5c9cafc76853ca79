package rotation

import (
	"cmp"
	"path/filepath"
	"strings"
)

// Age is what tells how old a generation is that was not seen at the watched name.
type Age struct {
	Suffix      string // of its name; "": not named like a rotated file
	Mtime, Born int64  // when it was modified and created, in Unix nanoseconds; born 0: unknown
	Copied      bool   // a copy of what came before all others
	Rising      bool   // numbers rise here
}

// CompareAges compares the age of generations that were not seen at the watched name. One
// that was created and modified before another is older. One that was created before
// another and modified after it was either written to late, after it was moved away,
// or truncated, and the other one is a copy of what was in it: then their names tell,
// as they do when times are the same.
func CompareAges(a, b Age) int {
	if a.Copied != b.Copied {
		if a.Copied {
			return -1
		}
		return 1
	}
	if !sure(a, b) && a.Suffix != "" && b.Suffix != "" {
		return olderSuffix(a.Suffix, b.Suffix, a.Rising || b.Rising)
	}
	mtime, born := byTime(a, b)
	return cmp.Or(mtime, born)
}

// sure tells whether one of the two is older whatever their names are.
func sure(a, b Age) bool {
	mtime, born := byTime(a, b)
	return a.Copied != b.Copied || mtime != 0 && mtime == born
}

// byTime compares when two were modified and created.
func byTime(a, b Age) (mtime, born int) {
	mtime, born = cmp.Compare(a.Mtime, b.Mtime), cmp.Compare(a.Born, b.Born)
	if a.Born == 0 || b.Born == 0 {
		born = mtime
	}
	return mtime, born
}

// Rising tells whether a rotation here gives a younger file the next higher number,
// as opposed to moving all of them up to begin with 1 again. What tells are those of
// which one is known to be older without the names, and what came before all of them,
// of which first is the suffix now, "" for unknown, and born the creation time. What
// was not created later than that, or than the copy of it, may be an archive and tells
// nothing. It is asked because files that were made within a tick of the file system's
// clock (4 ms on many systems) have the same times. found are sorted as if it were false.
func Rising(first string, born int64, found []Age) bool {
	up, down := false, false
	vote := func(older, younger string, bornOlder, bornYounger int64) {
		if count(older) != "" && count(younger) != "" && bornOlder != 0 && bornOlder < bornYounger {
			c := olderSuffix(older, younger, true)
			up, down = up || c < 0, down || c > 0
		}
	}
	for i, c := range found {
		if !c.Copied {
			vote(first, c.Suffix, born, c.Born)
		}
		if i > 0 && sure(found[i-1], c) {
			vote(found[i-1].Suffix, c.Suffix, found[i-1].Born, c.Born)
		}
	}
	return up && !down
}

// Suffix returns what a rotation put to base to make name: digits, dates
// and times after it (app.log.1, app.log-20260101), or a date before its extension
// (app-2026-01-01.log; own is false then). "": name is not a rotated base, or it
// is compressed.
func Suffix(base, name string) (suffix string, own bool) {
	if rest, ok := strings.CutPrefix(name, base); ok {
		if rest == ".old" || isRotation(rest, 1) {
			return rest, true
		}
		return "", false
	}
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	rest, ok := strings.CutPrefix(name, stem)
	if !ok || ext == "" || stem == "" {
		return "", false
	}
	rest, ok = strings.CutSuffix(rest, ext)
	if ok && isRotation(rest, 6) {
		return rest, false
	}
	return "", false
}

// isRotation tells whether s is made of at least n digits and what stands between
// the parts of a date.
func isRotation(s string, n int) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case strings.IndexByte(".-_:T+Z", c) < 0:
			return false
		}
	}
	return digits >= n && s != "" && strings.IndexByte(".-_0123456789", s[0]) >= 0
}

// olderSuffix compares rotation suffixes of files of the same age: an earlier date is
// older, and so is a higher small number, or a lower one where they rise.
func olderSuffix(a, b string, rising bool) int {
	x, y := count(a), count(b)
	if x == "" || y == "" {
		return strings.Compare(strings.TrimLeft(a, ".-_"), strings.TrimLeft(b, ".-_"))
	}
	c := cmp.Or(len(y)-len(x), strings.Compare(y, x))
	if rising {
		return -c
	}
	return c
}

// count returns the small number of a rotation suffix; "" is none.
func count(suffix string) string {
	n := strings.TrimLeft(suffix, ".-_")
	if len(n) < 6 && isDigits(n) {
		return n
	}
	return ""
}
