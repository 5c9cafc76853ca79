package format

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"logctl/consumer"
	"logctl/internal/safe"
	"logctl/internal/testkit/ceiling"
)

func sample() *Record {
	r := &consumer.Record{Topic: "app", Partition: 3, Offset: 42, Time: time.UnixMilli(1_764_000_000_123),
		Key: []byte("k"), Value: []byte("a\x1b[31mred\r\nline\x00 \xff é 中"), Headers: []consumer.Header{{Key: "host", Value: []byte("web")}, {Key: "n"}}}
	return &Record{Record: r, Key: r.Key, Value: r.Value}
}

func render(t *testing.T, p Printer, err error, r *Record) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(p.Flush(p.Append(nil, r)))
}

func TestPrinters(t *testing.T) {
	null := sample()
	null.Key, null.Value = nil, nil
	for _, tc := range []struct {
		name string
		o    Options
		r    *Record
		want string
	}{
		{"text", Options{}, sample(), "p3 42 2025-11-24T16:00:00.123 k a\x1b[31mred\r\nline\x00 \xff é 中\n"},
		{"text", Options{Escape: true, Topic: true, Headers: true}, sample(),
			`app/p3 42 2025-11-24T16:00:00.123 k {host=web n=null} a\x1b[31mred\r\nline\x00 \xff é 中` + "\n"},
		{"text", Options{}, null, "p3 42 2025-11-24T16:00:00.123 - null\n"},
		{"raw", Options{}, sample(), "a\x1b[31mred\r\nline\x00 \xff é 中\n"},
		{"raw", Options{Separator: "\x00"}, sample(), "a\x1b[31mred\r\nline\x00 \xff é 中\x00"},
		{"raw", Options{Escape: true}, sample(), `a\x1b[31mred\r` + "\nline" + `\x00 \xff é 中` + "\n"},
		{"json", Options{}, sample(), `{"topic":"app","partition":3,"offset":42,"timestamp":1764000000123,"time":"2025-11-24T16:00:00.123Z",` +
			`"key":"k","value_b64":"YRtbMzFtcmVkDQpsaW5lACD/IMOpIOS4rQ==","headers":[{"key":"host","value":"web"},{"key":"n","value":null}]}` + "\n"},
		{"json", Options{}, null, `{"topic":"app","partition":3,"offset":42,"timestamp":1764000000123,"time":"2025-11-24T16:00:00.123Z",` +
			`"key":null,"value":null,"headers":[{"key":"host","value":"web"},{"key":"n","value":null}]}` + "\n"},
		{"table", Options{}, sample(), "PARTITION  OFFSET  TIME                     KEY  VALUE\n" +
			`3          42      2025-11-24T16:00:00.123  k    a\x1b[31mred\r\nline\x00 \xff é 中` + "\n"},
	} {
		tc.o.Location = time.UTC
		p, err := New(tc.name, tc.o)
		if diff := cmp.Diff(tc.want, render(t, p, err, tc.r)); diff != "" {
			t.Errorf("%s %+v (-want +got):\n%s", tc.name, tc.o, diff)
		}
	}
	if _, err := New("xml", Options{}); err == nil {
		t.Error("xml is accepted")
	}
}

func TestColors(t *testing.T) {
	r := sample()
	r.Value = []byte("an error and an ERROR")
	p, err := New("text", Options{Color: true, Location: time.UTC, Highlight: []*regexp.Regexp{regexp.MustCompile("(?i)error"), regexp.MustCompile("r and")}})
	got := render(t, p, err, r)
	want := "\x1b[35mp3\x1b[0m 42 \x1b[2m2025-11-24T16:00:00.123\x1b[0m \x1b[36mk\x1b[0m an " +
		colorMatch + "error" + colorReset + colorMatch + " and" + colorReset + " an " + colorMatch + "ERROR" + colorReset + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, tc := range []struct {
		mode, env string
		tty, want bool
	}{
		{"auto", "", true, true}, {"auto", "", false, false}, {"auto", "NO_COLOR=yes", true, false}, {"auto", "NO_COLOR=0", true, false},
		{"auto", "CLICOLOR_FORCE=1", false, true}, {"auto", "CLICOLOR_FORCE=0", false, false}, {"auto", "TERM=dumb", true, false},
		{"always", "NO_COLOR=1", false, true}, {"never", "CLICOLOR_FORCE=1", true, false},
	} {
		name, value, _ := strings.Cut(tc.env, "=")
		got, err := ParseColor(tc.mode, tc.tty, func(s string) string {
			if s == name {
				return value
			}
			return ""
		})
		if err != nil || got != tc.want {
			t.Errorf("%+v gives %v, %v", tc, got, err)
		}
	}
	if _, err := ParseColor("blue", true, func(string) string { return "" }); err == nil {
		t.Error("blue is accepted")
	}
}

func TestTemplate(t *testing.T) {
	r := sample()
	r.Value = []byte(`v "1"`)
	for in, want := range map[string]string{
		`%t/%p@%o %k=%v\n`:                   "app/3@42 k=v \"1\"\n",
		`%s|%S|%V|%K|%T|%d|%H|%i|%%`:         `v "1"|5|5|1|1764000000123|1764000000123|2|1|%`,
		`%d{go[2006-01-02 15:04:05.000]}`:    "2025-11-24 16:00:00.123",
		`%d{strftime[%F %T.%L %a %j %s %Q]}`: "2025-11-24 16:00:00.123 Mon 328 1764000000 %Q",
		`%d{rfc3339} %d{unix} %d{ms}`:        "2025-11-24T16:00:00.123Z 1764000000 1764000000123",
		`%k{hex} %k{base64} %v{json}`:        `6b aw== "v \"1\""`,
		`%h{<%k=%v:%V>}%h`:                   "<host=web:3><n=:-1> host=web n=",
		`\t\x41\0\e\\%{x%}`:                  "\tA\x00\x1b\\{x}",
		``:                                   "",
	} {
		p, err := NewTemplate(in, Options{Location: time.UTC})
		if diff := cmp.Diff(want, render(t, p, err, r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
	for _, in := range []string{"%", "%y", `\`, `\q`, `\x4`, "%v{hex", "%v{xml}", "%d{go}", "%h{%o}"} {
		if _, err := NewTemplate(in, Options{}); err == nil {
			t.Errorf("%q is accepted", in)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte("k"), []byte("v\x1b\xff\u2028"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		ceiling.Within(t, 128<<20, func() {
			r := sample()
			r.Key, r.Value = key, value
			p, err := New("json", Options{})
			line := render(t, p, err, r)
			var out map[string]any
			if err := json.Unmarshal([]byte(line), &out); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if s, ok := out["value"].(string); ok && s != string(value) {
				t.Fatalf("%q came back as %q", value, s)
			}
			if strings.Count(line, "\n") != 1 {
				t.Fatalf("%q has several lines", line)
			}
		})
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add(`%t %h{%k=%v} %d{go[15:04]}`)
	f.Fuzz(func(t *testing.T, s string) {
		ceiling.Within(t, 128<<20, func() {
			if p, err := NewTemplate(s, Options{Escape: true}); err == nil {
				p.Append(nil, sample())
			}
		})
	})
}

func FuzzEscape(f *testing.F) {
	f.Add([]byte("\x1b]0;x\x07\u202e\xc2\x9b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ceiling.Within(t, 128<<20, func() {
			for _, c := range string(safe.Append(nil, b, false)) {
				if c < 0x20 && c != '\t' || c == 0x7f || safe.Alive(c) {
					t.Fatalf("%q lets %U through", b, c)
				}
			}
		})
	})
}

func TestRecordsWithoutATime(t *testing.T) {
	r := sample()
	r.Record.Time = time.Time{}
	p, err := NewTemplate("%d %d{unix} %d{rfc3339} %d{go[2006]} %d{strftime[%Y]}", Options{Location: time.UTC})
	if got := render(t, p, err, r); got != "-1 -1 - - -" {
		t.Errorf("got %q", got)
	}
}

// What reorders text is shown by its number in JSON too, and nothing runs together
// when no separator is wanted but the records.
func TestReorderedTextAndNoSeparator(t *testing.T) {
	r := sample()
	r.Key, r.Value = []byte("k\u202e"), []byte("{\"a\":\"\u2066é中\ufeff\"}")
	p, err := New("json", Options{Location: time.UTC})
	want := `"key":"k\u202e","value":"{\"a\":\"\u2066é中\ufeff\"}"`
	if got := render(t, p, err, r); !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.ValueJSON = true
	if got := render(t, p, err, r); !strings.Contains(got, `"value":{"a":"\u2066é中\ufeff"}`) {
		t.Errorf("decoded: %q", got)
	}
	p, err = New("raw", Options{Joined: true})
	if got := render(t, p, err, r) + render(t, p, err, r); strings.Contains(got, "\n") {
		t.Errorf("got %q", got)
	}
}

// JSON may have control characters that terminals obey, in strings.
func TestDecodedJSONHasNoControlCharacters(t *testing.T) {
	r := sample()
	r.Value, r.ValueJSON = []byte("{\n \"a\": \"x\u009b31m\u007f é 中\"}"), true
	p, err := New("json", Options{Location: time.UTC})
	got := render(t, p, err, r)
	if strings.ContainsAny(got, "\u009b\u007f") || !strings.Contains(got, `"value":{ "a": "x\u009b31m\u007f é 中"}`) {
		t.Errorf("got %q", got)
	}
	var back struct{ Value map[string]string }
	if err := json.Unmarshal([]byte(got), &back); err != nil || back.Value["a"] != "x\u009b31m\u007f é 中" {
		t.Errorf("it is another value: %q, %v", back.Value["a"], err)
	}
}

// A decoder passes on a string whose bytes are no UTF-8; what is printed as JSON is.
func TestJSONIsValidUTF8(t *testing.T) {
	p, err := New("json", Options{Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	bad := []byte("\xff\xfe\xc3")
	for _, r := range []*Record{
		{Record: &consumer.Record{}, Value: []byte(`{"a":"` + string(bad) + `"}`), ValueJSON: true},
		{Record: &consumer.Record{}, Key: bad, Value: bad},
		{Record: &consumer.Record{Topic: string(bad), Headers: []consumer.Header{{Key: string(bad), Value: bad}}}},
	} {
		if out := p.Append(nil, r); !utf8.Valid(out) || !json.Valid(out) {
			t.Errorf("%q", out)
		}
	}
}

func TestTextShowsTheZone(t *testing.T) {
	p, err := New("text", Options{Location: time.FixedZone("x", 3600), Zone: true})
	if err != nil {
		t.Fatal(err)
	}
	r := &Record{Record: &consumer.Record{Time: time.Date(2026, 11, 22, 17, 0, 0, 5e6, time.UTC)}, Value: []byte("v")}
	if got, want := string(p.Append(nil, r)), "p0 0 2026-11-22T18:00:00.005+01:00 - v\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
