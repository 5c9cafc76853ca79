package etcdcfg

import (
	"errors"
	"fmt"
	"regexp/syntax"

	"logctl/internal/glob"
)

// Bounds of a list, so that no value in etcd costs an agent more than it can spare. A
// list of real entries is far below each of them.
const (
	MaxEntries    = 10_000  // of a list
	MaxPatterns   = 256     // globs in exclude, and expressions in each list of expressions, of an entry
	MaxRegexBytes = 4096    // of an expression as it is written
	MaxRegexSize  = 10_000  // of one expression: see regexSize
	maxRegexes    = 500_000 // size of all different expressions of a list
	maxGlobs      = 4 << 20 // bytes of all globs of a list, alternatives counted
	MaxRotated    = 16      // globs in rotated of an entry
	maxRotatedAlt = 64      // alternatives of one of these: they are looked for in the directory of each file
	MaxLabels     = 64      // of an entry
	MaxLabelBytes = 8 << 10 // of the names and values of all labels of an entry: each record carries them
)

// Costs of an expression and of a glob beside their size.
const (
	regexBase = 50
	globBase  = 64
)

// ledger adds up what the entries of a list cost. The same expression counts once:
// compiled ones are shared.
type ledger struct {
	regexes int
	globs   int
	work    int             // left for comparing globs with paths
	known   map[string]bool // expressions that are counted
}

func newLedger() *ledger { return &ledger{known: map[string]bool{}, work: matchWork} }

// bound notes that the entry exceeds a bound. Only such problems leave the rest of the
// list usable; see Usable.
func (c *checker) bound(field, hint, format string, args ...any) {
	c.add(field, hint, format, args...)
	c.problems[len(c.problems)-1].Bound = true
}

// count refuses too many patterns in one field.
func (c *checker) count(field string, n, most int) bool {
	if n > most {
		c.bound(field, tooManyHint, "has more than %d values", most)
		return false
	}
	return true
}

// rotated checks globs of old generations. A follower compiles them for each directory in
// which it follows a file.
func (c *checker) rotated(patterns []string) {
	if !c.count("rotated", len(patterns), MaxRotated) {
		return
	}
	for i, p := range patterns {
		field := fmt.Sprintf("rotated[%d]", i)
		before := len(c.problems)
		c.glob(field, p)
		if len(c.problems) > before {
			continue
		}
		if g, err := glob.Compile(slashed(p)); err == nil && len(g.Patterns()) > maxRotatedAlt {
			c.bound(field, "use wildcards instead", "has more than %d alternatives", maxRotatedAlt)
		}
	}
}

// globCost compiles a glob and adds it to the ledger; the error is one of package glob.
func (c *checker) globCost(field, pattern string) error {
	g, err := glob.Compile(pattern)
	var large *glob.TooLargeError
	switch {
	case errors.As(err, &large):
		c.bound(field, "make several entries of it", "%v", err)
		return nil
	case err != nil:
		return err
	}
	if c.sums.globs+globBase+g.Size() > maxGlobs {
		c.bound(field, "use fewer alternatives", "the globs of the list have more than %d bytes together, alternatives counted", maxGlobs)
		return nil
	}
	c.sums.globs += globBase + g.Size()
	return nil
}

// regexCost measures an expression and adds it to the ledger. It is parsed, and not
// compiled: what does not parse does not compile, and [a-z]{1000} would be a thousand
// times [a-z]. The error is that of the parser.
func (c *checker) regexCost(field, expr string) error {
	if c.sums.known[expr] {
		return nil
	}
	if len(expr) > MaxRegexBytes {
		c.bound(field, "", "the expression has %d bytes, at most %d are taken", len(expr), MaxRegexBytes)
		return nil
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return err
	}
	size := regexSize(re)
	if size > MaxRegexSize {
		c.bound(field, "repeat less", "the compiled expression has a size of more than %d", MaxRegexSize)
		return nil
	}
	if c.sums.regexes+regexBase+size > maxRegexes {
		c.bound(field, "use the same expressions in several entries, or fewer", "the expressions of the list have a size of more than %d together", maxRegexes)
		return nil
	}
	c.sums.regexes += regexBase + size
	c.sums.known[expr] = true
	return nil
}

// regexHuge is where measuring stops.
const regexHuge = 1 << 24

// regexSize is about the number of instructions that a parsed expression compiles to,
// with the ranges of its classes, ten of which count as one.
func regexSize(re *syntax.Regexp) int {
	size := 1
	switch re.Op {
	case syntax.OpLiteral:
		size = len(re.Rune)
	case syntax.OpCharClass:
		size = 1 + len(re.Rune)/20
	}
	for _, sub := range re.Sub {
		size = min(size+regexSize(sub), regexHuge)
	}
	if re.Op == syntax.OpRepeat {
		times := re.Max
		if times < 0 {
			times = re.Min + 1
		}
		size = min(size*max(times, 1), regexHuge)
	}
	return size
}

// Usable reads a list for an agent: it returns the entries that can be run, and of a
// list in which nothing is wrong but that entries exceed a bound, what is wrong with
// those. Anything else that is wrong makes the whole list unusable; err is its
// *ListError then.
func Usable(data []byte) (entries []Entry, refused *ListError, err error) {
	s, entries := read(data)
	if entries == nil && len(s.problems) == 0 {
		return nil, nil, nil
	}
	problems := s.listError()
	if len(problems.Problems) == 0 {
		return entries, nil, nil
	}
	out := make(map[int]bool, len(problems.Problems))
	for _, p := range problems.Problems {
		if !p.Bound || p.Entry < 0 || len(problems.Problems) >= maxProblems {
			return nil, nil, problems
		}
		out[p.Entry] = true
	}
	kept := make([]Entry, 0, len(entries))
	for i, e := range entries {
		if !out[i] {
			kept = append(kept, e)
		}
	}
	return kept, problems, nil
}

// tooMany notes that a list has more entries than are taken. The rest is not read.
func (s *scanner) tooMany(off int) {
	s.entry = -1
	s.fail(off, "use globs, or several collect keys", "the list has more than %d entries", MaxEntries)
	s.stop = true
}

func quoted(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%q…", s[:200])
	}
	return fmt.Sprintf("%q", s)
}
