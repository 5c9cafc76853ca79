package rotation

import "strings"

// Pattern is a name whose varying numbers are left open.
type Pattern struct {
	parts []string // what stands before, between and behind the open numbers
}

// Learn returns the pattern of the names a log is given, after its file, once at
// the name base, was seen at name. Numbers that both have in the same place stay
// as they are, so that web1-3.log says nothing about web2-3.log. ok is false when
// both are the same name.
func Learn(base, name string) (Pattern, bool) {
	name, _ = Unpacked(name)
	if name == base || name == "" {
		return Pattern{}, false
	}
	from := common(base, name)
	to := len(name) - common(reverse(base), reverse(name[from:]))
	return open(name, func(i, j int) bool { return j > from && i < to }), true
}

// Between returns the pattern of two targets that a link had one after the other:
// what differs is left open. ok is false when they are not alike.
func Between(a, b string) (Pattern, bool) {
	x, y := runs(a), runs(b)
	if len(x) != len(y) || a == b {
		return Pattern{}, false
	}
	differ := make(map[int]bool, len(x))
	endA, endB := 0, 0
	for i := range x {
		if a[endA:x[i][0]] != b[endB:y[i][0]] {
			return Pattern{}, false
		}
		endA, endB = x[i][1], y[i][1]
		differ[x[i][0]] = a[x[i][0]:endA] != b[y[i][0]:endB]
	}
	if a[endA:] != b[endB:] {
		return Pattern{}, false
	}
	return open(a, func(i, _ int) bool { return differ[i] }), true
}

// Like returns the pattern of name with all its numbers left open; ok is false
// when it has none.
func Like(name string) (Pattern, bool) {
	p := open(name, func(int, int) bool { return true })
	return p, len(p.parts) > 1
}

// open leaves those runs of digits open that vary says, by their range in name.
func open(name string, vary func(from, to int) bool) Pattern {
	var p Pattern
	end := 0
	for _, r := range runs(name) {
		if vary(r[0], r[1]) {
			p.parts = append(p.parts, name[end:r[0]])
			end = r[1]
		}
	}
	p.parts = append(p.parts, name[end:])
	return p
}

// Match returns the tag of a name of that pattern.
func (p Pattern) Match(name string) (Tag, bool) {
	name, packed := Unpacked(name)
	if len(p.parts) == 0 {
		return Tag{}, false
	}
	rest, ok := strings.CutPrefix(name, p.parts[0])
	if !ok {
		return Tag{}, false
	}
	var numbers []string
	for _, part := range p.parts[1:] {
		n := digitsAt(rest)
		if n == 0 || !strings.HasPrefix(rest[n:], part) {
			return Tag{}, false
		}
		numbers = append(numbers, rest[:n])
		rest = rest[n+len(part):]
	}
	if rest != "" {
		return Tag{}, false
	}
	return Tag{Place: Learned, Text: strings.Join(numbers, "-"), Packed: packed}, true
}

// Parts returns what stands before, between and behind the open numbers of the pattern.
func (p Pattern) Parts() []string { return p.parts }

// Example returns a name of the pattern.
func (p Pattern) Example() string { return strings.Join(p.parts, "0") }

// OfParts returns the pattern of which Parts returned those.
func OfParts(parts []string) Pattern { return Pattern{parts: parts} }

// Prefix returns what every name of that pattern begins with.
func (p Pattern) Prefix() string {
	if len(p.parts) == 0 {
		return ""
	}
	return p.parts[0]
}

// Exactly returns the pattern of that name alone.
func Exactly(name string) Pattern {
	plain, _ := Unpacked(name)
	return Pattern{parts: []string{plain}}
}

// String returns the pattern as operators read it, app-#.log.
func (p Pattern) String() string { return strings.Join(p.parts, "#") }

// runs returns the ranges of digits in s.
func runs(s string) [][2]int {
	var all [][2]int
	for i := 0; i < len(s); {
		n := digitsAt(s[i:])
		if n > 0 {
			all = append(all, [2]int{i, i + n})
		}
		i += max(n, 1)
	}
	return all
}

// common returns how many bytes a and b begin with in common.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
