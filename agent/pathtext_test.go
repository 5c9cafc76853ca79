package agent

import (
	"testing"
	"unicode/utf8"
)

// TestPathText has names that are not UTF-8: they must not share a header.
func TestPathText(t *testing.T) {
	seen := map[string]string{}
	for path, want := range map[string]string{
		"/var/log/app.log":       "/var/log/app.log",
		"/var/log/日志.log":        "/var/log/日志.log",
		"/l/a\xff.log":           `/l/a\xff.log`,
		"/l/a\xfe.log":           `/l/a\xfe.log`,
		`/l/a\xff.log`:           `/l/a\\xff.log`,
		"/l/a\\\xff.log":         `/l/a\\\xff.log`,
		"/l/\uFFFD.log":          "/l/\uFFFD.log",
		`C:\xfade\app.log`:       `C:\xfade\app.log`,
		`/l/plain\backslash.log`: `/l/plain\backslash.log`,
	} {
		got := pathText(path)
		if got != want || !utf8.ValidString(got) {
			t.Errorf("pathText(%q) = %q, want %q", path, got, want)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both %q", path, other, got)
		}
		seen[got] = path
	}
}
