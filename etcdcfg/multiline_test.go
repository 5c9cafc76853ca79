package etcdcfg

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMultilineShortForm writes and reads what forms, flags and lists show.
func TestMultilineShortForm(t *testing.T) {
	for _, tt := range []struct {
		m    *Multiline
		want string
	}{
		{nil, ""},
		{&Multiline{Start: `^\d`}, `^\d`},
		{&Multiline{Preset: "java"}, `{"preset": "java"}`},
		{&Multiline{Preset: "go", MaxLines: 5, MaxBytes: 2048, Timeout: 1500 * time.Millisecond}, `{"preset": "go", "max_lines": 5, "max_bytes": 2048, "timeout": "1.5s"}`},
		{&Multiline{Start: "^{", Continue: `^"`, End: `\\$`, Negate: true}, `{"start": "^{", "continue": "^\"", "end": "\\\\$", "negate": true}`},
	} {
		text := tt.m.String()
		if text != tt.want {
			t.Errorf("%+v: %s, want %s", tt.m, text, tt.want)
		}
		back, err := ParseMultiline(text)
		if err != nil || !back.equal(tt.m) {
			t.Errorf("%s read as %+v, %v", text, back, err)
		}
	}
	if m, err := ParseMultiline("java"); err != nil || m.Preset != "java" {
		t.Errorf("java: %+v, %v", m, err)
	}
	for text, want := range map[string]string{
		`{"preset": "java"`:      "} is missing",
		`{"preset": "go"} x`:     `text after the object: "x"`,
		`{"presset": "go"}`:      `unknown field "presset": the fields are preset, start`,
		`{"max_lines": "5"}`:     "must be a whole number above zero",
		`{"max_lines": 1.5}`:     "must be a whole number above zero",
		`{"timeout": "soon"}`:    `"soon" is no length of time`,
		`{"timeout": 5}`:         "must be a text in quotes",
		`{"negate": "yes"}`:      "must be true or false",
		`{"end": "a","end":"b"}`: "given twice",
	} {
		if _, err := ParseMultiline(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}

// TestMultilineIsEdited keeps what others wrote into the object and takes away what is
// not wanted any more.
func TestMultilineIsEdited(t *testing.T) {
	const text = `[{"path": "/a", "topic": "t", "multiline": {"end": "x", "note": 7, "max_lines": 50, "timeout": "3s"}}]`
	entries, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Multiline{End: "x", MaxLines: 50, Timeout: 3 * time.Second}, entries[0].Multiline); diff != "" {
		t.Fatal(diff)
	}
	same, err := Format(entries)
	if err != nil || flat(same) != text {
		t.Errorf("untouched: %s, %v", same, err)
	}
	entries[0].Multiline = &Multiline{Preset: "java", MaxLines: 60}
	got, err := Format(entries)
	want := `[{"path": "/a", "topic": "t", "multiline": {"note": 7, "max_lines": 60, "preset": "java"}}]`
	if err != nil || flat(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// flat is a list of one entry on one line.
func flat(list []byte) string {
	return strings.ReplaceAll(strings.ReplaceAll(string(list), "\n  ", ""), "\n", "")
}
