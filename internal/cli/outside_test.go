package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"logctl/etcdcfg"
)

// hostile returns every control that a terminal may act on, and what hides or reorders
// text, each as a text somebody could put into a field.
func hostile() []string {
	var out []string
	for c := rune(0); c < 0x20; c++ {
		out = append(out, "a"+string(c)+"b")
	}
	for c := rune(0x7f); c <= 0x9f; c++ {
		out = append(out, "a"+string(c)+"b", "a"+string([]byte{byte(c)})+"b")
	}
	for _, c := range "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff" {
		out = append(out, "a"+string(c)+"b")
	}
	return append(out, "\x1b[31mshipping\x1b[0m", "\x1b]52;c;eA==\x07", "\x1b]8;;http://x\x1b\\x\x1b]8;;\x1b\\", "\x1bPq\x1b\\", "\x1b_x\x1b\\", "\x1b^x\x1b\\", "\u009b2J", "\u009d0;x\u009c", "x\r\nhealthy")
}

// dead fails when anything in the bytes for a terminal is alive but line ends and tabs.
func dead(t *testing.T, what, text string, bytes []byte) {
	t.Helper()
	for _, r := range string(bytes) {
		if r == '\n' || r == '\t' {
			continue
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			t.Fatalf("%s: %q reaches the terminal as %U in %q", what, text, r, bytes)
		}
	}
}

// Every control goes through every field of what commands print.
func TestNothingFromOutsideReachesATerminalAlive(t *testing.T) {
	for _, text := range hostile() {
		var b strings.Builder
		now := time.Now()
		s := &statusReport{At: now, Key: text, Etcd: serverStatus{OK: true, Error: text}, Kafka: serverStatus{Error: text},
			Agents:   []agentStatus{{ID: text, Host: text, Version: text, Reported: &now}},
			Entries:  []entryStatus{{Path: text, Topic: text, States: map[string]int{text: 1}}, {Path: text, States: map[string]int{text: 1, "idle": 2}}},
			Problems: []agentProblem{{Agent: text, Path: text, Topic: text, What: text}}}
		s.write(&b)
		dead(t, "status", text, []byte(b.String()))
		if n := strings.Count(b.String(), "\nhealthy"); n > 0 {
			t.Fatalf("a line of its own was forged: %q", b.String())
		}

		out := &bytes.Buffer{}
		a := newApp(Streams{In: strings.NewReader(""), Out: out, Err: out})
		e := etcdcfg.Entry{Path: text, Topic: text, From: text, Exclude: []string{text}, Encoding: text, IncludeLines: []string{text}, ExcludeLines: []string{text},
			Labels: map[string]string{text: text}, Multiline: &etcdcfg.Multiline{Start: text}}
		err := errors.Join(printEntries(out, []etcdcfg.Entry{e}),
			a.printHistory(text, []etcdcfg.Change{{Who: text, Note: text, Before: []byte(text), After: []byte("x")}, {Doubt: text, After: []byte(text)}}, "", true))
		if err != nil {
			t.Fatal(err)
		}
		_ = a.check(text, []byte("[{\"path\":\""+text+"\",\"topic\":\""+text+"\",\"topick\":1}]"), "table") // it is bad, and says so
		a.exitCode(newRootCmd(a), errors.New(text))
		dead(t, "entries, history, check and errors", text, out.Bytes())
	}
}
