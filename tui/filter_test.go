package tui

import "testing"

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		filter, text string
		want         bool
	}{
		{"timeout", "upstream TimeOut", true},
		{"Timeout", "upstream timeout", false},
		{"Timeout", "upstream Timeout", true},
		{"!timeout", "upstream TIMEOUT", false},
		{"!timeout", "fine", true},
		{"err|warn", "a WARN b", true},
		{`status=5\d\d`, "status=503", true},
		{`\S+@\S+`, "MAIL a@b", true},
		{"日志", "一个日志文件", true},
		{"a.c", "abc", true},
		{"a\\.c", "abc", false},
		{"", "anything", true},
		{"!", "anything", true},
	} {
		f := mustFilter(t, c.filter)
		if got := f.matchString(c.text); got != c.want {
			t.Errorf("filter %q on %q: %v", c.filter, c.text, got)
		}
	}
}

func TestFilterRefusesABadExpression(t *testing.T) {
	for _, bad := range []string{"(", "a[", "*", `\`} {
		_, err := parseFilter(bad)
		if err == nil {
			t.Errorf("filter %q is accepted", bad)
		}
	}
}

func TestFilterSpans(t *testing.T) {
	got := mustFilter(t, "ab").spans("xABxab")
	if len(got) != 2 || got[0][0] != 1 || got[1][1] != 6 {
		t.Errorf("spans %v", got)
	}
	if got := mustFilter(t, "!ab").spans("ab"); got != nil {
		t.Errorf("an inverse filter highlights %v", got)
	}
}

func BenchmarkFilterLiteral(b *testing.B) { benchFilter(b, "timed out") }
func BenchmarkFilterRegexp(b *testing.B)  { benchFilter(b, `" 50\d `) }

func benchFilter(b *testing.B, text string) {
	f := mustFilter(b, text)
	line := []byte(`10.0.0.7 - - [22/Nov/2026:18:31:04 +0000] "GET /index.html?x=1 HTTP/1.1" 200 5120 "-" "Mozilla/5.0 (X11; Linux x86_64)"`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		f.match(line)
	}
}
