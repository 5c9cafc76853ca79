package etcdcfg

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"logctl/internal/testkit/ceiling"
)

func mustFormat(t testing.TB, entries []Entry) string {
	t.Helper()
	text, err := Format(entries)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFormatLaysOutNewEntries(t *testing.T) {
	got := mustFormat(t, []Entry{
		{Path: `C:\a<b>.log`, Topic: "t"},
		{
			Path: "/日志", Topic: "u", From: FromEnd, Exclude: []string{"a", "b"}, Encoding: "gbk", Multiline: &Multiline{Start: "^a"},
			IncludeLines: []string{"x"}, ExcludeLines: []string{"y"}, Labels: map[string]string{"z": "1", "a": "2"}, Disabled: true, Poll: true,
		},
	})
	want := `[
  {"path": "C:\\a<b>.log", "topic": "t"},
  {"path": "/日志", "topic": "u", "from": "end", "exclude": ["a", "b"], "encoding": "gbk", "multiline": {"start": "^a"}, ` +
		`"include_lines": ["x"], "exclude_lines": ["y"], "labels": {"a": "2", "z": "1"}, "disabled": true, "poll": true}
]`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if got := mustFormat(t, nil); got != "[]" {
		t.Fatalf("no entries: %q", got)
	}
}

// TestFormatTouchesOnlyWhatWasEdited edits one entry of lists in several layouts.
func TestFormatTouchesOnlyWhatWasEdited(t *testing.T) {
	const odd = `{ "owner":{"id":12345678901234567890,"x":1.0e+2} ,"topic" :"web","path":"/a\u002elog",  "labels":{"b":"1","a":"2"}, "multiline":{"max":5,"start":"x"}}`
	for _, c := range []struct {
		name, before, after string
		edit                func(e []Entry) []Entry
	}{
		{
			"nothing", "[\n  " + odd + ",\n  {\"path\":\"/b\",\"topic\":\"c\"}\n]", "[\n  " + odd + ",\n  {\"path\":\"/b\",\"topic\":\"c\"}\n]",
			func(e []Entry) []Entry { return e },
		},
		{
			"topic of the first", "[" + odd + ", {\"path\":\"/b\",\"topic\":\"c\"}]",
			"[\n  " + strings.Replace(odd, `"web"`, `"new"`, 1) + ",\n  {\"path\":\"/b\",\"topic\":\"c\"}\n]",
			func(e []Entry) []Entry { e[0].Topic = "new"; return e },
		},
		{
			"inside of nested objects", "[" + odd + "]",
			"[\n  " + strings.NewReplacer(`{"b":"1","a":"2"}`, `{"a":"3","c":"4"}`, `"start":"x"`, `"start":"y"`).Replace(odd) + "\n]",
			func(e []Entry) []Entry {
				e[0].Labels = map[string]string{"a": "3", "c": "4"}
				e[0].Multiline = &Multiline{Start: "y"}
				return e
			},
		},
		{
			"reorder and remove", "[\n  {\"path\":\"/a\",\"topic\":\"1\"},\n  {\"path\":\"/b\",\"topic\":\"2\"},\n  {\"path\":\"/c\",\"topic\":\"3\"}\n]",
			"[\n  {\"path\":\"/c\",\"topic\":\"3\"},\n  {\"path\":\"/a\",\"topic\":\"1\"}\n]",
			func(e []Entry) []Entry { return []Entry{e[2], e[0]} },
		},
		{
			"fields on lines: add, remove the first and the last, add an entry",
			"[\n    {\n        \"disabled\": true,\n        \"path\": \"/a\",\n        \"topic\": \"t\",\n        \"from\": \"end\"\n    }\n]\n",
			"[\n    {\n        \"path\": \"/a\",\n        \"topic\": \"t\",\n        \"encoding\": \"gbk\"\n    },\n    {\n        \"path\": \"/b\",\n        \"topic\": \"u\"\n    }\n]",
			func(e []Entry) []Entry {
				e[0].Disabled, e[0].From, e[0].Encoding = false, "", "gbk"
				return append(e, Entry{Path: "/b", Topic: "u"})
			},
		},
		{
			"a null becomes a value", `[{"path":"/a","topic":"t","labels":null,"exclude":null}]`,
			"[\n  {\"path\":\"/a\",\"topic\":\"t\",\"labels\":{\"a\": \"b\"},\"exclude\":null}\n]",
			func(e []Entry) []Entry { e[0].Labels = map[string]string{"a": "b"}; return e },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustFormat(t, c.edit(mustParse(t, c.before)))
			if diff := cmp.Diff(c.after, got); diff != "" {
				t.Fatal(diff)
			}
			if again := mustFormat(t, mustParse(t, got)); again != got {
				t.Fatalf("not stable:\n%s\n%s", got, again)
			}
		})
	}
}

// FuzzEdit changes known fields of any list that parses and checks that the edit
// is what is read back and that unknown fields stay.
func FuzzEdit(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint16(i*37), "/new.log", "label")
	}
	f.Fuzz(func(t *testing.T, data []byte, what uint16, path, label string) {
		ceiling.Within(t, 128<<20, func() {
			entries, err := Parse(data)
			if err != nil || len(entries) == 0 {
				return
			}
			e := entries[int(what)%len(entries)].Clone()
			for bit, edit := range []func(){
				func() { e.Path = path },
				func() { e.From = FromBeginning },
				func() { e.From = "" },
				func() { e.Exclude = append(e.Exclude, "*.gz") },
				func() { e.Multiline = &Multiline{Start: "^x"} },
				func() { e.Multiline = nil },
				func() { e.Labels = map[string]string{label: path} },
				func() { e.Labels = nil },
				func() { e.Disabled = !e.Disabled },
				func() { e.IncludeLines, e.ExcludeLines = nil, []string{"a"} },
				func() { e.Encoding = "" },
			} {
				if what>>bit&1 == 1 {
					edit()
				}
			}
			entries[int(what)%len(entries)] = e
			if Validate(entries) != nil {
				return
			}
			text, err := Format(entries)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(fmt.Sprintf("%+v", plain(entries)), fmt.Sprintf("%+v", plain(again))); diff != "" {
				t.Fatalf("%s\n%s", diff, text)
			}
		})
	})
}

// plain returns the known fields only, with nothing told apart that means the same.
func plain(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		start := "none"
		if e.Multiline != nil {
			start = e.Multiline.Start
		}
		out = append(out, fmt.Sprintf("%q %q %q %q %q %q %q %q %q %v %v", e.Path, e.Topic, e.From, e.Exclude, e.Encoding, start,
			e.IncludeLines, e.ExcludeLines, e.Labels, e.Disabled, e.Poll))
	}
	return out
}
