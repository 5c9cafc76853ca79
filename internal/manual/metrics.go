package manual

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"

	"logctl/agent/report"
	"logctl/agent/state"
)

// Series is one metric of an agent.
type Series struct {
	Name, Kind, Help string
	Labels           []string
}

// Metrics asks an agent's own /metrics for every series that begins with logctl_, by a
// report in which everything occurs.
func Metrics() []Series {
	r := report.Report{Agent: "a", Host: "h", Version: "v", Kafka: "ok", Tasks: []report.Task{{
		Path: "/p", Topic: "t", State: state.Shipping, TopFiles: []report.File{{Path: "/p", Size: 2, Acked: 1}},
	}}}
	answer := httptest.NewRecorder()
	report.NewServer("", func() report.Report { return r }, nil).Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var out []Series
	help, kind := "", ""
	for line := range strings.Lines(answer.Body.String()) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			_, help, _ = strings.Cut(rest, " ")
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			_, kind, _ = strings.Cut(rest, " ")
			continue
		}
		name, labels, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		if !strings.HasPrefix(name, "logctl_") {
			continue
		}
		s := Series{Name: name, Kind: kind, Help: help}
		for _, m := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(labels, -1) {
			s.Labels = append(s.Labels, m[1])
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Series) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// metrics is the reference of the series.
func metrics(list []Series) []byte {
	var b bytes.Buffer
	b.WriteString("# Metrics\n\n" + made + `
With ` + "`[agent] listen = 127.0.0.1:9217`" + ` an agent serves these at ` + "`/metrics`" + ` for Prometheus, beside the usual ` + "`go_*` and `process_*`" + `.
The port also has ` + "`/healthz`" + ` (the process answers), ` + "`/readyz`" + ` and ` + "`/debug/pprof`" + `. Counters begin at 0 with each start of the agent.
A task that is gone has no series. The values of ` + "`state`" + ` are explained in [states.md](states.md).

| series | kind | labels | meaning |
|---|---|---|---|
`)
	for _, s := range list {
		labels := ""
		if len(s.Labels) > 0 {
			labels = "`" + strings.Join(s.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, s.Kind, labels, tableCell(s.Help))
	}
	b.WriteString(`
Alerts for Prometheus are in [deploy/alerts.yaml](../deploy/alerts.yaml), dashboards for Grafana in [deploy/grafana](../deploy/grafana): fleet, agent and topic. A test
holds every series and label in them to this list.

Useful questions:

` + "```" + `
sum by (topic) (rate(logctl_task_acked_bytes_total[5m]))                    # bytes a second into each topic
topk(10, logctl_task_lag_bytes)                                             # who is behind
count by (version) (logctl_agent_info)                                      # versions of the fleet
logctl_task_state{state!~"shipping|idle|disabled|starting"} == 1            # who is in trouble, and how
` + "```" + `
`)
	return b.Bytes()
}
