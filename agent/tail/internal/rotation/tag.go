package rotation

import (
	"path/filepath"
	"strings"
)

// Place says where in a name a rotation put its tag.
type Place int

// Places of a tag.
const (
	Behind  Place = iota + 1 // behind the full name: app.log.1, app.log-20260131, app.log.old
	Within                   // before the extension: app.1.log, app-2026-01-31.log, app.bak.log
	Front                    // in front of the full name: 1.app.log, 20260131-app.log
	Stamp                    // beside "current": @4000000065f0c1a2...s
	Number                   // instead of the number or word that marks the active file: app.0.log, app.1.log
	Same                     // the full name itself, in another directory
	Learned                  // where a file was seen before
	Target                   // like the target that a link had before
)

// Tag is what a rotation put to the name of a log.
type Tag struct {
	Place   Place
	Text    string // the tag with its separator, ".1", "-20260131"; "" for Same
	Packed  string // ending of a compressed file, ".gz"; "" when the name has none
	Certain bool   // the name alone tells that the file is an old generation
}

// words that stand for the only old generation.
var words = []string{".old", ".bak"}

// Of returns what a rotation put to the name base to make name. ok is false when
// name is not base with a tag.
func Of(base, name string) (tag Tag, ok bool) {
	plain, packed := Unpacked(name)
	if packed != "" && name == base {
		return Tag{}, false
	}
	if tag, ok = of(base, plain); !ok {
		return Tag{}, false
	}
	tag.Packed = packed
	return tag, true
}

func of(base, name string) (Tag, bool) {
	if base == name {
		return Tag{}, false
	}
	if base == "current" {
		return stamp(name)
	}
	if rest, ok := strings.CutPrefix(name, base); ok {
		if isWord(rest) || isTag(rest, 1) && !splits(base, rest) {
			return Tag{Place: Behind, Text: rest, Certain: true}, true
		}
	}
	if tag, ok := within(base, name); ok {
		return tag, true
	}
	if rest, ok := strings.CutSuffix(name, base); ok && isFront(rest) {
		return Tag{Place: Front, Text: strings.TrimRight(rest, ".-_")}, true
	}
	return instead(base, name)
}

// splits tells whether a number begins in base and ends in rest, or base ends with
// the separator of the tag: app.log.1 is no tag of "app.log.", nor web12 one of web1.
func splits(base, rest string) bool {
	return isDigit(rest[0]) && base != "" && strings.IndexByte(".-_0123456789", base[len(base)-1]) >= 0
}

// within finds a tag between the stem of base and its extension.
func within(base, name string) (Tag, bool) {
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if ext == "" || stem == "" {
		return Tag{}, false
	}
	rest, ok := strings.CutPrefix(name, stem)
	if !ok {
		return Tag{}, false
	}
	if isWord(rest) { // app.old, app.bak
		return Tag{Place: Within, Text: rest}, true
	}
	rest, ok = strings.CutSuffix(rest, ext)
	switch {
	case !ok:
	case rest != "" && isDigit(rest[0]) && isDigit(stem[len(stem)-1]):
		// file10.log beside file1.log: one number, which names another log.
	case isTag(rest, 6):
		return Tag{Place: Within, Text: rest, Certain: true}, true
	case isReasoned(rest):
		return Tag{Place: Within, Text: rest, Certain: true}, true
	case isWord(rest), isTag(rest, 1), isNumbered(rest):
		return Tag{Place: Within, Text: rest}, true
	}
	return Tag{}, false
}

// stamp recognises the names that svlogd, s6-log and multilog give: @, 24
// hexadecimal digits (TAI64N), and .s or .u, or nothing (djb's format).
func stamp(name string) (Tag, bool) {
	hex, ok := strings.CutPrefix(name, "@")
	if !ok || len(hex) < 24 || strings.Trim(hex[:24], "0123456789abcdef") != "" {
		return Tag{}, false
	}
	switch hex[24:] {
	case "", ".s", ".u", ".t":
		return Tag{Place: Stamp, Text: name, Certain: true}, true
	}
	return Tag{}, false
}

// instead recognises generations of a log whose active file is itself numbered 0,
// or marked by rCURRENT. The number stands between dots, as in app.0.log. Behind a
// dash, an underscore or a letter it commonly numbers workers that write side by
// side: file0.log, app-0.log.
func instead(base, name string) (Tag, bool) {
	if i := strings.Index(base, "rCURRENT"); i >= 0 {
		rest, ok := cut(name, base[:i], base[i+len("rCURRENT"):])
		if ok && (strings.HasPrefix(rest, "r") && isTag("_"+rest[1:], 1)) {
			return Tag{Place: Number, Text: "_" + rest, Certain: true}, true
		}
		return Tag{}, false
	}
	i := strings.LastIndex(base, "0")
	if i < 1 || base[i-1] != '.' || i+1 < len(base) && base[i+1] != '.' {
		return Tag{}, false
	}
	rest, ok := cut(name, base[:i], base[i+1:])
	if ok && rest != "" && len(rest) < 6 && isDigits(rest) && rest[0] != '0' {
		return Tag{Place: Number, Text: rest}, true
	}
	return Tag{}, false
}

// cut returns what is between before and after in name.
func cut(name, before, after string) (string, bool) {
	rest, ok := strings.CutPrefix(name, before)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, after)
}

// isTag tells whether s is made of at least n digits and what stands between the
// parts of a date.
func isTag(s string, n int) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case strings.IndexByte(".-_:T+Z", c) < 0:
			return false
		}
	}
	return digits >= n && s != "" && strings.IndexByte(".-_0123456789", s[0]) >= 0
}

// isReasoned recognises a time of day and why a file was rotated then, as timberjack
// writes it: -2026-01-31T18-29-40.123-size.
func isReasoned(s string) bool {
	i := strings.LastIndexByte(s, '-')
	if i < 0 || !isTag(s[:i], 12) {
		return false
	}
	why := s[i+1:]
	return why != "" && len(why) <= 16 && strings.Trim(why, "abcdefghijklmnopqrstuvwxyz") == ""
}

// isNumbered recognises the numbers of flexi_logger, _r00001.
func isNumbered(s string) bool {
	n, ok := strings.CutPrefix(strings.TrimLeft(s, ".-_"), "r")
	return ok && n != "" && isDigits(n)
}

// isFront tells whether s is a number or date and the separator before a name.
func isFront(s string) bool {
	n := strings.TrimRight(s, ".-_")
	return n != "" && len(n) < len(s) && isDigit(n[0]) && isTag(n, 1)
}

func isWord(s string) bool {
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
