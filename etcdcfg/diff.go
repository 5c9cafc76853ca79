package etcdcfg

import (
	"strings"
)

// diffContext is the number of unchanged lines shown around a change, and
// diffCells the largest table that is computed for a minimal diff.
const (
	diffContext = 3
	diffCells   = 4 << 20
)

// Diff shows what changed between two lists, line by line: "-" for lines that
// went, "+" for lines that came, " " for three unchanged lines around them, and
// " ..." for unchanged lines left out. It is empty when nothing but the layout
// changed. Lists that parse are compared as Format lays them out, so that a list
// on one line can be compared as well.
func Diff(before, after []byte) string {
	a, aOK := diffable(before)
	b, bOK := diffable(after)
	same := func(x, y string) bool { return x == y }
	if aOK && bOK { // a comma comes and goes with the neighbour
		same = func(x, y string) bool { return strings.TrimSuffix(x, ",") == strings.TrimSuffix(y, ",") }
	}
	return renderDiff(diffLines(a, b, same))
}

// diffable returns a list as lines, laid out when it can be read.
func diffable(raw []byte) (lines []string, ok bool) {
	if len(raw) == 0 {
		return nil, true
	}
	if entries, err := Parse(raw); err == nil {
		if text, err := Format(entries); err == nil {
			raw, ok = text, true
		}
	}
	text := strings.TrimRight(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n")
	if text == "" {
		return nil, ok
	}
	return strings.Split(text, "\n"), ok
}

// diffOp is a line of a diff.
type diffOp struct {
	op   byte // ' ', '-', '+'
	line string
}

func diffLines(a, b []string, same func(x, y string) bool) []diffOp {
	var ops []diffOp
	head := 0
	for head < len(a) && head < len(b) && same(a[head], b[head]) {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && same(a[len(a)-1-tail], b[len(b)-1-tail]) {
		tail++
	}
	for _, l := range b[:head] {
		ops = append(ops, diffOp{' ', l})
	}
	ops = append(ops, diffMiddle(a[head:len(a)-tail], b[head:len(b)-tail], same)...)
	for _, l := range b[len(b)-tail:] {
		ops = append(ops, diffOp{' ', l})
	}
	return ops
}

// diffMiddle compares by longest common subsequence; very large texts become all
// lines out and all lines in.
func diffMiddle(a, b []string, same func(x, y string) bool) []diffOp {
	var ops []diffOp
	i, j := 0, 0
	if n := len(a) * len(b); n > 0 && n <= diffCells {
		w := len(b) + 1
		lcs := make([]int32, (len(a)+1)*w)
		for x := len(a) - 1; x >= 0; x-- {
			for y := len(b) - 1; y >= 0; y-- {
				if same(a[x], b[y]) {
					lcs[x*w+y] = lcs[(x+1)*w+y+1] + 1
				} else {
					lcs[x*w+y] = max(lcs[(x+1)*w+y], lcs[x*w+y+1])
				}
			}
		}
		for i < len(a) && j < len(b) {
			switch {
			case same(a[i], b[j]):
				ops = append(ops, diffOp{' ', b[j]})
				i, j = i+1, j+1
			case lcs[(i+1)*w+j] >= lcs[i*w+j+1]:
				ops = append(ops, diffOp{'-', a[i]})
				i++
			default:
				ops = append(ops, diffOp{'+', b[j]})
				j++
			}
		}
	}
	for ; i < len(a); i++ {
		ops = append(ops, diffOp{'-', a[i]})
	}
	for ; j < len(b); j++ {
		ops = append(ops, diffOp{'+', b[j]})
	}
	return ops
}

// renderDiff writes the lines that changed and those around them.
func renderDiff(ops []diffOp) string {
	show := make([]bool, len(ops))
	changed := false
	for i, o := range ops {
		if o.op == ' ' {
			continue
		}
		changed = true
		for k := max(0, i-diffContext); k <= min(len(ops)-1, i+diffContext); k++ {
			show[k] = true
		}
	}
	if !changed {
		return ""
	}
	var b strings.Builder
	gap := false
	for i, o := range ops {
		if !show[i] {
			gap = true
			continue
		}
		if gap {
			b.WriteString(" ...\n")
			gap = false
		}
		b.WriteByte(o.op)
		b.WriteString(o.line)
		b.WriteByte('\n')
	}
	if gap {
		b.WriteString(" ...\n")
	}
	return b.String()
}
