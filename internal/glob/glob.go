package glob

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Bounds of one pattern.
const (
	MaxBytes        = 4096     // of the pattern as it is written
	MaxAlternatives = 256      // patterns without braces that it stands for
	MaxExpanded     = 64 << 10 // bytes of these together
)

// ErrBad says that a text is no glob: a bracket or a brace is not closed.
var ErrBad = errors.New("bad glob")

// TooLargeError says which bound a pattern exceeds.
type TooLargeError struct {
	What  string // "bytes", "alternatives" or "bytes of alternatives"
	Limit int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the pattern has more than %d %s", e.Limit, e.What)
}

// Glob is a compiled pattern.
type Glob struct {
	patterns []string // without braces
	size     int      // bytes of all patterns
}

// Compile measures a pattern, with slashes between directories, and expands it. The
// error is ErrBad or a *TooLargeError.
func Compile(pattern string) (*Glob, error) {
	if len(pattern) > MaxBytes {
		return nil, &TooLargeError{"bytes", MaxBytes}
	}
	if !doublestar.ValidatePattern(pattern) {
		return nil, ErrBad
	}
	p := &parser{s: pattern}
	tree := p.sequence(false)
	n, size := tree.measure()
	switch {
	case p.failed || p.i < len(pattern):
		return nil, ErrBad
	case n > MaxAlternatives:
		return nil, &TooLargeError{"alternatives", MaxAlternatives}
	case size > MaxExpanded:
		return nil, &TooLargeError{"bytes of alternatives", MaxExpanded}
	}
	g := &Glob{}
	seen := make(map[string]bool, n)
	for _, s := range tree.expand() {
		if seen[s] || !doublestar.ValidatePattern(s) {
			continue
		}
		seen[s] = true
		g.patterns = append(g.patterns, s)
		g.size += len(s)
	}
	if len(g.patterns) == 0 {
		return nil, ErrBad
	}
	return g, nil
}

// Patterns returns what the glob stands for, without braces. They are not to be changed.
func (g *Glob) Patterns() []string { return g.patterns }

// Size is the number of bytes of all patterns: what matching a name costs, times the
// length of the name.
func (g *Glob) Size() int { return g.size }

// Match reports whether a path, with slashes, is one that the glob stands for.
func (g *Glob) Match(path string) bool {
	for _, p := range g.patterns {
		if MatchPattern(p, path) {
			return true
		}
	}
	return false
}

// MatchPattern reports whether one of the Patterns of a glob stands for a path. It takes a
// time of the order of the product of their lengths; with braces it could take for ever,
// so that text from outside is compiled first.
func MatchPattern(pattern, path string) bool {
	ok, err := doublestar.Match(pattern, path)
	return err == nil && ok
}

// Beneath reports whether a path below the directory could match: whether there is
// anything to look for in it. dir is clean, with slashes.
func (g *Glob) Beneath(dir string) bool {
	at := strings.Split(strings.TrimSuffix(dir, "/"), "/")
	for _, p := range g.patterns {
		if beneath(strings.Split(p, "/"), at) {
			return true
		}
	}
	return false
}

func beneath(pattern, dir []string) bool {
	for i, name := range dir {
		switch {
		case i >= len(pattern)-1: // the last component is a file's
			return len(pattern) > 0 && pattern[len(pattern)-1] == "**"
		case pattern[i] == "**":
			return true
		}
		if ok, err := doublestar.Match(pattern[i], name); err != nil || !ok {
			return false
		}
	}
	return true
}

// node is a text without braces, or a list of alternatives, each a sequence.
type node struct {
	text string
	alts []sequence
}

type sequence []node

// parser reads the braces of a valid pattern.
type parser struct {
	s      string
	i      int
	failed bool
}

// sequence reads up to the end, or inside braces up to the , or } that ends it.
func (p *parser) sequence(inside bool) sequence {
	var seq sequence
	start := p.i
	flush := func() {
		if p.i > start {
			seq = append(seq, node{text: p.s[start:p.i]})
		}
	}
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '\\' && p.i+1 < len(p.s):
			p.i += 2
			continue
		case c == '[':
			p.class()
			continue
		case c == '{':
			flush()
			seq = append(seq, node{alts: p.alternatives()})
			start = p.i
			continue
		case inside && (c == ',' || c == '}'):
			flush()
			return seq
		}
		p.i++
	}
	p.failed = p.failed || inside
	flush()
	return seq
}

// class steps over [...], in which braces mean themselves.
func (p *parser) class() {
	for p.i++; p.i < len(p.s) && p.s[p.i] != ']'; p.i++ {
		if p.s[p.i] == '\\' {
			p.i++
		}
	}
	p.i = min(p.i+1, len(p.s))
}

func (p *parser) alternatives() []sequence {
	var alts []sequence
	for {
		p.i++ // over { or ,
		alts = append(alts, p.sequence(true))
		if p.failed || p.s[p.i] == '}' {
			p.i = min(p.i+1, len(p.s))
			return alts
		}
	}
}

// huge is where counting stops; sums of products of two such still fit into 64 bits, and
// not into an int of 32.
const huge int64 = 1 << 20

// measure returns how many patterns a sequence stands for, and their bytes.
func (s sequence) measure() (n, size int64) {
	n = 1
	for _, x := range s {
		xn, xsize := int64(1), int64(len(x.text))
		if x.alts != nil {
			xn, xsize = 0, 0
			for _, a := range x.alts {
				an, asize := a.measure()
				xn, xsize = min(xn+an, huge), min(xsize+asize, huge)
			}
		}
		size = min(size*xn+xsize*n, huge)
		n = min(n*xn, huge)
	}
	return n, size
}

func (s sequence) expand() []string {
	out := []string{""}
	for _, x := range s {
		tails := []string{x.text}
		if x.alts != nil {
			tails = nil
			for _, a := range x.alts {
				tails = append(tails, a.expand()...)
			}
		}
		next := make([]string, 0, len(out)*len(tails))
		for _, head := range out {
			for _, t := range tails {
				next = append(next, join(head, t))
			}
		}
		out = next
	}
	return out
}

// join puts a text behind another. Stars that meet where braces were are one star: only
// what is written as ** goes through directories.
func join(head, tail string) string {
	stem := strings.TrimRight(head, "*")
	slashes := len(stem) - len(strings.TrimRight(stem, `\`))
	if slashes%2 == 1 && len(stem) < len(head) { // the first star means itself
		stem = head[:len(stem)+1]
	}
	if len(stem) == len(head) || !strings.HasPrefix(tail, "*") {
		return head + tail
	}
	return stem + "*" + strings.TrimLeft(tail, "*")
}
