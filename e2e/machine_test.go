package e2e

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"

	"logctl/agent/positions"
	"logctl/agent/tail"
	"logctl/internal/testkit"
)

// listen lets the agent serve its metrics and profiles on a free port.
const listen = "LOGCTL_AGENT_LISTEN=127.0.0.1:0"

// inotifyHolder is the environment variable that makes the test binary take all
// inotify instances of its user and hold them until its input ends.
const inotifyHolder = "E2E_HOLD_INOTIFY"

var servedAt = regexp.MustCompile(`address=(http://[0-9.:]+)`)

// get asks the agent's HTTP server.
func (w *world) get(p *process, path string) string {
	w.t.Helper()
	var base string
	testkit.Eventually(w.t, "the agent says where it serves", func() bool {
		m := servedAt.FindStringSubmatch(p.err.String())
		if m != nil {
			base = m[1]
		}
		return m != nil
	})
	client := http.Client{Timeout: testkit.Hang}
	defer client.CloseIdleConnections()
	resp, err := client.Get(base + path)
	w.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	w.must(err)
	return string(body)
}

// states reads the saved positions of a stopped agent.
func (w *world) states() []tail.State {
	w.t.Helper()
	r, err := positions.Open(w.data, slog.New(slog.DiscardHandler))
	w.must(err)
	var out []tail.State
	for key := range r.Keys() {
		out = append(out, r.States(key)...)
	}
	w.must(r.Close())
	return out
}

// status reads a number of a process from /proc, in kB for memory.
func (p *process) status(field string) int {
	p.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Skipf("the memory of a process cannot be seen here: %v", err)
	}
	m := regexp.MustCompile(`(?m)^` + field + `:\s+(\d+)`).FindSubmatch(data)
	if m == nil {
		p.t.Fatalf("no %s in /proc", field)
	}
	n := 0
	if _, err := fmt.Sscan(string(m[1]), &n); err != nil {
		p.t.Fatal(err)
	}
	return n
}
