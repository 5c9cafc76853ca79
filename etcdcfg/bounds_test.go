package etcdcfg

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func listOf(t *testing.T, fields ...map[string]any) []byte {
	t.Helper()
	for i := range fields {
		if fields[i]["path"] == nil {
			fields[i]["path"] = fmt.Sprintf("/var/log/%d.log", i)
		}
		fields[i]["topic"] = "t"
	}
	text, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What exceeds a bound is refused with its place, and leaves the other entries usable.
func TestBoundsOfOneEntry(t *testing.T) {
	many := func(n int, s string) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(s, i))
		}
		return out
	}
	for name, c := range map[string]struct {
		entry map[string]any
		field string
		says  string
	}{
		"alternatives of a path":  {map[string]any{"path": "/" + strings.Repeat("{a,b}", 30)}, "path", "more than 256 alternatives"},
		"alternatives of exclude": {map[string]any{"exclude": []string{"/x", "/" + strings.Repeat("{a/b,c}", 30)}}, "exclude[1]", "more than 256 alternatives"},
		"length of a glob":        {map[string]any{"exclude": []string{"/" + strings.Repeat("a", 5000)}}, "exclude[0]", "more than 4096 bytes"},
		"number of globs":         {map[string]any{"exclude": many(257, "/%d")}, "exclude", "more than 256 values"},
		"number of expressions":   {map[string]any{"include_lines": many(300, "a%d")}, "include_lines", "more than 256 values"},
		"length of an expression": {map[string]any{"exclude_lines": []string{strings.Repeat("a", 5000)}}, "exclude_lines[0]", "5000 bytes"},
		"size of an expression":   {map[string]any{"include_lines": []string{"(abcdefghijklmnopqrst){1000}"}}, "include_lines[0]", "size of more than 10000"},
		"size of a class":         {map[string]any{"multiline": map[string]any{"start": strings.Repeat(`\pL`, 400)}}, "multiline.start", "size of more than 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := listOf(t, map[string]any{}, c.entry, map[string]any{})
			_, err := Check(raw)
			var list *ListError
			if !errors.As(err, &list) || len(list.Problems) != 1 {
				t.Fatalf("%v", err)
			}
			p := list.Problems[0]
			if !p.Bound || p.Entry != 1 || p.Field != c.field || p.Line < 5 || p.Column < 2 || !strings.Contains(p.Message, c.says) {
				t.Errorf("%+v", p)
			}
			entries, refused, err := Usable(raw)
			if err != nil || refused == nil || len(entries) != 2 || entries[1].Path != "/var/log/2.log" {
				t.Errorf("usable: %v, %v, %v", entries, refused, err)
			}
		})
	}
}

func TestBoundsOfAList(t *testing.T) {
	var large []map[string]any
	for i := range 60 { // each within its own bound
		large = append(large, map[string]any{"include_lines": []string{fmt.Sprintf("(abcde%d){1000}", 10+i)}})
	}
	entries, refused, err := Usable(listOf(t, large...))
	if err != nil || refused == nil || len(entries) < 40 || len(entries) > 55 || !strings.Contains(refused.Problems[0].Message, "together") {
		t.Errorf("%d entries, %v, %v", len(entries), refused, err)
	}
	same := make([]map[string]any, 200)
	for i := range same {
		same[i] = map[string]any{"include_lines": []string{"(abcdefg){1000}"}}
	}
	if entries, err := Parse(listOf(t, same...)); err != nil || len(entries) != 200 { // shared, so that they count once
		t.Errorf("%d entries, %v", len(entries), err)
	}
	one := "[" + strings.Repeat(`{"path":"/a","topic":"t"},`, MaxEntries) + `{"path":"/a","topic":"t"}]`
	_, err = Parse([]byte(one))
	var list *ListError
	if !errors.As(err, &list) || !strings.Contains(err.Error(), "more than 10000 entries") || list.Problems[0].Column < 200_000 {
		t.Errorf("%v", err)
	}
	if _, _, err := Usable([]byte(one)); err == nil {
		t.Error("a list of too many entries is usable")
	}
	if _, _, err := Usable([]byte(`[{"path":"relative","topic":"t"}]`)); err == nil {
		t.Error("a list that is wrong otherwise is usable")
	}
}

// The indentation of an entry is found without reading the line once more for each.
func TestLineStartsReadALineOnce(t *testing.T) {
	text := []byte("[\n  {},{},\n\t{}" + strings.Repeat(" ", 300) + "\n" + strings.Repeat(" ", 300) + "{}]")
	l := lineStarts{data: text}
	for _, c := range []struct {
		off  int
		want string
	}{{0, ""}, {4, "  "}, {7, ""}, {12, "\t"}, {len(text) - 3, ""}} {
		before := l.at
		if got := l.indentOf(c.off); got != c.want || l.at != c.off || l.at < before {
			t.Errorf("at %d: %q, want %q", c.off, got, c.want)
		}
	}
}
