package etcdcfg

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxProblems bounds what is collected about one text; maxDepth bounds nesting.
const (
	maxProblems = 50
	maxDepth    = 200
)

type kind byte

const (
	kindBad kind = iota // something that is no JSON value; a problem was noted
	kindNull
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// String returns the kind in the words of an error message.
func (k kind) String() string {
	return [...]string{"not a value", "null", "true or false", "a number", "a text", "a list", "an object"}[k]
}

// node is a JSON value with its place in the text.
type node struct {
	kind       kind
	start, end int
	str        string // decoded, of a kindString
	truth      bool   // of a kindBool
	elems      []node
	members    []member
}

// member is a field of an object.
type member struct {
	name  string
	start int // of the name
	val   node
}

// scanner reads JSON strictly as to what it accepts and leniently as to what it
// can get over, so that one run reports everything that a person has to repair.
// A text is JSON if and only if no problem was noted.
type scanner struct {
	data     []byte
	pos      int
	depth    int
	entry    int // index of the list element being read, -1 outside
	problems []problemAt
	beyond   []problemAt // bounds that entries exceed: such an entry is left out alone
	stop     bool        // give up: the rest cannot be read in a useful way
	isList   bool        // the text is a list of entries: what no entry can use is not kept
	fields   []field     // that an entry has
	field    string      // of the entry being read
	skim     int         // above zero: values are read and not kept

	escapedQuote int // position of a \" in the last text read, 0 for none
}

// problemAt is a problem at a byte position.
type problemAt struct {
	Problem
	off int
}

func (s *scanner) fail(off int, hint, format string, args ...any) {
	if s.stop {
		return
	}
	s.problems = append(s.problems, problemAt{off: off, Problem: Problem{
		Entry: s.entry, Message: fmt.Sprintf(format, args...), Hint: hint}})
	if len(s.problems) >= maxProblems {
		s.stop = true
	}
}

// peek returns the rune at the present position, 0 at the end.
func (s *scanner) peek() (rune, int) {
	if s.stop || s.pos >= len(s.data) {
		return 0, 0
	}
	return utf8.DecodeRune(s.data[s.pos:])
}

// space skips white space, and comments and foreign spaces after noting them.
func (s *scanner) space() {
	for {
		r, n := s.peek()
		switch {
		case n == 0:
			return
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
		case r == '\u00a0' || r == '\u3000' || r == '\ufeff' || r == '\u200b':
			s.fail(s.pos, "replace it by a plain one", "a special space (U+%04X)", r)
		case r == '#' || bytes.HasPrefix(s.data[s.pos:], []byte("//")):
			s.fail(s.pos, "remove it; to switch an entry off write \"disabled\": true", "a comment, which JSON does not have")
			n = len(s.data) - s.pos
			if i := bytes.IndexByte(s.data[s.pos:], '\n'); i >= 0 {
				n = i
			}
		case bytes.HasPrefix(s.data[s.pos:], []byte("/*")):
			s.fail(s.pos, "remove it; to switch an entry off write \"disabled\": true", "a comment, which JSON does not have")
			n = len(s.data) - s.pos
			if i := bytes.Index(s.data[s.pos:], []byte("*/")); i >= 0 {
				n = i + 2
			}
		default:
			return
		}
		s.pos += n
	}
}

// punct reports whether the next character is want, which it consumes; a
// full-width one counts after it was noted.
func (s *scanner) punct(want rune) bool {
	s.space()
	r, n := s.peek()
	if r != want {
		if plain, ok := plainOf(r); !ok || plain != want {
			return false
		}
		s.fail(s.pos, fmt.Sprintf("type %c in the English input mode", want), "full-width %c", r)
	}
	s.pos += n
	return true
}

// plainOf returns the JSON punctuation that a full-width character stands for.
func plainOf(r rune) (rune, bool) {
	if r < utf8.RuneSelf {
		return 0, false
	}
	for _, p := range []struct {
		from string
		to   rune
	}{{"，、", ','}, {"：", ':'}, {"｛", '{'}, {"｝", '}'}, {"［【", '['}, {"］】", ']'}} {
		if strings.ContainsRune(p.from, r) {
			return p.to, true
		}
	}
	return 0, false
}

// value reads one value. When there is none it notes a problem and consumes
// nothing but a character that can be no part of a list.
func (s *scanner) value() node {
	s.space()
	start := s.pos
	r, n := s.peek()
	plain := r
	if p, ok := plainOf(r); ok {
		plain = p
	}
	switch {
	case n == 0:
		s.fail(start, "", "the text ends here, a value is missing")
		return node{start: start, end: start}
	case plain == '{' || plain == '[':
		return s.nested(plain)
	case closingQuote(r) != 0:
		return s.text(r, n)
	case r == '-' || r == '+' || r == '.' || r >= '0' && r <= '9':
		return s.number()
	case isWord(r):
		return s.word()
	case strings.ContainsRune(",]}:", plain):
		s.fail(start, "", "a value is missing before %c", r)
		return node{start: start, end: start}
	}
	s.restOfValue()
	s.fail(start, "a text needs quotes", "unexpected %s", quoteRune(r))
	return node{start: start, end: s.pos}
}

func (s *scanner) nested(open rune) node {
	if s.depth++; s.depth > maxDepth {
		s.fail(s.pos, "", "nested more than %d levels deep", maxDepth)
		s.stop = true
		return node{start: s.pos, end: s.pos}
	}
	defer func() { s.depth-- }()
	if open == '{' {
		return s.object()
	}
	return s.array(nil)
}

// array reads a list; each, when given, sees the index before an element is read.
func (s *scanner) array(each func(int)) node {
	n := node{kind: kindArray, start: s.pos}
	s.punct('[')
	s.items(']', &n, func() {
		if each != nil {
			each(len(n.elems))
		}
		keep := s.keeps(len(n.elems))
		if v := s.valueIf(keep); keep {
			n.elems = append(n.elems, v)
		}
	})
	return n
}

func (s *scanner) object() node {
	n := node{kind: kindObject, start: s.pos}
	s.punct('{')
	s.items('}', &n, func() {
		keep := s.keeps(len(n.members))
		if m, ok := s.member(keep); ok && keep {
			n.members = append(n.members, m)
		}
	})
	return n
}

// items reads what stands between an opening bracket and its closing one: one
// item after another, with commas between them.
func (s *scanner) items(closing rune, n *node, item func()) {
	defer func() { n.end = s.pos }()
	if s.punct(closing) {
		return
	}
	for !s.stop {
		before := s.pos
		item()
		if s.separator(closing) {
			return
		}
		if s.pos == before { // nothing was consumed: step over what stands in the way
			_, size := s.peek()
			s.pos += size
		}
	}
}

// separator reads what follows an item and reports whether the bracket is closed.
func (s *scanner) separator(closing rune) (done bool) {
	s.space()
	comma := s.pos
	if s.punct(closing) || s.stop {
		return true
	}
	r, n := s.peek()
	switch {
	case n == 0:
		s.fail(s.pos, "", "the text ends here, %c is missing", closing)
		s.stop = true
		return true
	case s.punct(','):
		for s.space(); !s.stop; s.space() {
			again := s.pos
			if s.punct(closing) {
				s.fail(comma, "remove the comma", "trailing comma before %c", closing)
				return true
			}
			if !s.punct(',') {
				return false
			}
			s.fail(again, "remove one", "two commas")
		}
		return true
	case closing == '}' && r == ']':
		s.fail(s.pos, "", "} is missing before ]")
		return true
	case closing == ']' && r == '}':
		s.fail(s.pos, "", "unexpected }")
		s.pos += n
		return false
	}
	if s.escapedQuote > 0 {
		s.fail(s.escapedQuote, windowsHint, `\" does not end a text`)
		s.stop = true
		return true
	}
	s.fail(s.pos, "", "a comma is missing before %s", quoteRune(r))
	if _, bracket := plainOf(r); !bracket && r != '{' && r != '[' && closingQuote(r) == 0 {
		s.stop = true // out of step: what follows would be complained about word by word
	}
	return s.stop
}

// member reads "name": value. What is in the value of a field that no entry has, or that
// is not kept, is not kept.
func (s *scanner) member(keep bool) (member, bool) {
	s.space()
	m := member{start: s.pos}
	r, n := s.peek()
	switch {
	case closingQuote(r) != 0:
		m.name = s.text(r, n).str
	case isWord(r):
		for ; isWord(r) || r >= '0' && r <= '9'; r, n = s.peek() {
			s.pos += n
		}
		m.name = string(s.data[m.start:s.pos])
		s.fail(m.start, fmt.Sprintf("write %q", m.name), "a field name without quotes")
	default:
		if n > 0 {
			s.fail(s.pos, "", "a field name is expected, found %s", quoteRune(r))
		} else {
			s.fail(s.pos, "", "the text ends here, a field name is missing")
		}
		return m, false
	}
	if !s.punct(':') {
		r, n := s.peek()
		if r == '=' {
			s.pos += n
		}
		s.fail(s.pos, "", "a colon is missing after the field name %q", m.name)
		if n > 0 && (r == ',' || r == '}') {
			return m, false
		}
	}
	if s.isList && s.depth == inEntry {
		s.field = m.name
		keep = keep && s.isField(m.name)
	}
	m.val = s.valueIf(keep)
	return m, true
}
