//go:build !windows

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"github.com/twmb/franz-go/pkg/kgo"

	"logctl/agent/report"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// evils are texts with everything that a terminal would act on, or that hides or
// reorders text, each short enough to stand in a cell of a table.
func evils() []string {
	out := []string{
		"EVIL\x1b[666mred", "EVIL\x1b]52;c;RVZJTA==EVIL\x07clip", "EVIL\x1b]8;;http://EVIL\x1b\\link", "EVIL\x1bPqEVIL\x1b\\dcs",
		"EVIL\x1b_EVIL\x1b\\apc", "EVIL\x1b^EVIL\x1b\\pm", "EVIL\x1bXEVIL\x1b\\sos", "EVIL\u009b666mcsi8", "EVIL\u009d52;c;EVIL\u009costring",
		"EVIL\x1bc\x1b7\x1b8reset", "EVIL\x1b[6n\x1b[5iasks", "EVIL\r\nfake: healthy", "EVIL\u202edesrever\u202c", "EVIL\u2066\u2067\u2068\u2069iso",
		"EVIL\u200b\u200e\u200f\u061c\ufeff\u2028\u2029zero", "EVIL\x9b666m\x9d52;EVIL\x9craw",
	}
	for first := rune(0); first < 0xa0; first += 8 { // C0, DEL and C1
		text := "EVIL"
		for c := first; c < first+8; c++ {
			if c < 0x20 || c >= 0x7f {
				text += string(c)
			}
		}
		if text != "EVIL" {
			out = append(out, text)
		}
	}
	return out
}

// forged fills every text of a value, in all that it holds, with text.
func forged(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		forged(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		forged(v.Index(0), text)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Now().UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				forged(v.Field(i), text)
			}
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// haunt puts every text into every field of what commands read: presences and what
// stands beside them, the history, reports and records of a topic, the list.
func haunt(t *testing.T, w *world, reports, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	put := func(key, value string) {
		t.Helper()
		if _, err := w.store.Put(ctx, key, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_, _ = w.store.Delete(ctx, key) // the servers may be gone
		})
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var list []map[string]any
	var records []*kgo.Record
	for i, text := range evils() {
		list = append(list, map[string]any{"path": "/" + text, "topic": topic, "x-" + text: text, "labels": map[string]string{"k": text}})
		p := etcdcfg.Presence{}
		forged(reflect.ValueOf(&p).Elem(), text)
		p.CollectKey = w.key
		agent := etcdcfg.AgentsPrefix + w.key + text
		put(agent, asJSON(t, p))
		put(agent+"/+instance/1", text)
		put(agent+"/+instance/2", text)
		put(agent+"/+member", asJSON(t, map[string]any{"host": text, "version": text, "collect_key": w.key}))
		put(agent+"x/+member", asJSON(t, map[string]any{"host": text, "version": text, "collect_key": w.key}))
		put(agent+"y/+expected", asJSON(t, map[string]any{"who": text, "when": time.Now(), "collect_key": w.key}))
		put(etcdcfg.HistoryPrefix+w.key+"/"+string(rune('1'+i%9))+strings.Repeat("0", i/9+1),
			asJSON(t, map[string]any{"who": text, "note": text, "when": time.Now(), "before": text, "after": "[\n" + text + "\n]"}))
		r := report.Report{}
		forged(reflect.ValueOf(&r).Elem(), text)
		r.CollectKey = w.key
		records = append(records, &kgo.Record{Topic: reports, Key: []byte(text), Value: []byte(asJSON(t, r))},
			&kgo.Record{Topic: topic, Key: []byte(text), Value: []byte(text), Headers: []kgo.RecordHeader{{Key: text, Value: []byte(text)}}})
	}
	w.putRaw(asJSON(t, list))
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// stream is what came out of a terminal's other end.
type stream struct {
	mu sync.Mutex
	b  []byte
}

func (s *stream) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.b...)
}

func (s *stream) len() int { return len(s.bytes()) }

// onTerminal starts the binary on a terminal of its own. end waits for the process, and
// for everything that it wrote.
func onTerminal(t *testing.T, env []string, args ...string) (keys *os.File, out *stream, end func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "HOME="+t.TempDir()), env...)
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 60, Cols: 220})
	if err != nil {
		t.Fatal(err)
	}
	out = &stream{}
	var reading sync.WaitGroup
	reading.Go(func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := file.Read(buf)
			out.mu.Lock()
			out.b = append(out.b, buf[:n]...)
			out.mu.Unlock()
			if err != nil { // EIO: the other end was closed
				return
			}
		}
	})
	var once sync.Once
	end = func() {
		once.Do(func() {
			_ = cmd.Wait() // many of these end with an error on purpose
			reading.Wait()
			_ = file.Close()
		})
	}
	t.Cleanup(func() { cancel(); end() })
	return file, out, end
}

// harmless fails when something in a terminal's byte stream acts on it that the program
// did not mean: plain says that the program means nothing but lines.
func harmless(t *testing.T, what string, b []byte, plain bool) {
	t.Helper()
	if !utf8.Valid(b) {
		t.Errorf("%s: bytes that are no UTF-8: %.300q", what, b)
	}
	for _, r := range string(b) {
		if r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			t.Errorf("%s: %U reaches the terminal", what, r)
			return
		}
	}
	state := byte(0)
	for rest := b; len(rest) > 0; {
		seq, _, n, next := ansi.DecodeSequence(rest, state, nil)
		text := string(seq)
		switch {
		case len(text) == 1 && text[0] < 0x20 && !strings.Contains("\r\n\t", text) && (plain || text != "\b"),
			len(text) > 1 && text[0] == 0x1b && (plain || strings.Contains(text, "EVIL") || strings.Contains(text, "666") || strings.Contains(text, "RVZJTA")):
			t.Errorf("%s: %q reaches the terminal: %.100q", what, text, rest)
			return
		}
		rest, state = rest[n:], next
	}
}

// Everything that others can write is read through every command on a real terminal:
// nothing of it acts there.
func TestNothingOfOthersActsOnATerminal(t *testing.T) {
	w := newWorld(t)
	reports, topic := w.kafka.Topic(t, 1), w.kafka.Topic(t, 1)
	haunt(t, w, reports, topic)
	env := []string{"NO_COLOR=1", "LOGCTL_AGENT_REPORT_TOPIC=" + reports}
	run := func(t *testing.T, want string, env []string, args ...string) {
		t.Helper()
		flags := w.flags()
		if args[0] == "tail-topic" { // where --key is that of records
			flags = flags[:2]
		}
		_, out, end := onTerminal(t, env, append(args, flags...)...)
		end()
		b := out.bytes()
		if !strings.Contains(string(b), want) {
			t.Errorf("%v: no %q in %.600q", args, want, b)
		}
		harmless(t, strings.Join(args, " "), b, true)
		data := slices.Contains(args, "raw") || slices.Contains(args, "-f") // where the lines of a value are lines
		if !data && regexp.MustCompile(`(?m)^fake: healthy`).Match(b) {
			t.Errorf("%v: a line was forged", args)
		}
	}
	for _, args := range [][]string{
		{"status"}, {"status", "-o", "json"}, {"status", "-o", "check"},
		{"entries", "list"}, {"entries", "list", "-o", "json"}, {"entries", "check"}, {"entries", "history"}, {"entries", "history", "--diff"}, {"entries", "history", "-o", "json"},
		{"tail-topic", topic, "--from", "oldest", "--no-follow", "--headers"}, {"tail-topic", topic, "--from", "oldest", "--no-follow", "-o", "json"},
		{"tail-topic", topic, "--from", "oldest", "--no-follow", "-o", "table", "--headers"}, {"tail-topic", topic, "--from", "oldest", "--no-follow", "-f", `%k %v %h\n`},
		{"tail-topic", topic, "--from", "oldest", "--no-follow", "-o", "raw"}, {"tail-topic", reports, "--from", "oldest", "--no-follow", "-d", "json"},
		{"doctor"}, {"doctor", "-o", "json"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) { run(t, "EVIL", env, args...) })
	}
	t.Run("settings and errors", func(t *testing.T) {
		for _, text := range evils() {
			if strings.Contains(text, "\x00") {
				text = strings.ReplaceAll(text, "\x00", "") // no argument and no variable can hold it
			}
			run(t, "EVIL", append(env, "LOGCTL_AGENT_HOST="+text, "LOGCTL_AGENT_ALLOW_PATHS=/"+text), "agent", "--print-config")
			run(t, "logctl: ", env, "entries", "add", "/"+text, text)
			run(t, "EVIL", env, "tail-topic", text, "--from", text)
			run(t, "EVIL", env, text)
			run(t, "EVIL", env, "agent", "--config", "/"+text)
		}
	})
}

// The console shows all of it on every screen, and nothing of it acts on the terminal.
func TestNothingOfOthersActsOnTheConsolesTerminal(t *testing.T) {
	w := newWorld(t)
	reports, topic := w.kafka.Topic(t, 1), w.kafka.Topic(t, 1)
	haunt(t, w, reports, topic)
	keys, out, end := onTerminal(t, []string{"LOGCTL_AGENT_REPORT_TOPIC=" + reports}, append([]string{"tui", "--read-only"}, w.flags()...)...)
	testkit.Eventually(t, "the console shows what others wrote", func() bool { return strings.Count(string(out.bytes()), "EVIL") > 3 })
	const esc = "\x1b[27u" // a bare ESC and the key behind it would be one key with Alt
	for _, key := range []string{"2", "jjjjj\r", esc, "1", "!", esc, "H", "jjjj", esc, "3", "1", "?"} {
		before := out.len()
		if _, err := keys.WriteString(key); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the console answers "+key, func() bool { return out.len() > before })
	}
	if _, err := keys.WriteString("\x03\x03"); err != nil {
		t.Fatal(err)
	}
	end()
	harmless(t, "tui", out.bytes(), false)
}
