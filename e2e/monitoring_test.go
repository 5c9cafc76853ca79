package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"logctl/internal/testkit"
)

// prometheus is a real one that scrapes an agent.
type prometheus struct {
	t    *testing.T
	base string
}

// freeAddr is an address of loopback that was free just now.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startPrometheus starts the Prometheus of this machine on an agent's address, with the alert
// rules of deploy/. The test is skipped where there is none.
func startPrometheus(t *testing.T, agent string) *prometheus {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no prometheus here (Debian: apt-get install prometheus)")
	}
	rules, err := filepath.Abs("../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 200ms, evaluation_interval: 200ms}\nrule_files: [%q]\nscrape_configs:\n  - job_name: logctl\n    static_configs: [{targets: [%q]}]\n", rules, agent)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	p := launch(t, exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr), nil)
	t.Cleanup(func() { p.signal(syscall.SIGTERM); <-p.done })
	return &prometheus{t: t, base: "http://" + addr}
}

// get asks the API; an answer other than success is an error.
func (p *prometheus) get(path string, into any) error {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.base+path, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%s: %w", body, err)
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

// query returns how many series an expression gives.
func (p *prometheus) query(expr string) (int, error) {
	var data struct{ Result []any }
	err := p.get("/api/v1/query?query="+url.QueryEscape(expr), &data)
	return len(data.Result), err
}

// panel is what this test knows of a panel of Grafana's.
type panel struct {
	Title   string
	Panels  []panel
	Targets []struct{ Expr string }
}

// dashboard is a file of deploy/grafana.
type dashboard struct {
	Panels     []panel
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
}

// TestDashboardsOnPrometheus runs every query of the dashboards and every alert rule on a real
// Prometheus that scrapes an agent with a healthy task and one whose topic is missing: each
// query must give at least one series.
func TestDashboardsOnPrometheus(t *testing.T) {
	w := newWorld(t)
	topic := w.kafka.Topic(t, 1)
	healthy, missing := w.path("healthy.log"), w.path("missing.log")
	l := newLedger()
	appendTo(t, healthy, l.lines("healthy", 10))
	appendTo(t, missing, l.lines("missing", 10))
	w.put(collect(healthy, topic), collect(missing, "no-such-topic-"+topic))
	addr := freeAddr(t)
	w.startAgent("LOGCTL_AGENT_LISTEN="+addr, quickScan)
	w.awaitState(missing, "topic missing")
	p := startPrometheus(t, addr)

	ask := strings.NewReplacer("$__rate_interval", "1m", "$instance", addr, "$topic", topic)
	for _, name := range []string{"fleet", "agent", "topic"} {
		data, err := os.ReadFile("../deploy/grafana/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(data, &d); err != nil {
			t.Fatal(err)
		}
		for _, pan := range d.Panels {
			for _, target := range pan.Targets {
				p.answers(name+", "+pan.Title, ask.Replace(target.Expr))
			}
		}
		for _, v := range d.Templating.List {
			p.offers(name, v.Query, map[string]string{"instance": addr, "topic": topic}[v.Name])
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	testkit.Eventually(t, "all rules are evaluated, and the missing topic's is about to fire", func() bool {
		if err := p.get("/api/v1/rules", &rules); err != nil || len(rules.Groups) != 1 {
			t.Fatal(err, rules)
		}
		states := map[string]string{}
		for _, r := range rules.Groups[0].Rules {
			if r.Health == "err" {
				t.Fatalf("%s: %s", r.Name, r.LastError)
			}
			if r.Health != "ok" {
				return false
			}
			states[r.Name] = r.State
		}
		return states["LogctlTaskUnhealthy"] == "pending" && states["LogctlAgentGone"] == "inactive"
	})
}

// answers waits until an expression gives a series; an error of the query ends the test.
func (p *prometheus) answers(where, expr string) {
	p.t.Helper()
	testkit.Eventually(p.t, where+": "+expr+" gives a series", func() bool {
		n, err := p.query(expr)
		if err != nil && !errors.Is(err, syscall.ECONNREFUSED) { // it is still starting
			p.t.Logf("%s: %v", expr, err)
		}
		return err == nil && n > 0
	})
}

// offers checks that a variable of a dashboard, label_values(SERIES, LABEL), offers a value.
func (p *prometheus) offers(where string, query any, want string) {
	p.t.Helper()
	of, ok := query.(map[string]any)
	if !ok {
		return // the choice of the data source
	}
	text := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(of["query"]), "label_values("), ")")
	series, label, ok := strings.Cut(text, ", ")
	if !ok {
		p.t.Fatalf("%s: a variable asks %v", where, of["query"])
	}
	var values []string
	if err := p.get("/api/v1/label/"+label+"/values?match[]="+url.QueryEscape(series), &values); err != nil {
		p.t.Fatal(err)
	}
	for _, v := range values {
		if v == want {
			return
		}
	}
	p.t.Errorf("%s: %v offers %q, want %q among them", where, of["query"], values, want)
}
