package filter

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"logctl/internal/testkit/ceiling"
)

func TestLiterals(t *testing.T) {
	for expression, want := range map[string][]string{
		`ERROR`:                       {"ERROR"},
		`[0-9]+ms timeout`:            {"ms timeout"},
		`(GET|POST) /api/v1/[a-z]+`:   {" /api/v1/"},
		`ERROR|WARN|FATAL`:            {"ERROR", "WARN", "FATAL"},
		`a|.*`:                        nil,
		`(?i)Timeout`:                 {"timeout/"},
		`(?i)socket`:                  {"oc/"}, // k and s have a third form
		`(abc){2,}x`:                  {"abc"},
		`(abc)*`:                      nil,
		`(abc)?de`:                    {"de"},
		`one|two|three|four|fiver`:    nil, // too many
		`^\d+$`:                       nil,
		"a\uFFFDbcd":                  {"bcd"},
		`(?i)é`:                       nil,
		`status=(5\d\d|429) .*host=x`: {"status="},
	} {
		var got []string
		for _, l := range literals(expression) {
			s := string(l.text)
			if l.fold {
				s += "/"
			}
			got = append(got, s)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
	}
}

// FuzzLiterals holds what the literals decide against what the expression alone does.
func FuzzLiterals(f *testing.F) {
	for _, expression := range []string{`(?i)error`, `a|b+c`, `(?i)kiss|moss`, `x{2,3}y`, `(?i)[A-C]d\.e`, "\uFFFD", `(?s)a.b`, `(?i)straße`} {
		for _, text := range []string{"", "ERRor", "xxy", "\u212AISS", "mo\u017Fſ", "a\nb", "\xffab", "eerroror", "Bd.E", "STRASSE"} {
			f.Add(expression, []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, expression string, text []byte) {
		ceiling.Within(t, 128<<20, func() {
			re, err := regexp.Compile(expression)
			if err != nil {
				return
			}
			e := expression1(t, expression)
			if got, want := e.match(text), re.Match(text); got != want {
				t.Errorf("%q on %q: %v, the expression says %v", expression, text, got, want)
			}
		})
	})
}

func expression1(t testing.TB, s string) *expression {
	t.Helper()
	list, err := expressions("test", []string{s})
	if err != nil {
		t.Fatal(err)
	}
	return &list[0]
}

// BenchmarkExpression looks for expressions without a literal head in lines that have no match.
func BenchmarkExpression(b *testing.B) {
	line := []byte(`000001234 203.0.113.7 - - [22/Nov/2026:18:31:04 +0000] "GET /api/v1/orders/77 HTTP/1.1" 200 3141 "-" "curl/8.14.1" abcdefghijklmnopqrstuvwx`)
	for _, s := range []string{`[0-9]+99999`, `(?i)error`, `(PUT|DELETE) /api/v2/`, `ERROR|FATAL`} {
		e := expression1(b, s)
		for name, match := range map[string]func([]byte) bool{"alone": e.Match, "literals": e.match} {
			b.Run(fmt.Sprintf("%s/%s", s, name), func(b *testing.B) {
				b.SetBytes(int64(len(line)))
				for b.Loop() {
					if match(line) {
						b.Fatal("matches")
					}
				}
			})
		}
	}
}
