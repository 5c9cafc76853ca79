package etcdcfg

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestValidateEntrySaysWhatToDo(t *testing.T) {
	ok := Entry{Path: "/var/log/**/*.log", Topic: "web_log"}
	with := func(edit func(*Entry)) Entry {
		e := ok.Clone()
		edit(&e)
		return e
	}
	path := func(p string) Entry { return with(func(e *Entry) { e.Path = p }) }
	topic := func(s string) Entry { return with(func(e *Entry) { e.Topic = s }) }
	for _, c := range []struct {
		e    Entry
		want string // "" for none
	}{
		{ok, ""},
		{path(`C:\logs\app.log`), ""},
		{path("d:/logs/*.log"), ""},
		{path(`\\server\share\a.log`), ""},
		{path("/data/日志/交易.log"), ""},
		{path(`/a/\[x\].log`), ""},
		{path(""), "path: is empty: write the full path of a file or a glob"},
		{path("var/log/a.log"), `path: "var/log/a.log" is not an absolute path: write it from the root, like "/var/log/app.log"`},
		{path("~/a.log"), `path: "~/a.log" is not an absolute path: write the home directory in full, ~ is not replaced`},
		{path("C:a.log"), `path: "C:a.log" is not an absolute path: write C:\\logs\\app.log or C:/logs/app.log`},
		{path("file:///a"), `path: "file:///a" is not an absolute path: write the path without file://`},
		{path("$HOME/a"), `path: "$HOME/a" is not an absolute path: write it in full, variables are not replaced`},
		{path("/a/b "), `path: has a space at its beginning or end: "/a/b ": remove it`},
		{path("/a/"), `path: "/a/" is a directory: name its files, for example "/a/*.log"`},
		{path("C:\\temp\new"), `path: contains a control character: "C:\\temp\new": a Windows path needs \\ or /`},
		{path("/a/[b.log"), `path: bad glob "/a/[b.log": a [ or { is not closed; write \[ or \{ for the character itself`},
		{path("/a\xff"), "path: is not UTF-8"},
		{topic(""), "topic: is empty: write the Kafka topic that the lines go to"},
		{topic(strings.Repeat("a", 249)), ""},
		{topic(strings.Repeat("a", 250)), "topic: the name has 250 characters, Kafka allows 249"},
		{topic(".."), `topic: ".." is not a legal topic name`},
		{topic("web log"), `topic: "web log" contains a space, which Kafka does not allow: use letters a-z, digits, dot, _ and -`},
		{topic("日志"), `topic: "日志" contains 日, which Kafka does not allow: use letters a-z, digits, dot, _ and -`},
		{topic("__consumer_offsets"), `topic: "__consumer_offsets" belongs to Kafka itself`},
		{with(func(e *Entry) { e.From = "start" }), `from: unknown start "start": use "end" or "beginning"`},
		{with(func(e *Entry) { e.Exclude = []string{"*.gz", "{a"} }), `exclude[1]: bad glob "{a": a [ or { is not closed; write \[ or \{ for the character itself`},
		{with(func(e *Entry) { e.Encoding = "GB18030" }), ""},
		{with(func(e *Entry) { e.Encoding = "utf-16" }), `encoding: unknown encoding "utf-16": say which: utf-16le (Windows) or utf-16be`},
		{with(func(e *Entry) { e.Encoding = "gb" }), `encoding: unknown encoding "gb": use gbk or gb18030`},
		{with(func(e *Entry) { e.Multiline = &Multiline{} }), `multiline: says nothing: write {"preset": "java"} or {"start": "regular expression"}, or remove it`},
		{with(func(e *Entry) { e.Multiline = &Multiline{Preset: "jav"} }), `multiline.preset: unknown preset "jav": the presets are dotnet, go, java, json, mysql, node, php, postgres, python, ruby`},
		{with(func(e *Entry) { e.Multiline = &Multiline{Preset: "go", End: "x"} }), "multiline: a preset and expressions are both given: keep one of them"},
		{with(func(e *Entry) { e.Multiline = &Multiline{Continue: "("} }), "multiline.continue: error parsing regexp: missing closing ): `(`: regular expressions are Go's (RE2)"},
		{with(func(e *Entry) { e.Multiline = &Multiline{End: "x", MaxLines: 20_000} }), "multiline.max_lines: 20000 lines are out of range: 1 to 10000"},
		{with(func(e *Entry) { e.Multiline = &Multiline{End: "x", MaxBytes: 5} }), "multiline.max_bytes: 5 bytes are out of range: 1024 to 1048576"},
		{with(func(e *Entry) { e.Multiline = &Multiline{End: "x", Timeout: time.Millisecond} }), "multiline.timeout: 1ms is out of range: 100ms to 1h"},
		{
			with(func(e *Entry) { e.IncludeLines = []string{"(?!x)"} }),
			"include_lines[0]: error parsing regexp: invalid or unsupported Perl syntax: `(?!`: regular expressions are Go's (RE2), they have no look-ahead, look-behind and back references",
		},
		{with(func(e *Entry) { e.ExcludeLines = []string{"a("} }), "exclude_lines[0]: error parsing regexp: missing closing ): `a(`: regular expressions are Go's (RE2)"},
		{with(func(e *Entry) { e.Labels = map[string]string{"": "x"} }), "labels: a label has no name: name it or remove it"},
	} {
		got := ""
		if err := ValidateEntry(c.e); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v\n got %q\nwant %q", c.e, got, c.want)
		}
	}
}

func TestValidateFindsDuplicates(t *testing.T) {
	list := []Entry{{Path: `C:\A.log`, Topic: "t"}, {Path: "/a", Topic: "t"}, {Path: "c:/a.log", Topic: "t"}, {Path: "/a", Topic: "u"}, {Path: "/A", Topic: "t"}}
	err := Validate(list)
	var le *ListError
	if !errors.As(err, &le) || len(le.Problems) != 1 || le.Problems[0].Entry != 2 {
		t.Fatalf("got %v", err)
	}
	if got, want := err.Error(), "entry 3: path: same path and topic as entry 1: remove one of them, every line would be sent twice"; got != want {
		t.Fatalf("got %s", got)
	}
	if err := Validate(list[:2]); err != nil {
		t.Fatal(err)
	}
}

func TestLookupEncodingDecodes(t *testing.T) {
	for name, text := range map[string]string{
		"gbk": "\xc8\xd5\xd6\xbe", "GB2312": "\xc8\xd5\xd6\xbe", "gb18030": "\xc8\xd5\xd6\xbe", "utf-16le": "\xe5\x65\xd7\x5f", "utf-16be": "\x65\xe5\x5f\xd7", "big5": "\xa4\xe9\xbb\x78",
	} {
		enc, err := LookupEncoding(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := enc.NewDecoder().String(text)
		if want := map[bool]string{true: "日誌", false: "日志"}[name == "big5"]; err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "utf-8", "UTF8", "unicode-1-1-utf-8"} {
		if enc, err := LookupEncoding(name); enc != nil || err != nil {
			t.Errorf("%q: %v, %v", name, enc, err)
		}
	}
	for _, name := range []string{"klingon", "replacement", "iso-2022-cn"} {
		if _, err := LookupEncoding(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestDiff(t *testing.T) {
	list := func(paths ...string) []byte {
		var e []Entry
		for _, p := range paths {
			e = append(e, Entry{Path: p, Topic: "t"})
		}
		return []byte(mustFormat(t, e))
	}
	line := func(p string) string { return fmt.Sprintf(`  {"path": %q, "topic": "t"}`, p) }
	got := Diff(list("/1", "/2", "/3", "/4", "/5", "/6", "/7"), list("/1", "/2", "/3", "/4", "/5", "/x", "/7", "/8"))
	want := " ...\n " + line("/3") + ",\n " + line("/4") + ",\n " + line("/5") + ",\n-" + line("/6") + ",\n+" + line("/x") + ",\n " + line("/7") + ",\n+" + line("/8") + "\n ]\n"
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	if got := Diff([]byte(`[{"path":"/a","topic":"t"}]`), []byte("[\n  {\"path\":\"/a\",\"topic\":\"t\"}\n]\n")); got != "" {
		t.Fatalf("layout alone: %q", got)
	}
	if got, want := Diff(nil, list("/a")), "+[\n+"+line("/a")+"\n+]\n"; got != want {
		t.Fatalf("from nothing: %q", got)
	}
	if got, want := Diff([]byte("[\nbroken,\n]"), []byte("[\nbroken\n]")), " [\n-broken,\n+broken\n ]\n"; got != want {
		t.Fatalf("texts that are no lists: %q", got)
	}
	big := make([]string, 3000)
	for i := range big {
		big[i] = fmt.Sprintf("/%d", i)
	}
	if got := Diff(list(big...), list("/a")); !strings.Contains(got, "-"+line("/0")) || !strings.Contains(got, "+"+line("/a")) {
		t.Fatal("a big diff misses lines")
	}
}

func TestWarningsNameMisspeltFields(t *testing.T) {
	got := Warnings([]byte("[{\"path\": \"/a\", \"topic\": \"t\", \"owner\": 1, \"exlude\": []},\n {\"path\": \"/b\", \"topic\": \"t\", \"includeLines\": [], \"tropic\": \"x\"}]"))
	var lines []string
	for _, p := range got {
		lines = append(lines, p.String())
	}
	want := []string{
		`line 1, column 43: entry 1: unknown field "exlude" has no effect: is "exclude" meant?`,
		`line 2, column 31: entry 2: unknown field "includeLines" has no effect: is "include_lines" meant?`,
		`line 2, column 51: entry 2: unknown field "tropic" has no effect: is "topic" meant?`,
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s", strings.Join(lines, "\n"))
	}
	if w := Warnings([]byte("[{]")); w != nil {
		t.Fatalf("warnings of a broken list: %v", w)
	}
}
