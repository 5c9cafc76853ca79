package etcdcfg

import (
	"fmt"
	"strings"
)

// Warnings returns what is suspicious in a list that parses: fields that logctl does
// not know and that look like a misspelt one it does. Other unknown fields are
// somebody else's and nothing is said about them. A list that does not parse
// has errors instead, and no warnings.
func Warnings(data []byte) []Problem {
	s := &scanner{data: data, entry: -1}
	list, ok := s.list()
	if !ok || len(s.problems) > 0 {
		return nil
	}
	known := fields()
	for i, n := range list.elems {
		s.entry = i
		for _, m := range n.members {
			if near := nearField(m.name, known); near != "" {
				s.fail(m.start, fmt.Sprintf("is %q meant?", near), "unknown field %q has no effect", m.name)
			}
		}
	}
	return s.listError().Problems
}

// maxNear is the length in bytes from which a name is no misspelling.
const maxNear = 64

// nearField returns the known field that name is a misspelling of, if any.
func nearField(name string, known []field) string {
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }
	near := ""
	if len(name) > maxNear {
		return ""
	}
	own := plain(name)
	for _, f := range known {
		switch of := plain(f.name); {
		case f.name == name:
			return ""
		case of == own, len(name) > 3 && max(len(of)-len(own), len(own)-len(of)) <= 1 && editDistance(of, own) <= 1:
			near = f.name
		}
	}
	return near
}

// editDistance counts the letters to insert, remove or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
