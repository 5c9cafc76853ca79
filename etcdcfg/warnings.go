package etcdcfg

import (
	"fmt"
	"strings"
	"unicode"
)

// Warnings returns what is suspicious in a list that parses: fields that logctl does
// not know and that look like a misspelt one it does. Other unknown fields are
// somebody else's and nothing is said about them. A list that does not parse
// has errors instead, and no warnings.
func Warnings(data []byte) []Problem {
	s := newListScanner(data)
	list, ok := s.list()
	if !ok || len(s.problems) > 0 {
		return nil
	}
	known := plainNames(s.fields)
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

// plainName is a name of a field as it is and as it is compared with others.
type plainName struct{ name, plain string }

func plainNames(known []field) []plainName {
	out := make([]plainName, 0, len(known))
	for _, f := range known {
		out = append(out, plainName{f.name, bare(f.name)})
	}
	return out
}

// bare is a name without case and what joins words.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// nearField returns the known field that name is a misspelling of, if any.
func nearField(name string, known []plainName) string {
	if len(name) > maxNear {
		return ""
	}
	near, own := "", bare(name)
	for _, f := range known {
		switch {
		case f.name == name:
			return ""
		case f.plain == own, len(name) > 3 && max(len(f.plain)-len(own), len(own)-len(f.plain)) <= 1 && editDistance(f.plain, own) <= 1:
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
