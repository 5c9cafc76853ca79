package etcdcfg

import (
	"fmt"
	"slices"
	"strings"
)

// What is kept of a list of entries while it is read. A node takes a hundred bytes, and a
// list of a MiB has half a million values when they are short: only those that an entry can
// use become nodes, the others are read over.

// Depths of nesting in a list: what stands in an entry, and in a field of one.
const (
	inEntry = 1
	inField = 2
)

// maxFields is how many fields an entry may have, those of others included.
const maxFields = 1000

// keeps reports whether one more value is kept of a list or object that has n. A bound
// that the entry exceeds is noted.
func (s *scanner) keeps(n int) bool {
	switch {
	case s.skim > 0:
		return false
	case !s.isList || s.depth < inEntry:
		return true
	case s.depth == inEntry:
		if n == maxFields {
			s.field = ""
			s.exceeds("", "has more than %d fields", maxFields)
		}
		return n < maxFields
	case s.depth == inField:
		if n == MaxPatterns {
			s.exceeds(tooManyHint, "has more than %d values", MaxPatterns)
		}
		return n < MaxPatterns
	}
	return false // texts are all that there is in a field
}

const tooManyHint = "join some to one, or make several entries"

// exceeds notes that the present entry exceeds a bound.
func (s *scanner) exceeds(hint, format string, args ...any) {
	if s.stop || len(s.beyond) >= maxProblems || len(s.beyond) > 0 && s.beyond[len(s.beyond)-1].Entry == s.entry {
		return
	}
	s.beyond = append(s.beyond, problemAt{off: s.pos, Problem: Problem{
		Entry: s.entry, Field: s.field, Message: fmt.Sprintf(format, args...), Hint: hint, Bound: true}})
}

// valueIf reads a value; unless it is kept, nobody will look into it.
func (s *scanner) valueIf(keep bool) node {
	if keep {
		return s.value()
	}
	s.skim++
	defer func() { s.skim-- }()
	return s.value()
}

// isField reports whether an entry has a field of that name, or one that differs by case
// alone, which is refused.
func (s *scanner) isField(name string) bool {
	return slices.ContainsFunc(s.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
}
