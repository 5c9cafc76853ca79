package transform

import (
	"encoding/json"
	"fmt"
	"logctl/etcdcfg"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"logctl/internal/testkit/ceiling"
)

// through feeds lines to a pipe and returns what leaves, each as position, source and text.
func through(t *testing.T, s Spec, flush bool, lines ...string) (events []string, b *Batch) {
	t.Helper()
	r, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPipe(r)
	b = &Batch{}
	pos := int64(0)
	for _, l := range lines {
		p.Add(In{Data: []byte(l), Pos: pos}, b)
		pos += int64(len(l)) + 1
	}
	if flush {
		p.Flush(b)
	}
	last := int64(-1)
	for _, e := range b.Events {
		if e.Pos <= last {
			t.Errorf("an event at %d leaves behind one at %d", e.Pos, last)
		}
		last = e.Pos
		events = append(events, strings.Trim(e.Source.String()+" "+string(b.Data[e.Start:e.End]), " "))
	}
	return events, b
}

const at = "2026-11-30T06:54:20.123456789+01:00 "

func TestCRI(t *testing.T) {
	lines := []string{
		at + "stdout F one",
		at + "stdout P two ",
		at + "stderr F error",
		at + "stdout P and ",
		at + "stdout F a half",
		at + "stderr F ",
		"not of a runtime",
		at + "stdout F:x tagged",
		at + "stdout F crlf\r",
		at + "stderr P cut off",
	}
	got, b := through(t, Spec{Format: "cri"}, false, lines...)
	want := []string{"stdout one", "stdout two and a half", "stderr error", "stderr", "not of a runtime", "stdout tagged", "stdout crlf"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b.Unparsed != 1 {
		t.Errorf("%d lines are in no format, want 1", b.Unparsed)
	}
	wantAt, _ := time.Parse(time.RFC3339Nano, strings.TrimSpace(at))
	if got := b.Events[0].Millis; got != wantAt.UnixMilli() {
		t.Errorf("time %d", got)
	}
	if got, _ := through(t, Spec{Format: "cri"}, true, lines...); got[len(got)-1] != "stderr cut off" {
		t.Errorf("the last piece: %q", got)
	}
}

func TestDocker(t *testing.T) {
	line := func(log, stream string) string {
		data, err := json.Marshal(map[string]string{"log": log, "stream": stream, "time": strings.TrimSpace(at)})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, tt := range []struct {
		format string
		lines  []string
		want   []string
	}{
		{"docker", []string{line("one\n", "stdout"), line("\"q\" \\ <é>\u2028\t\n", "stderr"), line("\n", "stdout"), line("cr\r\n", "stdout")},
			[]string{"stdout one", "stderr \"q\" \\ <é>\u2028\t", "stdout", "stdout cr"}},
		{"docker", []string{line("a", "stdout"), line("x\n", "stderr"), line("b\\", "stdout"), line("c\n", "stdout")},
			[]string{`stdout ab\c`, "stderr x"}},
		{"docker", []string{`{"log":"l\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-30T06:54:20Z"}`, `{"time":"2026-11-30T06:54:20Z","log":"m\n"}`},
			[]string{"stdout l", "m"}},
		{"docker", []string{`{"log":"x\n"}`, `{"level":"info"}`, `{"log":"no end`, "plain"}, []string{`{"log":"x\n"}`, `{"level":"info"}`, `{"log":"no end`, "plain"}},
		{"auto", []string{line("one\n", "stdout"), at + "stderr F two", "three"}, []string{"stdout one", "stderr two", "three"}},
	} {
		got, _ := through(t, Spec{Format: tt.format}, false, tt.lines...)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %q:\n%s", tt.format, tt.lines, diff)
		}
	}
}

// TestContainerTraces joins a trace on stderr that lines on stdout stand between.
func TestContainerTraces(t *testing.T) {
	got, _ := through(t, Spec{Format: "cri", Join: Join{Preset: "java"}}, true,
		at+"stderr F 2026-11-30 ERROR failed",
		at+"stdout F 2026-11-30 GET /a",
		at+"stderr F x.y.BadException: no",
		at+"stdout F 2026-11-30 GET /b",
		at+"stderr P \tat x.y",
		at+"stdout F 2026-11-30 GET /c",
		at+"stderr F .z(Z.java:1)",
		at+"stderr F 2026-11-30 INFO on",
	)
	want := []string{
		"stderr 2026-11-30 ERROR failed\nx.y.BadException: no\n\tat x.y.z(Z.java:1)",
		"stdout 2026-11-30 GET /a", "stdout 2026-11-30 GET /b", "stdout 2026-11-30 GET /c", "stderr 2026-11-30 INFO on",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWaitingIsBounded has one stream end in the middle of a line while the other goes on.
func TestWaitingIsBounded(t *testing.T) {
	r, err := Compile(Spec{Format: "cri"})
	if err != nil {
		t.Fatal(err)
	}
	p, b := NewPipe(r), &Batch{}
	p.Add(In{Data: []byte(at + "stdout P half"), Pos: 0}, b)
	for i := range 5000 {
		p.Add(In{Data: []byte(at + fmt.Sprint("stderr F ", i)), Pos: int64(100 * (i + 1))}, b)
		if n := len(p.lanes.queue); n > maxWaiting+1 {
			t.Fatalf("%d events wait", n)
		}
	}
	if len(b.Events) != 5001 {
		t.Errorf("%d events left", len(b.Events))
	}
	big := strings.Repeat("x", 16<<10)
	for i := range 200 {
		p.Add(In{Data: []byte(at + "stdout P " + big), Pos: int64(1_000_000 + i)}, b)
		if p.lanes.bytes > maxWaitingBytes {
			t.Fatalf("%d bytes wait", p.lanes.bytes)
		}
	}
}

func FuzzContainer(f *testing.F) {
	f.Add(at+"stdout P a\n"+at+"stderr F b\n"+at+"stdout F c", uint8(0), uint8(0))
	f.Add(`{"log":"a\n","stream":"stdout","time":"2026-11-30T06:54:20Z"}`, uint8(1), uint8(3))
	formats, joins := []string{"cri", "docker", "auto"}, append(etcdcfg.MultilinePresets(), "")
	f.Fuzz(func(t *testing.T, text string, format, join uint8) {
		ceiling.Within(t, 128<<20, func() {
			got, b := through(t, Spec{Format: formats[int(format)%3], Join: Join{Preset: joins[int(join)%len(joins)]}}, true, strings.Split(text, "\n")...)
			if len(b.Data) > len(text) {
				t.Fatalf("%d bytes of %d: %q", len(b.Data), len(text), got)
			}
		})
	})
}

// FuzzDocker compares the quick reader of a line with the library's.
func FuzzDocker(f *testing.F) {
	f.Add([]byte(`{"log":"a\u003c\n","stream":"stdout","time":"2026-11-30T06:54:20Z"}`))
	f.Add([]byte(`{"log":"a\\","stream":"stderr","time":"2026-11-30T06:54:20.5Z"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		ceiling.Within(t, 128<<20, func() {
			quick, ok := dockerPlain(line, &clock{})
			if !ok || !utf8.Valid(line) { // bytes that are no text stay as they are
				return
			}
			var v struct{ Log, Stream, Time string }
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatalf("%q is read and is no JSON: %v", line, err)
			}
			want := envelope{source: sourceOf([]byte(v.Stream))}
			want.take([]byte(v.Log))
			if string(quick.text) != string(want.text) || quick.more != want.more || quick.source != want.source {
				t.Fatalf("%q: %+v, want %+v", line, quick, want)
			}
		})
	})
}

// BenchmarkContainer is the cost of a line in each format, in bytes of the file.
func BenchmarkContainer(b *testing.B) {
	text := strings.Repeat("x", 100)
	for _, format := range []string{"cri", "docker"} {
		line := []byte(at + "stdout F " + text)
		if format == "docker" {
			line = []byte(`{"log":"` + text + `\n","stream":"stdout","time":"2026-11-30T06:54:20.123456789Z"}`)
		}
		b.Run(format, func(b *testing.B) {
			r, err := Compile(Spec{Format: format})
			if err != nil {
				b.Fatal(err)
			}
			p, out := NewPipe(r), &Batch{}
			b.SetBytes(int64(len(line)) + 1)
			b.ReportAllocs()
			for b.Loop() {
				p.Add(In{Data: line}, out)
				if len(out.Events) == 1000 {
					out.Reset()
				}
			}
		})
	}
}

// FuzzClock compares with the library's reader of times.
func FuzzClock(f *testing.F) {
	f.Add("2026-11-30T06:54:20.123456789+01:00", "2026-11-30T06:54:20Z")
	f.Add("2026-11-30T06:54:20.1Z", "1969-01-01T00:00:00Z")
	f.Add("2026-11-30T06:54:20.0,0+00:00", "2026-11-30T06:54:20,5Z")
	f.Fuzz(func(t *testing.T, one, two string) {
		ceiling.Within(t, 128<<20, func() {
			c := &clock{}
			for _, text := range []string{one, two, one} {
				got, ok := c.millis([]byte(text))
				want, err := time.Parse(time.RFC3339Nano, text)
				if ok && (err != nil || want.UnixMilli() != got) {
					t.Fatalf("%q: %d, want %d, %v", text, got, want.UnixMilli(), err)
				}
			}
		})
	})
}
