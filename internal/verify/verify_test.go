package verify

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"logctl/agent/tail"
)

// lines are the positions and values of the lines of a text.
type textLine struct {
	pos   int64
	value string
}

func split(text string) (out []textLine) {
	pos := 0
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			out = append(out, textLine{int64(pos), string(bytes.TrimSuffix([]byte(text[pos:i]), []byte("\r")))})
			pos = i + 1
		}
	}
	return out
}

func (l *Ledger) line(file string, x textLine, part int32) {
	l.Add(&Record{Key: Key{"t", "h", file}, Path: "/a.log", Pos: x.pos, Partition: part, At: time.Unix(1000+x.pos, 0), Value: []byte(x.value)})
}

// TestRunsAgainstAModel adds lines of a text in many orders, some never, some twice, and
// compares the ranges with those of a list of all lines.
func TestRunsAgainstAModel(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := ""
		for range 1 + r.IntN(60) {
			text += fmt.Sprintf("%0*d\n", 4+r.IntN(9), r.IntN(1000)) // longer than a line end may be
		}
		all := split(text)
		var sent []textLine
		got, repeats := map[int64]bool{}, uint64(0)
		for _, x := range all {
			if r.IntN(10) > 0 {
				sent = append(sent, x)
			}
		}
		for range r.IntN(4) {
			if len(sent) > 0 {
				sent = append(sent, sent[r.IntN(len(sent))])
			}
		}
		if seed%3 == 0 {
			r.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
		}
		l := NewLedger(false)
		for _, x := range sent {
			if got[x.pos] {
				repeats++
			}
			got[x.pos] = true
			l.line("1-1", x, 0)
		}
		if len(sent) == 0 {
			continue
		}
		var want []Span
		open := false
		for _, x := range all {
			switch end := x.pos + int64(len(x.value)); {
			case !got[x.pos]:
				open = false
			case open:
				want[len(want)-1].To = end
			default:
				want, open = append(want, Span{x.pos, end}), true
			}
		}
		g := l.Generations[Key{"t", "h", "1-1"}]
		if diff := cmp.Diff(want, g.Runs()); diff != "" || g.Repeats != repeats {
			t.Fatalf("seed %d: %d repeats, want %d\n%s", seed, g.Repeats, repeats, diff)
		}
	}
}

// judged writes a file, adds lines of it, and compares.
func judged(t *testing.T, l *Ledger, log Log, write func(dir string), cut bool) []Verdict {
	t.Helper()
	dir := t.TempDir()
	log.Path = filepath.Join(dir, log.Path)
	write(dir)
	c := Comparison{Ledger: l, Host: "h", Cut: Cut{"t": cut}, Grace: time.Minute, Now: time.Now().Add(time.Hour)}
	list, err := c.Compare(t.Context(), []Log{log})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestHolesAreFound(t *testing.T) {
	const text = "first\nsecond\n\nfourth\r\nfifth\nsixth\n"
	all := split(text)
	for name, c := range map[string]struct {
		leave   []int // lines that are not sent
		whole   bool
		cut     bool
		content bool
		spoil   bool
		missing []Hole
		unknown int
		altered int
	}{
		"all is there":                {whole: true},
		"all is there, by content":    {whole: true, content: true},
		"one in the middle":           {leave: []int{1}, whole: true, missing: []Hole{{Span: Span{5, 14}, Lines: 3}}},
		"an empty line":               {leave: []int{2}, whole: true, missing: []Hole{{Span: Span{12, 14}, Lines: 1}}},
		"the last two":                {leave: []int{4, 5}, whole: true, missing: []Hole{{Span: Span{20, 34}, Lines: 2}}},
		"the first, from = beginning": {leave: []int{0}, whole: true, missing: []Hole{{Span: Span{0, 6}, Lines: 1}}},
		"the first, from = end":       {leave: []int{0}, unknown: 1},
		"the first, too old":          {leave: []int{0}, whole: true, cut: true, unknown: 1},
		"altered":                     {whole: true, content: true, spoil: true, altered: 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLedger(c.content)
			for i, x := range all {
				if slices.Contains(c.leave, i) {
					continue
				}
				if c.spoil && i == 3 {
					x.value = "f0urth"
				}
				l.line("1-1", x, 0)
			}
			list := judged(t, l, Log{Path: "a.log", Topic: "t", Whole: c.whole}, func(dir string) { put(t, filepath.Join(dir, "a.log"), text) }, c.cut)
			if len(list) != 1 {
				t.Fatalf("%+v", list)
			}
			v := list[0]
			if name == "one in the middle" { // the end of the first line, the line, and the empty one's own begin
				c.missing = v.Missing[:min(1, len(v.Missing))]
				if len(v.Missing) != 1 || v.Missing[0].From > 6 || v.Missing[0].To < 12 {
					t.Errorf("missing %+v", v.Missing)
				}
			}
			got := slices.Clone(v.Missing)
			for i := range got {
				got[i].After, got[i].Before = time.Time{}, time.Time{}
			}
			for i := range c.missing {
				c.missing[i].After, c.missing[i].Before = time.Time{}, time.Time{}
			}
			if name == "an empty line" { // that one is missing is known, where in the range is not
				if len(got) != 1 || got[0].Lines != 1 {
					t.Errorf("missing %+v", got)
				}
				return
			}
			if diff := cmp.Diff(c.missing, got); diff != "" || len(v.Unknown) != c.unknown || len(v.Altered) != c.altered {
				t.Errorf("%s\nunknown %+v, altered %+v", diff, v.Unknown, v.Altered)
			}
			if want := c.missing != nil || c.altered > 0; v.Bad() != want {
				t.Errorf("bad: %v", v.Bad())
			}
		})
	}
}

// TestGenerationsAreMatched: rotated by rename, by copy and compressed, each is compared
// with its own records.
func TestGenerationsAreMatched(t *testing.T) {
	texts := []string{"oldest 1\noldest 2\n", "older 1\nolder 2\nolder 3\n", "present 1\npresent 2\n"}
	l := NewLedger(false)
	for i, text := range texts {
		for _, x := range split(text) {
			l.line(fmt.Sprintf("%d-1", 900+i), x, int32(i))
		}
	}
	l.line("900-1", split(texts[0])[1], 0) // once more
	list := judged(t, l, Log{Path: "a.log", Topic: "t", Whole: true}, func(dir string) {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write([]byte(texts[0]))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "a.log.2.gz"), packed.String())
		put(t, filepath.Join(dir, "a.log.1"), texts[1])
		put(t, filepath.Join(dir, "a.log"), texts[2]+"not whole")
	}, false)
	got := map[string]string{}
	for _, v := range list {
		got[filepath.Base(v.Name)] = fmt.Sprintf("%s records %d repeats %d bad %v", v.File, v.Records, v.Repeats, v.Bad())
	}
	want := map[string]string{
		"a.log.2.gz": "900-1 records 3 repeats 1 bad false",
		"a.log.1":    "901-1 records 3 repeats 0 bad false",
		"a.log":      "902-1 records 2 repeats 0 bad false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTopicsAlone(t *testing.T) {
	l := NewLedger(false)
	all := split("first line\nsecond line\nthird line\nfourth line\n")
	for _, i := range []int{0, 1, 3, 1} {
		l.line("1-1", all[i], 0)
	}
	l.line("2-2", all[2], 1)
	l.line("2-2", all[0], 1)
	list := l.Topics()
	if len(list) != 2 || len(list[0].Missing) != 1 || list[0].Repeats != 1 || list[0].Missing[0].From != 22 {
		t.Errorf("%+v", list)
	}
	if list[1].Disorder != 1 {
		t.Errorf("%+v", list[1])
	}
}

func TestPartsOfASplitLine(t *testing.T) {
	l := NewLedger(true)
	add := func(pos int64, part bool, value string) {
		l.Add(&Record{Key: Key{"t", "h", "1-1"}, Pos: pos, Part: part, Value: []byte(value)})
	}
	add(0, false, "whole")
	add(6, true, "abc") // 1/3, 2/3, 3/3 of one line: ship split it
	add(6, true, "def")
	add(6, true, "gh")
	add(15, true, "long, par") // 1/?, 2/2 of a line that the reader split
	add(24, true, "t two")
	add(30, false, "end")
	g := l.Generations[Key{"t", "h", "1-1"}]
	if g.Repeats != 0 || g.Disorder != 0 || len(g.runs) != 1 || g.runs[0].Span != (Span{0, 33}) {
		t.Errorf("%+v", g.runs)
	}
	_ = tail.FileID{}
}

// BenchmarkLedger is the cost of a record of 149 bytes without its content.
func BenchmarkLedger(b *testing.B) {
	l := NewLedger(false)
	value := bytes.Repeat([]byte("x"), 149)
	r := Record{Key: Key{"t", "h", "1-1"}, Value: value}
	b.SetBytes(150)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		r.Pos = int64(i) * 150
		l.Add(&r)
	}
}
