package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// run feeds lines and returns the events as text, with what is held at the end.
func run(t *testing.T, s Spec, lines ...string) (events []string, positions []int64, held bool) {
	t.Helper()
	r, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	p, b := NewPipe(r), &Batch{}
	pos := int64(0)
	for _, l := range lines {
		p.Add(In{Data: []byte(l), Pos: pos}, b)
		pos += int64(len(l)) + 1
	}
	for _, e := range b.Events {
		events = append(events, string(b.Data[e.Start:e.End]))
		positions = append(positions, e.Pos)
	}
	_, held = p.Held()
	return events, positions, held
}

func TestMultiline(t *testing.T) {
	got, pos, held := run(t, Spec{Join: Join{Start: `^\d{4}-`}}, "orphan", "2026-01-01 a", " at b", "", "2026-01-02 c", "more")
	if diff := cmp.Diff([]string{"orphan", "2026-01-01 a\n at b\n"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{0, 7}, pos); diff != "" {
		t.Error(diff)
	}
	if !held {
		t.Error("the last event must be held until its end is known")
	}
}

func TestMultilineIsBounded(t *testing.T) {
	lines := []string{"S"}
	for range 2 * MaxEventLines {
		lines = append(lines, "x")
	}
	got, _, _ := run(t, Spec{Join: Join{Start: "^S"}}, lines...)
	if len(got) != 2 {
		t.Errorf("got %d events of %d lines, want 2 complete ones", len(got), len(lines))
	}
	big := strings.Repeat("y", MaxEventBytes-10)
	got, _, _ = run(t, Spec{Join: Join{Start: "^S"}}, "S", big, big)
	if len(got) != 1 || len(got[0]) > MaxEventBytes {
		t.Errorf("got %d events", len(got))
	}
}

func TestFilters(t *testing.T) {
	got, _, _ := run(t, Spec{Include: []string{"error", "warn"}, Exclude: []string{"ignore"}}, "an error", "info", "warn me", "error ignore")
	if diff := cmp.Diff([]string{"an error", "warn me"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEncodings(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"gbk", "\xc4\xe3\xba\xc3", "你好"},
		{"cp936", "\xc4\xe3\xba\xc3", "你好"},
		{"utf16le", "a\x00`O", "a你"},
		{"GB18030", "\xc4\xe3\xba\xc3", "你好"},
		{"big5", "\xa7\x41\xa6\x6e", "你好"},
		{"utf-16le", "\xff\xfea\x00`O", "a你"},
		{"utf-16be", "\xfe\xff\x00aO`", "a你"},
		{"gbk", "ok\xff", "ok\uFFFD"},
	} {
		got, _, _ := run(t, Spec{Encoding: tc.name}, tc.in)
		if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	r, err := Compile(Spec{Encoding: "UTF-8"})
	if err != nil || r != nil {
		t.Errorf("got %v, %v, want no rules", r, err)
	}
}

func TestBadRulesNameTheirField(t *testing.T) {
	for want, s := range map[string]Spec{
		`multiline start "("`: {Join: Join{Start: "("}}, `include_lines "["`: {Include: []string{"["}},
		`exclude_lines "*"`: {Exclude: []string{"*"}}, `unknown encoding "klingon"`: {Encoding: "klingon"},
	} {
		if _, err := Compile(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
}

func TestPartsAreNotJoined(t *testing.T) {
	r, err := Compile(Spec{Join: Join{Start: "^S"}})
	if err != nil {
		t.Fatal(err)
	}
	p, b := NewPipe(r), &Batch{}
	p.Add(In{Data: []byte("S one")}, b)
	p.Add(In{Data: []byte("part"), Pos: 6, Part: 1}, b)
	if len(b.Events) != 2 || b.Events[1].Part != 1 {
		t.Errorf("got %+v, want the held event and the part", b.Events)
	}
}

// TestPartsKeepCharactersWhole cuts a line into parts of any size: what they hold
// together is the line.
func TestPartsKeepCharactersWhole(t *testing.T) {
	const text = "a你好，世界x日志😀!"
	for name, enc := range map[string]encoding.Encoding{
		"gbk": simplifiedchinese.GB18030, "gb18030": simplifiedchinese.GB18030, "big5": traditionalchinese.Big5,
		"shift_jis": japanese.ShiftJIS, "utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	} {
		want := text
		if name != "gb18030" && name != "utf-16le" {
			want = "a世界x日!" // in all of them
		}
		raw, err := enc.NewEncoder().String(want)
		if err != nil {
			t.Fatal(name, err)
		}
		r, err := Compile(Spec{Encoding: name})
		if err != nil {
			t.Fatal(err)
		}
		for size := 2; size < len(raw); size++ {
			p, b := NewPipe(r), &Batch{}
			for i, n := 0, 1; i < len(raw); i, n = i+size, n+1 {
				end := min(i+size, len(raw))
				p.Add(In{Data: []byte(raw[i:end]), Pos: 100 + int64(i), Part: int32(n), Last: end == len(raw)}, b)
			}
			p.Add(In{Data: []byte(raw), Pos: 200}, b)
			if got := string(b.Data); got != want+want {
				t.Errorf("%s in parts of %d bytes: %q", name, size, got)
			}
		}
	}
}

// TestFiltersTakeALineAsOne: the parts of a line are kept together, or dropped.
func TestFiltersTakeALineAsOne(t *testing.T) {
	r, err := Compile(Spec{Include: []string{"ERROR"}, Exclude: []string{"noise"}})
	if err != nil {
		t.Fatal(err)
	}
	p, b := NewPipe(r), &Batch{}
	for i, line := range [][]string{{"ERROR a", "b noise", "c"}, {"INFO", "ERROR", "x"}, {"ERROR noise", "y"}} {
		for n, part := range line {
			p.Add(In{Data: []byte(part), Pos: int64(100*i + n), Part: int32(n + 1), Last: n == len(line)-1}, b)
		}
		p.Add(In{Data: []byte("ERROR |")}, b)
	}
	// A run that begins in the middle of a line goes by what it sees.
	p = NewPipe(r)
	p.Add(In{Data: []byte("ERROR of a rest "), Part: 7}, b)
	p.Add(In{Data: []byte("goes on"), Part: 8, Last: true}, b)
	if got, want := string(b.Data), "ERROR ab noisecERROR |ERROR |ERROR |ERROR of a rest goes on"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
