package etcdcfg

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"logctl/internal/testkit/ceiling"
)

var ignoreSource = cmpopts.IgnoreUnexported(Entry{})

func mustParse(t testing.TB, text string) []Entry {
	t.Helper()
	entries, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return entries
}

func TestParseReadsEveryField(t *testing.T) {
	got := mustParse(t, `[
	  {"path": "C:\\logs\\*.log", "topic": "web_log", "from": "beginning", "exclude": ["*.gz", "/a/**/b"],
	   "encoding": "gbk", "multiline": {"start": "^\\d", "max": 5}, "include_lines": ["a|b"], "exclude_lines": ["DEBUG"],
	   "labels": {"team": "支付", "x": ""}, "disabled": true, "poll": true, "owner": {"id": 12345678901234567890}},
	  {"path": "/data/日志/交易.log", "topic": "t", "exclude": null, "labels": null}
	]`)
	want := []Entry{
		{
			Path: `C:\logs\*.log`, Topic: "web_log", From: "beginning", Exclude: []string{"*.gz", "/a/**/b"},
			Encoding: "gbk", Multiline: &Multiline{Start: `^\d`}, IncludeLines: []string{"a|b"}, ExcludeLines: []string{"DEBUG"},
			Labels: map[string]string{"team": "支付", "x": ""}, Disabled: true, Poll: true,
		},
		{Path: "/data/日志/交易.log", Topic: "t"},
	}
	if diff := cmp.Diff(want, got, ignoreSource); diff != "" {
		t.Fatal(diff)
	}
	if n := len(mustParse(t, " [ ] \r\n")); n != 0 {
		t.Fatalf("%d entries in an empty list", n)
	}
}

// TestParseNamesTheLikelyCause has one text per way in which lists get broken, and
// what is said about it, in full.
func TestParseNamesTheLikelyCause(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{
			"the list of the lesson: Windows paths and trailing commas",
			"[\n  {\"path\": \"D:/ok.log\", \"topic\": \"a\",},\n  {\"path\": \"D:\\programs\\kafka\\nginx.log\", \"topic\": \"web_log\"},\n]",
			[]string{
				"line 2, column 37: entry 1: trailing comma before }: remove the comma",
				`line 3, column 15: entry 2: invalid escape \p: a Windows path needs \\ or /: "D:\\programs\\kafka\\nginx.log"`,
				"line 3, column 62: entry 2: trailing comma before ]: remove the comma",
			},
		},
		{
			"backslashes that happen to be escapes", `[{"path": "C:\temp\new.log", "topic": "a"}]`,
			[]string{`line 1, column 11: entry 1: path: contains a control character: "C:\temp\new.log": a Windows path needs \\ or /`},
		},
		{
			"a backslash before the quote", "[{\"path\": \"D:\\\", \"topic\": \"a\"}]",
			[]string{`line 1, column 14: entry 1: \" does not end a text: a Windows path needs \\ or /`},
		},
		{"empty text", "", []string{"line 1, column 1: the list is empty text: write [] for no entries"}},
		{"white space", " \n\t", []string{"line 2, column 2: the list is empty text: write [] for no entries"}},
		{"not JSON", "hello", []string{`line 1, column 1: this is not a JSON list, it begins with h: it looks like [{"path": "/var/log/app.log", "topic": "app_log"}]`}},
		{"a single entry", `{"path": "/a", "topic": "b"}`, []string{"line 1, column 1: the list begins with { instead of [: put the entries in [ ]"}},
		{
			"byte order mark", "\ufeff[]",
			[]string{"line 1, column 1: the list begins with a byte order mark: save it as UTF-8 without BOM"},
		},
		{"UTF-16", "[\x00]\x00", []string{"line 1, column 1: the list is UTF-16: save it as UTF-8"}},
		{"GBK", "[{\"path\": \"/\xc8\xd5.log\", \"topic\": \"a\"}]", []string{"line 1, column 13: entry 1: byte 0xC8 is not UTF-8: save the list as UTF-8; it may be GBK"}},
		{
			"full-width punctuation", `[{"path"："/日志/a.log"，"topic": “a”}]`,
			[]string{
				"line 1, column 9: entry 1: full-width ：: type : in the English input mode",
				"line 1, column 21: entry 1: full-width ，: type , in the English input mode",
				"line 1, column 31: entry 1: “ as a quote: write \"",
			},
		},
		{
			"single quotes and bare names", `[{'path': '/a', topic: "b"}]`,
			[]string{
				`line 1, column 3: entry 1: ' as a quote: write "`,
				`line 1, column 11: entry 1: ' as a quote: write "`,
				`line 1, column 17: entry 1: a field name without quotes: write "topic"`,
			},
		},
		{"bare text", `[{"path": /a/b.log, "topic": "b"}]`, []string{"line 1, column 11: entry 1: unexpected /: a text needs quotes"}},
		{"bare word", `[{"path": C:\a.log, "topic": b}]`, []string{
			"line 1, column 11: entry 1: unknown word C: a text needs quotes",
			"line 1, column 30: entry 1: unknown word b: a text needs quotes",
		}},
		{"comment", "[ // mine\n {\"path\": \"/a\", \"topic\": \"b\"}]", []string{`line 1, column 3: a comment, which JSON does not have: remove it; to switch an entry off write "disabled": true`}},
		{"Python words", `[{"path": "/a", "topic": "b", "disabled": True}]`, []string{"line 1, column 43: entry 1: unknown word True: write true"}},
		{"missing comma", "[{\"path\": \"/a\" \"topic\": \"b\"}\n{\"path\": \"/c\", \"topic\": \"d\"}]", []string{
			`line 1, column 16: entry 1: a comma is missing before "`,
			`line 2, column 1: entry 1: a comma is missing before {`,
		}},
		{"not closed", `[{"path": "/a", "topic": "b"}`, []string{"line 1, column 30: entry 1: the text ends here, ] is missing"}},
		{"text not closed", "[{\"path\": \"/a, \n\"topic\": \"b\"}]", []string{
			`line 1, column 11: entry 1: the text is not closed on its line: a " is missing, or a \ stands before it`,
			`line 2, column 1: entry 1: a comma is missing before "`,
		}},
		{"two lists", "[]\n[]", []string{"line 2, column 1: text after the end of the list, beginning with ["}},
		{"wrong types", `["x", {"path": 5, "topic": ["b"], "disabled": "yes", "exclude": "*.gz", "labels": {"n": 1}, "multiline": "^"}]`, []string{
			`line 1, column 2: entry 1: an entry must be an object, this is a text: write {"path": "...", "topic": "..."}`,
			"line 1, column 16: entry 2: path: must be a text in quotes, is a number",
			"line 1, column 28: entry 2: topic: must be a text in quotes, is a list",
			"line 1, column 47: entry 2: disabled: must be true or false, is a text: without quotes",
			`line 1, column 65: entry 2: exclude: must be a list of texts, is a text: write ["...", "..."]`,
			"line 1, column 89: entry 2: labels.n: must be a text in quotes, is a number",
			`line 1, column 106: entry 2: multiline: must be an object, is a text: write {"start": "regular expression"}`,
		}},
		{"spelling and twice", `[{"Path": "/a", "topic": "b", "topic": "c"}]`, []string{
			`line 1, column 3: entry 1: unknown field "Path": write "path"`,
			"line 1, column 31: entry 1: topic: the field is given twice: remove one",
		}},
		{"missing fields", `[{}, {"path": "/a", "topic": null}]`, []string{
			"line 1, column 2: entry 1: path: is empty: write the full path of a file or a glob",
			"line 1, column 2: entry 1: topic: is empty: write the Kafka topic that the lines go to",
			"line 1, column 30: entry 2: topic: is empty: write the Kafka topic that the lines go to",
		}},
		{"duplicates", "[{\"path\": \"/a\", \"topic\": \"b\"},\n {\"path\": \"/x/../a\", \"topic\": \"b\"}]", []string{
			"line 2, column 11: entry 2: path: same path and topic as entry 1: remove one of them, every line would be sent twice",
		}},
		{"nested", strings.Repeat("[", 1000), []string{"line 1, column 202: entry 1: nested more than 200 levels deep"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, err := Parse([]byte(c.text))
			var list *ListError
			if !errors.As(err, &list) || entries != nil {
				t.Fatalf("got %v, %v", entries, err)
			}
			var got []string
			for _, p := range list.Problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestListErrorNamesTheFirstAndCountsTheRest(t *testing.T) {
	_, err := Parse([]byte("[\n{\"path\": \"/a\", \"topic\": \"b\",},]"))
	if got, want := fmt.Sprint(err), "line 2, column 28: entry 1: trailing comma before }: remove the comma (and 1 more problem)"; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	_, err = Parse([]byte("[" + strings.Repeat("{},", 5000) + "{}]"))
	var list *ListError
	if !errors.As(err, &list) || len(list.Problems) > maxProblems+2 {
		t.Fatalf("problems are not bounded: %v", err)
	}
}

// seeds of the fuzz targets: good, broken and strange lists.
var seeds = []string{
	`[]`, ``, `[{"path":"/a","topic":"b"}]`, `[{"path":"C:\\x\\*.log","topic":"b","z":1e9999}]`,
	"[\n  {\n    \"path\": \"/a\",\n    \"topic\": \"b\",\n    \"n\": 12345678901234567890.000\n  }\n]\n",
	`[{"path":"D:\p\n.log","topic":"b",},]`, `[{'path':'/a'，"topic"：“b”}]`, `[{"path":"/a","topic":"\ud83d\ude00"}]`,
	`[{"path":"/a","topic":"b","labels":{"k":"v","k2":"\u00e9"},"multiline":{"start":"^x","max":1}}]`,
	`[{"path":"/a","topic":"b"} // x`, "[{\"path\":\"\xff\"}]", `[[[[{}]]]]`, `{"a":`, `[{"":"","path":null}]`,
}

// FuzzParse checks that Parse accepts nothing but JSON, refuses no well-formed
// list for its syntax, never panics, and gives each problem a place in the text.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ceiling.Within(t, 128<<20, func() {
			entries, err := Parse(data)
			if err == nil {
				if !json.Valid(data) {
					t.Fatalf("accepted, and is not JSON: %q", data)
				}
				text, err := Format(entries)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Parse(text)
				if err != nil {
					t.Fatalf("what was formatted does not parse: %v\n%s", err, text)
				}
				if diff := cmp.Diff(entries, again, ignoreSource); diff != "" {
					t.Fatal(diff)
				}
				return
			}
			var list *ListError
			if !errors.As(err, &list) || len(list.Problems) == 0 {
				t.Fatalf("error %v", err)
			}
			lines := strings.Count(string(data), "\n") + 1
			for _, p := range list.Problems {
				if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
					t.Fatalf("problem %+v of %q", p, data)
				}
			}
			s := &scanner{data: data, entry: -1}
			if s.list(); len(s.problems) > 0 && json.Valid(data) && data[0] != '{' && strings.ContainsRune("[ \t\r\n", rune(data[0])) {
				var any []json.RawMessage
				if json.Unmarshal(data, &any) == nil && !strings.Contains(s.problems[0].Message, "UTF-8") && !strings.Contains(s.problems[0].Message, "nested") {
					t.Fatalf("a JSON list was refused: %q: %v", data, s.problems[0])
				}
			}
		})
	})
}
