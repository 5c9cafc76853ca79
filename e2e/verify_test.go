package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/internal/verify"
)

// proved checks what was delivered with the program's own means, as an operator would:
// nothing of the files that are here is missing, altered or out of order, and nothing came
// twice.
func (w *world) proved() {
	w.t.Helper()
	p, out := w.verify("--all", "--content", "--grace", "1ns")
	if p.code != 0 {
		w.t.Errorf("logctl verify: exit code %d: %s", p.code, p.err.String())
	}
	for _, v := range out {
		if v.Bad() || v.Disorder > 0 || v.Repeats > 0 && !w.bounded {
			w.t.Errorf("logctl verify: %+v", v)
		}
	}
}

// verify runs logctl verify and returns what it says.
func (w *world) verify(args ...string) (*process, []verify.Verdict) {
	w.t.Helper()
	p := start(w.t, []string{"LOGCTL_AGENT_DATA_DIR=" + w.data}, append(append([]string{"verify", "-o", "json"}, args...), w.flags()...)...)
	p.wait()
	var out struct{ Files []verify.Verdict }
	if err := json.Unmarshal([]byte(p.out.String()), &out); err != nil {
		w.t.Fatalf("logctl verify: %v: %s %s", err, p.out.String(), p.err.String())
	}
	return p, out.Files
}

// TestVerify is the proof of the proof: it sees what is missing and what was altered.
func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(1000)
	a.rotate(".1")
	a.lines(1000)
	w.clean(newCounter(l), topic)
	w.proved()
	agent.stop()
	w.proved()
	a.lines(10) // nobody ships them
	p, out := w.verify("--all", "--grace", "1ns")
	missing := 0
	for _, v := range out {
		for _, h := range v.Missing {
			missing += int(h.Lines)
		}
	}
	if p.code != 1 || missing != 10 {
		t.Errorf("exit code %d, %d lines missing, want 1 and 10: %+v", p.code, missing, out)
	}
	// The next reports tell consoles of it.
	kept, err := os.ReadFile(filepath.Join(w.data, "verified.json"))
	if !strings.Contains(string(kept), `"missing":10`) {
		t.Errorf("kept for the console: %s, %v", kept, err)
	}
	data, err := os.ReadFile(a.path + ".1")
	w.must(err)
	data[len(data)/2] ^= 1
	w.must(os.WriteFile(a.path+".1", data, 0o644))
	if p, out = w.verify(a.path, "--content"); p.code != 1 || len(out) != 2 || len(out[0].Altered)+len(out[1].Altered) != 1 {
		t.Errorf("exit code %d: %+v", p.code, out)
	}
	table := start(t, []string{"LOGCTL_AGENT_DATA_DIR=" + w.data}, append([]string{"verify", "--all", "--grace", "1ns"}, w.flags()...)...)
	if code := table.wait(); code != 1 || !strings.Contains(table.out.String(), "missing: "+a.path+" bytes ") {
		t.Errorf("exit code %d: %s", code, table.out.String())
	}
	if p, out = w.verify("--all", "--topics-only"); p.code != 0 || len(out) != 2 {
		t.Errorf("topics alone: exit code %d: %+v", p.code, out)
	}
}

// TestRebuild loses the positions: they come back from the topics, and nothing is sent
// again, also not of a file that was rotated before and one that is written to meanwhile.
func TestRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(1000)
	a.rotate(".1")
	a.lines(500)
	w.awaitLanded(l.written(), topic)
	agent.stop()
	w.must(os.RemoveAll(w.data))
	a.lines(500)
	args := append([]string{"positions", "rebuild", "--since", "1h"}, w.flags()...)
	env := []string{"LOGCTL_AGENT_DATA_DIR=" + w.data}
	for _, more := range [][]string{{"--dry-run"}, nil, nil} { // the last one finds them kept
		p := start(t, env, append(args, more...)...)
		if code := p.wait(); code != 0 {
			t.Fatalf("exit code %d: %s", code, p.err.String())
		}
		t.Logf("%s%s", p.out.String(), p.err.String())
	}
	agent = w.startAgent(quickScan)
	a.lines(100)
	w.clean(newCounter(l), topic)
	agent.stop()
}
