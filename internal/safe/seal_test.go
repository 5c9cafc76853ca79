package safe

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"logctl/internal/testkit/ceiling"
)

func TestSealLetsOnlyItsOwnStylesThrough(t *testing.T) {
	s, other := NewSeal(), NewSeal()
	for _, c := range []struct{ name, in, want string }{
		{"own style", s.Style("\x1b[1;32m") + "shipping" + s.Style("\x1b[m"), "\x1b[1;32mshipping\x1b[m"},
		{"style from outside", "\x1b[32mshipping\x1b[m", `\x1b[32mshipping\x1b[m`},
		{"style of another program", other.Style("\x1b[32m") + "x", strings.ReplaceAll(other.Style("\x1b[32m"), "\x1b", `\x1b`) + "x"},
		{"clipboard", "\x1b]52;c;eA==\x07", `\x1b]52;c;eA==\x07`},
		{"own style without its end", s.Style("\x1b[32"), ""},
		{"sequence that is no style", s.Style("\x1b[2J"), "J"},
		{"line break", "a\nb", `a\nb`},
		{"mark over two styles", "e" + s.Style("\x1b[1m") + "\u0301", "e\x1b[1m\u0301"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(s.Line(c.in))
			if c.want == "" || c.want == "J" { // digits may be left as text
				if strings.Contains(got, "\x1b") {
					t.Fatalf("%q", got)
				}
				return
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

type evil struct{}

func (evil) String() string { return "\x1b[31m" }

func TestSprintfCleansEveryArgument(t *testing.T) {
	got := Sprintf("%s|%v|%q|%5d|%-*s|%v|%s|%.1f\n", "\x1b]0;x\x07", evil{}, "\u202e", 7, 4, "a", fmt.Errorf("bad: %s", "\u009b2J"), Text("kept\n"), 1.25)
	want := `\x1b]0;x\x07|\x1b[31m|"\u202e"|    7|a   |bad: \x9b2J|kept` + "\n|1.2\n"
	if string(got) != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	var b strings.Builder
	if _, err := Fprintf(&b, "%v\n", []string{"a\nb", "\x9b"}); err != nil || b.String() != `[a\nb \x9b]`+"\n" {
		t.Errorf("%q %v", b.String(), err)
	}
}

// JSON keeps its meaning, and holds nothing that a terminal obeys.
func FuzzAppendJSON(f *testing.F) {
	for _, s := range []string{"", "\u0085", "a\u202eb", "\x7f", "\xff", "日志\n\t\"\\", "\x1b[2J"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ceiling.Within(t, 128<<20, func() {
			for _, indent := range []string{"", "  "} {
				text, err := json.MarshalIndent(map[string]string{s: s}, "", indent)
				if err != nil {
					t.Fatal(err)
				}
				out := AppendJSON(nil, text)
				var a, b map[string]string
				if err := json.Unmarshal(text, &a); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(out, &b); err != nil {
					t.Fatalf("%v: %q", err, out)
				}
				for k, v := range a {
					if b[k] != v {
						t.Fatalf("%q became %q", a, b)
					}
				}
				for _, r := range string(out) {
					if r < 0x20 && r != '\n' && r != '\t' || Alive(r) || r == 0x7f {
						t.Fatalf("%U is left in %q", r, out)
					}
				}
			}
		})
	})
}
