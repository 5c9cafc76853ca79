package agent

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail"
	"logctl/agent/transform"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// Ceilings of what reading one list and beginning to apply it may cost: heap in use at
// once, garbage counted, and CPU of the process.
const (
	listMemory = 256 << 20
	listTime   = 5 * time.Second
)

// TestListsStayWithinTheirBounds makes lists that try to cost much and takes each up as
// an agent does, but for opening files. LOGCTL_LISTS says how many, LOGCTL_LISTS_SEED
// repeats a run.
func TestListsStayWithinTheirBounds(t *testing.T) {
	n, seed := 500, uint64(1)
	if text := os.Getenv("LOGCTL_LISTS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	if text := os.Getenv("LOGCTL_LISTS_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	var most uint64
	var longest time.Duration
	for i := range n {
		raw := expensiveList(rand.New(rand.NewPCG(seed, uint64(i))))
		memory, cpu := allocated(), processCPU()
		takeUp(raw)
		memory, cpu = allocated()-memory, processCPU()-cpu
		if memory > listMemory { // not all of it at once: look again
			memory = testkit.PeakHeap(func() { takeUp(raw) })
		}
		most, longest = max(most, memory), max(longest, cpu)
		if memory > listMemory || cpu > listTime {
			t.Errorf("list %d of seed %d, %d bytes: %d MiB, %v of CPU:\n%.300s", i, seed, len(raw), memory>>20, cpu, raw)
		}
	}
	t.Logf("%d lists: at most %d MiB and %v of CPU", n, most>>20, longest)
}

// takeUp reads a list and does what starting its tasks does before files are looked at.
func takeUp(raw []byte) {
	entries, _, err := etcdcfg.Usable(raw)
	_ = etcdcfg.Warnings(raw)
	if err != nil {
		return
	}
	shared := &transform.Expressions{}
	var rules []*transform.Rules
	for _, e := range entries {
		if r, err := shared.Compile(ruleSpec(e)); err == nil {
			rules = append(rules, r)
		}
		if set, err := tail.Open(tail.Config{Path: e.Path, Exclude: e.Exclude, Poll: true}); err == nil {
			_ = set.Close()
		}
	}
	_ = rules
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// expensiveList makes a list of which some fields multiply, repeat, nest or are many.
func expensiveList(r *rand.Rand) []byte {
	size := 1 << (4 + r.IntN(12))
	if r.IntN(200) == 0 {
		size = etcdcfg.MaxListBytes
	}
	var b bytes.Buffer
	b.WriteString("[")
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteString(",")
		}
		if r.IntN(3) == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, `{"path":%q,"topic":"t%d"`, "/"+expensiveGlob(r, 3), i)
		for range r.IntN(4) {
			switch r.IntN(6) {
			case 0:
				fmt.Fprintf(&b, `,"exclude":[%s]`, some(r, func() string { return expensiveGlob(r, 3) }))
			case 1:
				fmt.Fprintf(&b, `,"include_lines":[%s]`, some(r, func() string { return expensiveRegex(r, 3) }))
			case 2:
				fmt.Fprintf(&b, `,"multiline":{"start":%q}`, expensiveRegex(r, 4))
			case 3:
				fmt.Fprintf(&b, `,"labels":{%q:"v","b":%q}`, strings.Repeat("k", r.IntN(50)), strings.Repeat("v", r.IntN(200)))
			case 4:
				fmt.Fprintf(&b, `,"x%d":%s%s`, r.IntN(9), strings.Repeat("[", r.IntN(150)), strings.Repeat("]", r.IntN(150)))
			case 5:
				fmt.Fprintf(&b, `,"y%d":[%s0]`, r.IntN(9), strings.Repeat("0,", r.IntN(1+size/4)))
			}
		}
		b.WriteString("}")
	}
	b.WriteString("]")
	text := b.Bytes()
	for range r.IntN(3) { // some damage
		if r.IntN(4) == 0 {
			text[r.IntN(len(text))] = `{}[]",:\*`[r.IntN(9)]
		}
	}
	return text
}

func some(r *rand.Rand, one func() string) string {
	n := r.IntN(4)
	if r.IntN(20) == 0 {
		n = r.IntN(400)
	}
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Quote(one())
	}
	return strings.Join(out, ",")
}

func expensiveGlob(r *rand.Rand, depth int) string {
	var b strings.Builder
	for range 1 + r.IntN(6) {
		switch k := r.IntN(9); {
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

// A list of a thousand lines on one is not read in the square of its length: the
// indentation is looked for once in what lies between two entries. Here the whole way
// of a full list is gone, on one line.
func TestAFullListOnOneLine(t *testing.T) {
	var b strings.Builder
	for i := range etcdcfg.MaxEntries {
		fmt.Fprintf(&b, `,{"path":"/var/log/%06d/app.log","topic":"topic_%d"}`, i, i%7)
	}
	entries, refused, err := etcdcfg.Usable([]byte("[" + b.String()[1:] + "]"))
	if err != nil || refused != nil || len(entries) != etcdcfg.MaxEntries {
		t.Fatal(len(entries), refused, err)
	}
}

// A list that ended an agent is not applied again: the next one starts from the last
// good list and says so, until the list is edited.
func TestAListThatEndedTheAgentIsHeld(t *testing.T) {
	dir := t.TempDir()
	list := func(path string, revision int64) etcdcfg.Snapshot {
		raw := []byte(`[{"path":"` + path + `","topic":"t"}]`)
		entries, err := etcdcfg.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return etcdcfg.Snapshot{Key: "k", Raw: raw, Entries: entries, ModRevision: revision}
	}
	good, fatal := list("/good", 3), list("/fatal", 4)
	var applied []string
	life := func(settled bool) *lists {
		l := newLists(nil, "k", dir, slog.New(slog.DiscardHandler), func(s etcdcfg.Snapshot) { applied = append(applied, s.Entries[0].Path) })
		l.settled = func() bool { return settled }
		l.openTrial()
		return l
	}
	l := life(true)
	if !l.accept(good) {
		t.Fatal("the good list is refused")
	}
	l.prove()
	if !l.accept(fatal) { // and now the process is killed: nothing is proved, nothing ends in order
		t.Fatal("a new list is refused")
	}

	l = life(true)
	if l.accept(fatal) {
		t.Error("the list is applied again")
	}
	if why, _ := l.problems(); !strings.Contains(why, "revision 4") || !strings.Contains(why, "not applied again") {
		t.Errorf("%q", why)
	}
	if !l.fromCache("held") || applied[len(applied)-1] != "/good" {
		t.Errorf("applied %v", applied)
	}
	if mended := list("/fatal", 5); !l.accept(mended) { // saved again: it is tried again
		t.Error("a list that was saved again is refused")
	}
	l.prove()
	if l = life(true); !l.accept(list("/fatal", 5)) {
		t.Error("a list that was proved is refused")
	}

	// An orderly end in the middle of a trial blames nobody.
	l = life(false)
	if !l.accept(list("/third", 6)) {
		t.Fatal("refused")
	}
	l.prove() // not yet
	l.endTrial()
	if l = life(true); !l.accept(list("/third", 6)) {
		t.Error("a list is held after an orderly end")
	}
}

// Without another list to run, one is tried a few times before it is held.
func TestAFirstListIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	raw := []byte(`[{"path":"/a","topic":"t"}]`)
	entries, _ := etcdcfg.Parse(raw)
	snap := etcdcfg.Snapshot{Key: "k", Raw: raw, Entries: entries, ModRevision: 1}
	for i, want := range []bool{true, true, true, false} {
		l := newLists(nil, "k", dir, slog.New(slog.DiscardHandler), func(etcdcfg.Snapshot) {})
		l.openTrial()
		if got := l.accept(snap); got != want {
			t.Errorf("life %d: applied %v, want %v", i+1, got, want)
		}
	}
}

// An entry that exceeds a bound is left out alone.
func TestAnEntryBeyondABoundIsLeftOutAlone(t *testing.T) {
	raw := []byte(`[{"path":"/a","topic":"t"},{"path":"/` + strings.Repeat("{a,b}", 30) + `","topic":"t"}]`)
	_, err := etcdcfg.Parse(raw)
	var got etcdcfg.Snapshot
	l := newLists(nil, "k", t.TempDir(), slog.New(slog.DiscardHandler), func(s etcdcfg.Snapshot) { got = s })
	l.openTrial()
	if !l.accept(etcdcfg.Snapshot{Key: "k", Raw: raw, ModRevision: 7, Err: err}) || len(got.Entries) != 1 || got.Entries[0].Path != "/a" {
		t.Errorf("%+v", got)
	}
	if why, _ := l.problems(); !strings.Contains(why, "not collected: line 1, column") || !strings.Contains(why, "entry 2") {
		t.Errorf("%q", why)
	}
	l.prove()
	if snap, err := loadCache(l.dir, "k"); err != nil || len(snap.Entries) != 1 {
		t.Errorf("from the cache: %v, %v", snap.Entries, err)
	}
}
