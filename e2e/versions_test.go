package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// olderBuild is the logctl of an earlier version, by .ci/versions-check.
func olderBuild(t *testing.T) string {
	t.Helper()
	old := os.Getenv("LOGCTL_OLD_BINARY")
	if old == "" {
		t.Skip("needs LOGCTL_OLD_BINARY: run make versions-check")
	}
	return old
}

// ask runs a command of one build to its end and returns what it printed.
func (w *world) ask(build string, args ...string) string {
	w.t.Helper()
	p := startBinary(w.t, build, nil, args...)
	if code := p.wait(); code != 0 {
		w.t.Fatalf("%s: exit code %d: %s%s", strings.Join(args, " "), code, p.out.String(), p.err.String())
	}
	return p.out.String()
}

// edit changes the list by a build's `logctl entries`.
func (w *world) edit(build string, args ...string) {
	w.t.Helper()
	w.ask(build, append(append([]string{"entries"}, args...), w.flags()...)...)
}

// fleetState is what both versions print by status -o json.
type fleetState struct {
	Healthy bool
	Agents  []struct {
		ID    string
		Tasks int
	}
	Entries []struct {
		Path   string
		Agents int
		States map[string]int
	}
}

// sees checks that the console of one build shows the agent of another at work on a path.
func (w *world) sees(build, path string) {
	w.t.Helper()
	said := ""
	defer func() {
		if w.t.Failed() {
			w.t.Logf("status said:\n%s", said)
		}
	}()
	testkit.Eventually(w.t, "status shows the task of "+path+" at work", func() bool {
		p := startBinary(w.t, build, nil, append([]string{"status", "-o", "json"}, w.flags()...)...)
		p.wait()
		said = p.out.String()
		var s fleetState
		if err := json.Unmarshal([]byte(p.out.String()), &s); err != nil {
			w.t.Fatalf("status: %v: %s%s", err, p.out.String(), p.err.String())
		}
		for _, e := range s.Entries {
			if e.Path != path || e.Agents != 1 || e.States["shipping"]+e.States["idle"] != 1 {
				continue
			}
			// A console of 0.1 takes each key of an agent for an agent, and calls those that report nothing unhealthy.
			if build != binary {
				return s.Agents[0].ID == w.agentID() && s.Agents[0].Tasks > 0
			}
			return s.Healthy && len(s.Agents) == 1 && s.Agents[0].ID == w.agentID()
		}
		return false
	})
	for _, screen := range []string{"agents", "entries"} {
		if out := w.ask(build, append([]string{"tui", "--snapshot", screen, "--size", "160x40"}, w.flags()...)...); !strings.Contains(out, "agent-logctl") && !strings.Contains(out, " 1/") {
			w.t.Errorf("the console's screen %s does not show the agent:\n%s", screen, out)
		}
	}
}

// TestVersionsMeet holds docs/upgrade.md to what it says of agents and consoles of different
// versions: each build's console edits the list that the other's agent applies, and shows that
// agent; the positions of one are carried on by the other, there and back.
func TestVersionsMeet(t *testing.T) {
	older := olderBuild(t)
	for _, meet := range []struct{ name, agent, console string }{
		{"old agent, new console", older, binary},
		{"new agent, old console", binary, older},
	} {
		t.Run(meet.name, func(t *testing.T) {
			w := newWorld(t)
			topic := w.kafka.Topic(t, 1)
			l := newLedger()
			path := w.path("app.log")
			appendTo(t, path, l.lines("app", 50))
			agent := startBinary(t, meet.agent, []string{quickScan}, w.agentArgs()...)
			w.edit(meet.console, "add", path, topic, "--from", "beginning")
			w.awaitLanded(50, topic)
			w.sees(meet.console, path)

			second := w.path("second.log")
			appendTo(t, second, l.lines("second", 20))
			w.edit(meet.console, "add", second, topic, "--from", "beginning")
			w.awaitLanded(70, topic)
			w.edit(meet.console, "remove", second)
			w.awaitApplied()
			if out := w.ask(meet.console, "tail-topic", topic, "--from", "oldest", "--to", "end", "-o", "raw", "--kafka", strings.Join(w.kafka.Addrs(), ",")); strings.Count(out, "\n") != 70 {
				t.Errorf("tail-topic prints %d lines, want 70", strings.Count(out, "\n"))
			}
			agent.stop()
		})
	}
	t.Run("an upgrade and the way back", func(t *testing.T) {
		w := newWorld(t)
		topic := w.kafka.Topic(t, 1)
		l := newLedger()
		path := w.path("app.log")
		w.put(collect(path, topic))
		total := 0
		for _, build := range []string{older, binary, older, binary} {
			appendTo(t, path, l.lines("app", 100)) // while no agent runs
			agent := startBinary(t, build, []string{quickScan}, w.agentArgs()...)
			total += 100
			w.awaitLanded(total, topic)
			appendTo(t, path, l.lines("app", 100))
			total += 100
			w.awaitLanded(total, topic)
			agent.stop()
		}
		c := newCounter(l)
		for i, r := range w.kafka.Read(t, topic) {
			c.add(topic, int64(i), []byte(r.Value), time.Time{})
		}
		if c.v.Garbled > 0 || c.v.Duplicated > 0 || c.v.Reordered > 0 || len(w.kafka.Read(t, topic)) != total {
			t.Errorf("%d records for %d lines: %+v %v", len(w.kafka.Read(t, topic)), total, c.v, c.first)
		}
	})
}
