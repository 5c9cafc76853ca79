package etcdcfg

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a list of entries.
type Problem struct {
	Line, Column int    // in the text, from 1; column counts characters; 0: not known
	Entry        int    // index of the entry, from 0; -1: the list as a whole
	Field        string // name in the list, such as "path" or "labels.team"; may be ""
	Message      string // what is wrong
	Hint         string // what to do about it; may be ""
	Bound        bool   // the entry exceeds a bound; the others can be used
}

// String returns the problem as one line of text.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	b.WriteString(p.Text())
	return b.String()
}

// Text returns the problem without its line and column.
func (p Problem) Text() string {
	var b strings.Builder
	if p.Entry >= 0 {
		fmt.Fprintf(&b, "entry %d: ", p.Entry+1)
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(": " + p.Hint)
	}
	return b.String()
}

// ListError says everything that was found wrong with a list of entries.
type ListError struct {
	Problems []Problem // at least one, in the order of the text
}

// Error names the first problem in full and counts the others.
func (e *ListError) Error() string {
	if len(e.Problems) == 0 {
		return "bad list of entries"
	}
	s := e.Problems[0].String()
	switch n := len(e.Problems) - 1; n {
	case 0:
	case 1:
		s += " (and 1 more problem)"
	default:
		s += fmt.Sprintf(" (and %d more problems)", n)
	}
	return s
}
