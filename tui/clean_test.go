package tui

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"logctl/internal/testkit/ceiling"
)

// harmless reports what in s a terminal would act on.
func harmless(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Fatalf("not UTF-8: %q", s)
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			t.Fatalf("%U is left in %q", r, s)
		}
	}
	if ansi.Strip(s) != s {
		t.Fatalf("an escape sequence is left in %q", s)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31m", "a\tb\r\n", "\xff\xfe", "日志\u202e", "👍🏽", "e\u0301\u0301", "\u009b31m", "\xc2\x1b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ceiling.Within(t, 128<<20, func() {
			out := clean(s)
			harmless(t, out)
			if again := clean(out); again != out {
				t.Fatalf("cleaning twice changes %q to %q", out, again)
			}
			for _, w := range []int{1, 2, 7, 40} {
				for name, got := range map[string]string{"fit": fit(out, w), "fitRight": fitRight(out, w), "fitPath": fitPath(out, w)} {
					if n := ansi.StringWidth(got); n != w {
						t.Fatalf("%s(%q, %d) is %d cells wide: %q", name, out, w, n, got)
					}
				}
				for _, l := range wrapText(out, max(w, 2)) {
					if n := ansi.StringWidth(l); n > max(w, 2) {
						t.Fatalf("wrapText(%q, %d): %q is %d cells wide", out, w, l, n)
					}
				}
			}
		})
	})
}
