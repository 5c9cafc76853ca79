package agent

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/metrics"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail"
	"logctl/agent/transform"
	"logctl/etcdcfg"
	"logctl/internal/testkit/ceiling"
)

// Ceilings of what reading one list and beginning to apply it may cost: memory of a
// process whose collector runs when garbage is as much as what is alive, and CPU.
const (
	listMemory = 256 << 20
	listTime   = 5 * time.Second
	listSmall  = listMemory / 4 // what allocates less in all is not measured closer
)

// TestListsStayWithinTheirBounds makes lists that try to cost much and takes each up as
// an agent does, but for opening files. LOGCTL_LISTS says how many, LOGCTL_LISTS_SEED
// repeats a run, LOGCTL_LISTS_FROM begins it later.
func TestListsStayWithinTheirBounds(t *testing.T) {
	n, seed, from := fromEnv(t, "LOGCTL_LISTS", 500), fromEnv(t, "LOGCTL_LISTS_SEED", 1), fromEnv(t, "LOGCTL_LISTS_FROM", 0)
	var most uint64
	var longest time.Duration
	breaches, begun := 0, 0
	for i := from; i < from+n; i++ {
		raw := expensiveList(rand.New(rand.NewPCG(uint64(seed), uint64(i))))
		memory, cpu := allocated(), processCPU()
		begun += takeUp(raw)
		memory, cpu = allocated()-memory, processCPU()-cpu
		if memory > listSmall {
			memory = 2 * ceiling.PeakLive(func() { _ = takeUp(raw) })
		}
		most, longest = max(most, memory), max(longest, cpu)
		if memory > listMemory || cpu > listTime {
			breaches++
			t.Errorf("list %d of seed %d, %d bytes: %d MiB, %v of CPU:\n%.300s", i, seed, len(raw), memory>>20, cpu, raw)
		}
		if (i+1)%100_000 == 0 {
			t.Logf("%d lists so far: at most %d MiB and %v of CPU, %d breaches", i+1-from, most>>20, longest, breaches)
		}
	}
	t.Logf("%d lists, %d entries begun: at most %d MiB and %v of CPU, %d breaches", n, begun, most>>20, longest, breaches)
}

// TestListsThatFillABound: what each bound of a list lets through stays within the
// ceilings when it is used up.
func TestListsThatFillABound(t *testing.T) {
	list := func(n int, entry func(i int) string) []byte {
		var b bytes.Buffer
		b.WriteString("[")
		for i := 0; i < n && b.Len() <= etcdcfg.MaxListBytes; i++ {
			fmt.Fprintf(&b, `,{"path":"/a/%d.log","topic":"t%s}`, i, entry(i))
		}
		raw := append(b.Bytes(), ']')
		if n > 0 {
			raw[1] = ' '
		}
		return raw
	}
	fill := func(entry func(i int) string) []byte { // as many as are taken
		n := sort.Search(etcdcfg.MaxEntries+1, func(n int) bool {
			_, err := etcdcfg.Parse(list(n, entry))
			return err != nil
		})
		return list(n-1, entry)
	}
	fields, values, labels := distinct(`,"%d":0`, 900), strings.Repeat("0,", 400_000), distinct(`,"%d":""`, etcdcfg.MaxLabels-1)
	for name, raw := range map[string][]byte{
		"entries":           fill(func(int) string { return `"` }),
		"classes":           fill(func(i int) string { return fmt.Sprintf(`","include_lines":["%d[^a-z]{900}"]`, i) }),
		"unicode classes":   fill(func(i int) string { return fmt.Sprintf(`","include_lines":["%d%s"]`, i, strings.Repeat(`\\pL`, 50)) }),
		"literals":          fill(func(i int) string { return fmt.Sprintf(`","include_lines":["%d(abcdefgh){900}"]`, i) }),
		"optional":          fill(func(i int) string { return fmt.Sprintf(`","include_lines":["%d(a?){1000}"]`, i) }),
		"short expressions": fill(func(i int) string { return fmt.Sprintf(`","include_lines":["%da"]`, i) }),
		"alternatives": fill(func(i int) string {
			return fmt.Sprintf(`","exclude":["/%d%s"]`, i, strings.Repeat("{aaaaaaa,bbbbbbb}", 8))
		}),
		"alternatives twice": fill(func(i int) string { return fmt.Sprintf(`","exclude":["/%d%s"]`, i, strings.Repeat("{a,b}", 8)) }),
		"rotated":            fill(func(i int) string { return fmt.Sprintf(`","rotated":["*{a,aa}{a,aa}{a,aa}b%d"]`, i) }),
		"short rotated":      fill(func(int) string { return `","rotated":["*?b"]` }),
		"labels":             fill(func(int) string { return `","labels":{"a":""` + labels + "}" }),
		"fields":             fill(func(i int) string { return `"` + fields }),
		"values":             fill(func(i int) string { return `","x":[` + values + "0]" }),
	} {
		t.Run(name, func(t *testing.T) {
			cpu, begun := processCPU(), takeUp(raw)
			cpu = processCPU() - cpu
			memory := 2 * ceiling.PeakLive(func() { _ = takeUp(raw) })
			t.Logf("%d bytes, %d entries begun: %d MiB, %v of CPU", len(raw), begun, memory>>20, cpu)
			if memory > listMemory || cpu > listTime {
				t.Error("beyond the ceilings")
			}
		})
	}
}

func distinct(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// fromEnv is a number from the environment.
func fromEnv(t *testing.T, name string, without int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return without
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// takeUp reads a list and does what starting its tasks does before files are looked at.
// It returns how many entries were begun.
func takeUp(raw []byte) int {
	entries, _, err := etcdcfg.Usable(raw)
	_ = etcdcfg.Warnings(raw)
	if err != nil {
		return 0
	}
	shared := &transform.Expressions{}
	var rules []*transform.Rules // kept, as tasks do
	var sets []*tail.Set
	for _, e := range entries {
		if r, err := shared.Compile(ruleSpec(e)); err == nil {
			rules = append(rules, r)
		}
		set, err := tail.Open(tail.Config{Path: e.Path, Exclude: e.Exclude, Rotated: e.Rotated, Poll: true})
		if err == nil {
			sets = append(sets, set)
		}
	}
	for _, set := range sets {
		_ = set.Close()
	}
	return len(rules)
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
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
