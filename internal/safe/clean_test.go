package safe

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text is kept", `GET /a?b=1 "x" \n`, `GET /a?b=1 "x" \n`},
		{"Chinese and emoji are kept", "日志 交易 👍 é", "日志 交易 👍 é"},
		{"colours", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"title and bell", "\x1b]0;mine\x07", `\x1b]0;mine\x07`},
		{"line ends and backspace", "a\r\nb\bc", `a\r\nb\bc`},
		{"tab", "a\tb", "a    b"},
		{"C1 controls", "a\u009bb\u0085", `a\x9bb\x85`},
		{"DEL and NUL", "\x7f\x00", `\x7f\x00`},
		{"not UTF-8", "a\xff\xfeb\xc3", `a\xff\xfeb\xc3`},
		{"overlong", "\xc0\xaf", `\xc0\xaf`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"bidi", "user\u202etxt.exe\u2066", `user\u202etxt.exe\u2066`},
		{"zero width", "a\u200bb\ufeffc\u200d\u2060", `a\u200bb\ufeffc\u200d\u2060`},
		{"line separators", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"skin tone and flags", "👍🏽🇩🇪", `👍\U0001f3fd\U0001f1e9\U0001f1ea`},
		{"variation selector", "❤️", "❤"},
		{"fillers", "a\u3164b\u115f", `a\u3164b\u115f`},
		{"many marks", "e\u0301\u0301\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301\u0301" + `\u0301\u0301`},
		{"tag characters", "a\U000e0041", `a\U000e0041`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := clean(c.in); got != c.want {
				t.Errorf("clean(%q)\n got %q\nwant %q", c.in, got, c.want)
			}
		})
	}
}

func TestCleanBytesCutsAtAWholeCharacter(t *testing.T) {
	text, more := CleanBytes([]byte("日志日志"), 7)
	if text != "日志" || !more {
		t.Errorf("got %q, more %v", text, more)
	}
	text, more = CleanBytes([]byte("short"), 7)
	if text != "short" || more {
		t.Errorf("got %q, more %v", text, more)
	}
	if text, _ = CleanBytes([]byte(strings.Repeat("\x80", 20)), 10); string(text) != strings.Repeat(`\x80`, 5) {
		t.Logf("only continuation bytes: %q", text)
	}
}

func TestCleanCostsNothingForPlainText(t *testing.T) {
	s := strings.Repeat("plain text ", 20)
	if n := testing.AllocsPerRun(100, func() { clean(s) }); n != 0 {
		t.Errorf("%v allocations for plain text", n)
	}
}
