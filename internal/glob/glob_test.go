package glob

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"logctl/internal/testkit/ceiling"
)

func TestExpansion(t *testing.T) {
	for pattern, want := range map[string][]string{
		"/a/*.log":            {"/a/*.log"},
		"/a/{b,c}/x":          {"/a/b/x", "/a/c/x"},
		"/{a,b{c,d}}/{e,}":    {"/a/e", "/a/", "/bc/e", "/bc/", "/bd/e", "/bd/"},
		`/a/\{b,c\}`:          {`/a/\{b,c\}`},
		"/a/[{,]b":            {"/a/[{,]b"},
		"/var/{log/a,tmp/**}": {"/var/log/a", "/var/tmp/**"},
		"/{a,a}":              {"/a"},
		"/日志/{交易,订单}.log":     {"/日志/交易.log", "/日志/订单.log"},
	} {
		g, err := Compile(pattern)
		if err != nil || !slices.Equal(g.Patterns(), want) {
			t.Errorf("%s: %v, %v", pattern, g, err)
		}
	}
}

// A pattern is refused by counting, before a single alternative is made.
func TestBounds(t *testing.T) {
	for name, c := range map[string]struct{ pattern, what string }{
		"too long":                              {"/" + strings.Repeat("a", MaxBytes), "bytes"},
		"alternatives multiply":                 {"/" + strings.Repeat("{a,b}", 9), "alternatives"},
		"alternatives of a list":                {"/{" + strings.Repeat("a,", 256) + "b}", "alternatives"},
		"a product of many":                     {"/" + strings.Repeat("{a,b,c,d,e,f,g,h}", 200), "alternatives"},
		"2^32, which is 0 in an int of 32 bits": {strings.Repeat("{a,b}", 20) + "{" + strings.Repeat("{a,b}", 12) + "}", "alternatives"},
		"bytes":                                 {"/" + strings.Repeat("a", 600) + strings.Repeat("{a,b}", 8), "bytes of alternatives"},
	} {
		_, err := Compile(c.pattern)
		var large *TooLargeError
		if !errors.As(err, &large) || large.What != c.what {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []string{"/{a", "/[a", "/{a,{b}"} {
		if _, err := Compile(p); !errors.Is(err, ErrBad) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if g, err := Compile("/" + strings.Repeat("{a,b}", 8)); err != nil || len(g.Patterns()) != 256 || g.Size() != 256*9 {
		t.Errorf("at the bound: %v", err)
	}
}

func TestBeneath(t *testing.T) {
	for _, c := range []struct {
		pattern, dir string
		want         bool
	}{
		{"/var/log/**", "/var", true}, {"/var/log/**", "/var/log/deep/er", true}, {"/var/log/**", "/var/lib", false}, {"/var/log/**", "/proc", false},
		{"/var/log/*.log", "/var/log", true}, {"/var/log/*.log", "/var/log/x", false}, {"/{a,b}/*/c", "/b/x", true}, {"/{a,b}/*/c", "/b/x/c", false},
		{"/var/log/**", "/", true}, {"/**/x.log", "/any/where", true},
	} {
		g, err := Compile(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Beneath(c.dir); got != c.want {
			t.Errorf("%s beneath %s: %v", c.pattern, c.dir, got)
		}
	}
}

// Two stars that braces part are no **: allow_paths would lead further than they say.
func TestStarsThatMeet(t *testing.T) {
	for pattern, want := range map[string]string{
		"/a/*{*}": "/a/*", "/a/{*}{*}/x": "/a/*/x", "/a/{b*,c}*": "/a/b* /a/c*", "/a/**": "/a/**", "/a/{**}/x": "/a/**/x",
		"/{**/,}x": "/**/x /x", `/a/\*{*}`: `/a/\**`, "/a/{**}*": "/a/*", "/a/*{}*": "/a/*", "/a/*{**/b,c}": "/a/*/b /a/*c",
	} {
		g, err := Compile(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := strings.Join(g.Patterns(), " "); got != want {
			t.Errorf("%s stands for %s, want %s", pattern, got, want)
		}
	}
	g, err := Compile("/var/log/*{*}")
	if err != nil || g.Match("/var/log/a/secret") || g.Beneath("/var/log/a") || !g.Match("/var/log/a") {
		t.Errorf("it matches further down, or not at all: %v", err)
	}
}

// What doublestar matches with its braces, the expansion matches too. Patterns are
// short, because doublestar has no bound, and have no empty alternative, which
// doublestar does not match behind a star at the end of a name.
func FuzzCompile(f *testing.F) {
	for _, s := range [][2]string{{"/a/{b,c}*", "/a/bx"}, {"/**/{x,y/z}", "/q/y/z"}, {"/[a-c]{,d}", "/b"}, {`/\{a`, "/{a"}, {"{{a,b},c}{d,{e,f}}", "be"}, {"*{*}", "/"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		ceiling.Within(t, 128<<20, func() {
			g, err := Compile(pattern)
			if err != nil {
				return
			}
			if len(g.Patterns()) > MaxAlternatives || g.Size() > MaxExpanded {
				t.Fatalf("%q: %d patterns, %d bytes", pattern, len(g.Patterns()), g.Size())
			}
			// Of bytes that are no UTF-8 doublestar takes each for any other.
			if path == "" || !utf8.ValidString(pattern) || !utf8.ValidString(path) || len(pattern) > 24 || len(path) > 24 || strings.Contains(pattern, "**") || strings.ContainsAny(pattern, "[\\") ||
				slices.ContainsFunc([]string{"{,", ",,", ",}", "{}"}, func(s string) bool { return strings.Contains(pattern, s) }) {
				_ = g.Match(path)
				return
			}
			want, err := doublestar.Match(pattern, path)
			if got := g.Match(path); err == nil && got != want {
				t.Fatalf("%q on %q: %v, doublestar %v, patterns %q", pattern, path, got, want, g.Patterns())
			}
		})
	})
}
