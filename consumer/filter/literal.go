package filter

import (
	"bytes"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// Go's regexp looks for an expression without a literal head byte by byte, some ten times
// slower than grep does. Most expressions of operators have a literal somewhere that every
// match contains: text without that literal needs no other look.

// literal is text that a match contains.
type literal struct {
	text   []byte // in lower case when fold
	fold   bool   // ASCII letters of either case
	anchor int    // when fold: the byte of text that is looked for first
}

// maxLiterals bounds the branches of an alternative that are looked for one by one.
const maxLiterals = 4

// literals returns a few literals of which every match of the expression contains one;
// none when that cannot be said.
func literals(expression string) []literal {
	re, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil
	}
	return required(re.Simplify())
}

func required(re *syntax.Regexp) []literal {
	switch re.Op {
	case syntax.OpLiteral:
		return ofRunes(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []literal
		for _, sub := range re.Sub {
			if l := required(sub); shortest(l) > shortest(best) {
				best = l
			}
		}
		return best
	case syntax.OpAlternate:
		var all []literal
		for _, sub := range re.Sub {
			l := required(sub)
			if len(l) == 0 || len(all)+len(l) > maxLiterals {
				return nil
			}
			all = append(all, l...)
		}
		return all
	}
	return nil
}

// shortest is how much the weakest of the literals says.
func shortest(list []literal) int {
	least := 0
	for i, l := range list {
		if i == 0 || len(l.text) < least {
			least = len(l.text)
		}
	}
	return least
}

// ofRunes makes a literal of runes. U+FFFD also matches bytes that are no UTF-8. Of runes
// in either case only runs of ASCII are taken, without k and s, which have a third form
// each (U+212A and U+017F).
func ofRunes(runes []rune, fold bool) []literal {
	breaks := func(r rune) bool {
		return r == utf8.RuneError || fold && (r >= utf8.RuneSelf || strings.ContainsRune("kKsS", r))
	}
	best := ""
	for _, piece := range strings.FieldsFunc(string(runes), breaks) {
		if len(piece) > len(best) {
			best = piece
		}
	}
	if best == "" {
		return nil
	}
	l := literal{text: []byte(best), fold: fold}
	if fold {
		l.text = bytes.ToLower(l.text)
		for i := range l.text {
			if rarity(l.text[i]) > rarity(l.text[l.anchor]) {
				l.anchor = i
			}
		}
	}
	return []literal{l}
}

// rarity is higher for letters that text has less of.
func rarity(b byte) int { return strings.IndexByte("etaoinsrhldcumfpgwybvkxjqz", b) }

// in reports whether b contains the literal.
func (l *literal) in(b []byte) bool {
	if !l.fold {
		return bytes.Contains(b, l.text)
	}
	low := l.text[l.anchor]
	up := upper(low)
	// The next places of either case, at or behind at; len(b): none.
	nextLow, nextUp := -1, -1
	for at := l.anchor; at+len(l.text)-l.anchor <= len(b); at++ {
		if nextLow < at {
			nextLow = index(b, low, at)
		}
		if nextUp < at {
			nextUp = index(b, up, at)
		}
		if at = min(nextLow, nextUp); at == len(b) {
			return false
		}
		if start := at - l.anchor; start+len(l.text) <= len(b) && equalFold(b[start:start+len(l.text)], l.text) {
			return true
		}
	}
	return false
}

// index is the place of c in b at or behind at, or len(b).
func index(b []byte, c byte, at int) int {
	if i := bytes.IndexByte(b[at:], c); i >= 0 {
		return at + i
	}
	return len(b)
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// equalFold reports whether b is text, which is in lower case, in whatever case.
func equalFold(b, text []byte) bool {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != text[i] {
			return false
		}
	}
	return true
}
