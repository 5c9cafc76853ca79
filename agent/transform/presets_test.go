package transform

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"logctl/etcdcfg"
	"logctl/internal/testkit/ceiling"
)

// TestPresets joins what real programs printed; the files begin each expected event at
// the line numbers given.
//
// The programs: OpenJDK 17 with java.util.logging, CPython 3.11, Go 1.26 with net/http,
// Node 20, Ruby 3.1, PHP 8.2, PostgreSQL 15, MariaDB 10.11. The dotnet lines follow
// Microsoft's pages; no runtime was at hand.
func TestPresets(t *testing.T) {
	beginAt := map[string][]int{
		"dotnet":   {1, 2, 8, 10},
		"go":       {1, 2, 18, 19},
		"java":     {1, 3, 23, 25, 36},
		"json":     {1, 13, 14, 20, 21},
		"mysql":    {1, 4, 15, 27, 33},
		"node":     {1, 2, 17, 18, 33, 34, 61, 62},
		"php":      {1, 2, 3, 4, 15, 16},
		"postgres": {1, 3, 5, 7, 9, 11, 16, 21, 30},
		"python":   {1, 2, 19, 20, 37, 38, 48},
		"ruby":     {1, 2, 5, 6},
	}
	for preset, want := range beginAt {
		t.Run(preset, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "traces", preset+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
			events := joined(t, Join{Preset: preset}, lines...)
			var got []int
			at := 1
			for _, e := range events {
				got = append(got, at)
				at += strings.Count(e, "\n") + 1
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events begin elsewhere:\n%s", diff)
			}
			if strings.Join(events, "\n") != strings.Join(lines, "\n") {
				t.Error("the lines are not all there, as they were")
			}
		})
	}
	if diff := cmp.Diff(etcdcfg.MultilinePresets(), slices.Sorted(maps.Keys(presets()))); diff != "" {
		t.Errorf("a list names other presets:\n%s", diff)
	}
}

// joined are the events of the lines, with the last one flushed.
func joined(t *testing.T, j Join, lines ...string) (events []string) {
	t.Helper()
	r, err := Compile(Spec{Join: j})
	if err != nil {
		t.Fatal(err)
	}
	p, b := NewPipe(r), &Batch{}
	pos := int64(0)
	for _, l := range lines {
		p.Add(In{Data: []byte(l), Pos: pos}, b)
		pos += int64(len(l)) + 1
	}
	p.Flush(b)
	next := int64(0)
	for _, e := range b.Events {
		if e.Pos != next {
			t.Fatalf("an event begins at %d, the one before it ended at %d", e.Pos, next)
		}
		next += int64(e.End-e.Start) + 1
		events = append(events, string(b.Data[e.Start:e.End]))
	}
	return events
}

func TestExpressionsJoin(t *testing.T) {
	const d = "a|b|  c|d;|e|f;|g"
	for _, tt := range []struct {
		name string
		join Join
		want string // events between bars, lines between commas
	}{
		{"start", Join{Start: "^[a-z]"}, "a|b,  c|d;|e|f;|g"},
		{"not start", Join{Start: "^ ", Negate: true}, "a|b,  c|d;|e|f;|g"},
		{"continue", Join{Continue: "^ "}, "a|b,  c|d;|e|f;|g"},
		{"end", Join{End: ";$"}, "a,b,  c,d;|e,f;|g"},
		{"not end", Join{End: "^[a-c ]", Negate: true}, "a,b,  c,d;|e|f;|g"},
		{"start and end", Join{Start: "^b|^f", End: ";$"}, "a|b,  c,d;|e|f;|g"},
		{"start and continue", Join{Start: "^a", Continue: "^[b ]"}, "a,b,  c|d;|e|f;|g"},
		{"continue and end", Join{Continue: "^[bc ]", End: ";$"}, "a,b,  c,d;|e,f;|g"},
		{"lines", Join{Start: "^a", MaxLines: 3}, "a,b,  c|d;,e,f;|g"},
	} {
		got := joined(t, tt.join, strings.Split(d, "|")...)
		text := strings.ReplaceAll(strings.Join(got, "|"), "\n", ",")
		if text != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, text, tt.want)
		}
	}
	if got := joined(t, Join{Start: "^a", MaxBytes: 10}, "a1234", "b234", "c"); len(got) != 2 || got[0] != "a1234\nb234" {
		t.Errorf("at most 10 bytes: %q", got)
	}
}

// FuzzJoin has every line come out once, in order, whatever the lines are.
func FuzzJoin(f *testing.F) {
	f.Add("Traceback (most recent call last):\n  x\nE: y\n\n\nz", uint8(8))
	f.Add("panic: x\n\ngoroutine 1 [running]:\nmain.f()\n\t/x.go:1", uint8(1))
	names := etcdcfg.MultilinePresets()
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		ceiling.Within(t, 128<<20, func() {
			lines := strings.Split(text, "\n")
			got := joined(t, Join{Preset: names[int(which)%len(names)], MaxLines: 5}, lines...)
			for _, e := range got {
				if n := strings.Count(e, "\n") + 1; n > 5 {
					t.Fatalf("an event of %d lines", n)
				}
			}
			if strings.Join(got, "\n") != text {
				t.Fatalf("%q became %q", text, got)
			}
		})
	})
}
