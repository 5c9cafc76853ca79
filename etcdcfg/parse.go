package etcdcfg

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"
)

// Parse reads a list of entries as it stands in etcd: a JSON array of objects with
// path and topic. The error is a *ListError that says everything that is wrong,
// with line, column and the likely cause; the entries are nil then. A list that
// parses is valid: Validate has nothing against it.
func Parse(data []byte) ([]Entry, error) {
	s, entries := read(data)
	if len(s.problems) > 0 {
		return nil, s.listError()
	}
	return entries, nil
}

// read reads and checks a list. What is wrong with it stands in the scanner.
func read(data []byte) (*scanner, []Entry) {
	s := newListScanner(data)
	if len(data) > MaxListBytes {
		s.fail(0, "use globs, or several collect keys", "the list has %d bytes, one key takes %d", len(data), MaxListBytes)
		return s, nil
	}
	list, ok := s.list()
	if !ok || len(s.problems) > 0 {
		return s, nil
	}
	entries, places := s.decode(list)
	if len(s.problems) == 0 {
		for _, p := range validate(entries) {
			s.problems = append(s.problems, problemAt{Problem: p, off: places[p.Entry].of(p.Field)})
		}
	}
	s.problems = append(s.problems, s.beyond...)
	return s, entries
}

func newListScanner(data []byte) *scanner {
	return &scanner{data: data, entry: -1, isList: true, fields: fields()}
}

// list reads the whole text, which should be one array.
func (s *scanner) list() (node, bool) {
	switch {
	case bytes.HasPrefix(s.data, []byte{0xff, 0xfe}), bytes.HasPrefix(s.data, []byte{0xfe, 0xff}),
		len(s.data) > 1 && (s.data[0] == 0 || s.data[1] == 0):
		s.fail(0, "save it as UTF-8", "the list is UTF-16")
		return node{}, false
	case bytes.HasPrefix(s.data, []byte("\ufeff")):
		s.fail(0, "save it as UTF-8 without BOM", "the list begins with a byte order mark")
		s.pos = len("\ufeff")
	}
	s.space()
	r, n := s.peek()
	if plain, ok := plainOf(r); ok {
		r = plain
	}
	switch {
	case n == 0:
		s.fail(s.pos, "write [] for no entries", "the list is empty text")
		return node{}, false
	case r == '{':
		s.fail(s.pos, "put the entries in [ ]", "the list begins with { instead of [")
		s.value()
		return node{}, false
	case r != '[':
		s.fail(s.pos, `it looks like [{"path": "/var/log/app.log", "topic": "app_log"}]`,
			"this is not a JSON list, it begins with %s", quoteRune(r))
		return node{}, false
	}
	list := s.array(func(i int) {
		if s.entry = i; i >= MaxEntries {
			s.tooMany(s.pos)
		}
	})
	s.entry = -1
	if s.space(); !s.stop && s.pos < len(s.data) {
		r, _ := s.peek()
		s.fail(s.pos, "", "text after the end of the list, beginning with %s", quoteRune(r))
	}
	return list, true
}

// listError turns what was noted into an error, in the order of the text.
func (s *scanner) listError() *ListError {
	slices.SortStableFunc(s.problems, func(a, b problemAt) int { return cmp.Compare(a.off, b.off) })
	e := &ListError{}
	line, col, at := 1, 1, 0
	for _, p := range s.problems {
		for at < p.off && at < len(s.data) {
			_, n := utf8.DecodeRune(s.data[at:])
			col++
			if s.data[at] == '\n' {
				line, col = line+1, 1
			}
			at += n
		}
		p.Line, p.Column = line, col
		e.Problems = append(e.Problems, p.Problem)
	}
	return e
}
