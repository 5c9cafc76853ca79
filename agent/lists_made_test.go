package agent

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"logctl/etcdcfg"
)

// expensiveList makes a list of which some fields multiply, repeat, nest or are many. Two
// of three are right but for bounds, so that what they ask for is done.
func expensiveList(r *rand.Rand) []byte {
	size := 1 << (4 + r.IntN(8))
	if r.IntN(50) == 0 {
		size <<= r.IntN(6)
	}
	l := &listMaker{Rand: r, size: size, right: r.IntN(3) > 0, same: r.IntN(2) == 0, short: r.IntN(3) == 0}
	if r.IntN(2000) == 0 {
		l.size, l.right, l.short = etcdcfg.MaxListBytes-64<<10, true, r.IntN(2) == 0
	}
	l.b.WriteString("[")
	for i := 0; l.b.Len() < l.size; i++ {
		if i > 0 {
			l.b.WriteString(",")
		}
		if r.IntN(3) == 0 {
			l.b.WriteString("\n")
		}
		l.entry(i)
	}
	l.b.WriteString("]")
	text := l.b.Bytes()
	for range r.IntN(3) { // some damage
		if !l.right && r.IntN(4) == 0 {
			text[r.IntN(len(text))] = `{}[]",:\*`[r.IntN(9)]
		}
	}
	return text
}

// listMaker writes a list of about size bytes.
type listMaker struct {
	*rand.Rand
	b     bytes.Buffer
	size  int
	right bool // but for bounds
	same  bool // the files of all entries stand in one directory
	short bool // the entries cost little each, and are many
}

func (l *listMaker) entry(i int) {
	path := fmt.Sprintf("/%d%s", i, l.glob())
	if l.same {
		path = fmt.Sprintf("/a/%s%d.log", strings.Repeat("a", l.IntN(40)), i)
	}
	fmt.Fprintf(&l.b, `{"path":%q,"topic":"t%d"`, path, i%(1+l.IntN(9)))
	done := map[int]bool{}
	for range l.IntN(5) {
		if k := l.IntN(10); !done[k] || !l.right {
			done[k] = true
			l.field(k)
		}
	}
	l.b.WriteString("}")
}

// field adds a field to an entry.
func (l *listMaker) field(k int) {
	b := &l.b
	switch k {
	case 0:
		fmt.Fprintf(b, `,"exclude":[%s]`, l.some(func() string { return "/" + l.glob() }))
	case 1:
		fmt.Fprintf(b, `,"include_lines":[%s]`, l.some(l.regex))
	case 2:
		if l.IntN(2) == 0 {
			fmt.Fprintf(b, `,"multiline":{"start":%q}`, l.regex())
		} else {
			fmt.Fprintf(b, `,"multiline":{"continue":%q,"end":%q,"max_bytes":%d,"timeout":"1h"}`, l.regex(), l.regex(), 1<<(10+l.IntN(11)))
		}
	case 3:
		fmt.Fprintf(b, `,"labels":{%q:"v","b":%q}`, "k"+strings.Repeat("k", l.IntN(50)), strings.Repeat("v", l.IntN(200)))
	case 4:
		deep := 1 + l.IntN(150)
		fmt.Fprintf(b, `,"x%d":%s%s`, l.IntN(9), strings.Repeat("[", deep), strings.Repeat("]", deep))
	case 5:
		known := []string{"y0", "exclude", "rotated", "labels", "multiline", "poll", "Exclude"}
		name := known[l.IntN(len(known))]
		if l.right {
			name = "y0"
		}
		fmt.Fprintf(b, `,%q:[%s0]`, name, strings.Repeat("0,", l.most(l.size/4)))
	case 6:
		fmt.Fprintf(b, `,"rotated":[%s]`, l.some(l.glob))
	case 7:
		fmt.Fprintf(b, `,"exclude_lines":[%s],"format":"cri","encoding":"gbk"`, l.some(l.regex))
	case 8:
		if !l.right {
			fmt.Fprintf(b, `,"format":%q,"encoding":%q,"from":7`, l.regex(), l.glob())
		}
	case 9:
		b.WriteString(`,"labels2":{`)
		if l.IntN(20) == 0 {
			b.Truncate(b.Len() - len(`2":{`))
			b.WriteString(`":{`)
		}
		for i := range l.most(l.size / 16) {
			fmt.Fprintf(b, `"%d":"",`, i)
		}
		b.WriteString(`"z":""}`)
	}
}

// most is a number up to n, and small where the entries are.
func (l *listMaker) most(n int) int {
	if l.short {
		n = 8
	}
	return l.IntN(1 + n)
}

// some makes a list of texts.
func (l *listMaker) some(one func() string) string {
	n := l.IntN(4)
	if l.IntN(20) == 0 {
		n = l.most(400)
	}
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Quote(one())
	}
	return strings.Join(out, ",")
}

func (l *listMaker) glob() string {
	if l.short {
		return fmt.Sprintf("%s*{a,aa}%d", strings.Repeat("a", l.IntN(3)), l.IntN(1000))
	}
	for {
		if g := expensiveGlob(l.Rand, 3); !l.right || doublestar.ValidatePattern(g) && g != "" {
			return g
		}
	}
}

func (l *listMaker) regex() string {
	if l.short {
		return fmt.Sprintf(`^%d[a-z]{%d}$`, l.IntN(1000), 1+l.IntN(100))
	}
	for {
		re := expensiveRegex(l.Rand, 3)
		if _, err := syntax.Parse(re, syntax.Perl); !l.right || err == nil {
			return re
		}
	}
}

func expensiveGlob(r *rand.Rand, depth int) string {
	var b strings.Builder
	for range 1 + r.IntN(6) {
		switch k := r.IntN(10); {
		case k == 9:
			b.WriteString(strings.Repeat("{a,aa}", r.IntN(40)) + "*")
		case k == 0 && depth > 0:
			alts := make([]string, 1+r.IntN(6))
			for i := range alts {
				alts[i] = expensiveGlob(r, depth-1)
			}
			b.WriteString("{" + strings.Join(alts, ",") + "}")
		case k == 1:
			b.WriteString(strings.Repeat("{a,b}", r.IntN(12)))
		case k == 2:
			b.WriteString("/**/")
		case k == 3:
			b.WriteString(strings.Repeat("*a", r.IntN(30)))
		case k == 4:
			b.WriteString("[a-z]")
		case k == 5:
			b.WriteString("{" + strings.Repeat("x/y,", r.IntN(300)) + "z}")
		default:
			b.WriteString("log")
		}
	}
	return b.String()
}

func expensiveRegex(r *rand.Rand, depth int) string {
	var b strings.Builder
	for range 1 + r.IntN(5) {
		switch k := r.IntN(8); {
		case k <= 1 && depth > 0:
			b.WriteString("(" + expensiveRegex(r, depth-1) + ")")
		case k == 2:
			b.WriteString(`\pL`)
		case k == 3:
			b.WriteString("[^a-z\u4e00-\u9fff]")
		case k == 4:
			b.WriteString(strings.Repeat("a|", r.IntN(40)) + "b")
		default:
			b.WriteString(strconv.Itoa(r.IntN(1000)) + "x")
		}
		switch r.IntN(5) {
		case 0:
			fmt.Fprintf(&b, "{%d}", 1+r.IntN(1000))
		case 1:
			b.WriteString("+")
		}
	}
	return b.String()
}
