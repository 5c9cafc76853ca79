package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/consumer"
)

// TestReportsOfABigFleet reads fifteen reports of each of 1,500 agents: the rates are those of
// the whole window though few are parsed.
func TestReportsOfABigFleet(t *testing.T) {
	start := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	read := reportReading{kept: map[string]*reported{}, of: map[string]*lastRecord{}}
	pending := 0
	for i := range 15 {
		at := start.Add(time.Duration(2*i) * time.Second)
		for a := range 1500 {
			r := report.Report{Agent: fmt.Sprint("web-", a), At: at, StartedAt: start, Tasks: []report.Task{{Path: "/a", Topic: "t", AckedLines: uint64(100 * i)}}}
			if i == 0 && a%5 == 0 {
				r.StartedAt = start.Add(-time.Hour) // another life
			}
			data, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			read.take(&consumer.Record{Key: []byte(r.Agent), Value: data, Time: at})
		}
	}
	for _, l := range read.of {
		if len(l.pending) > 0 {
			pending++
		}
	}
	kept := read.end()
	if len(kept) != 1500 || pending == 0 {
		t.Fatalf("%d agents, %d of them with a report that was not parsed", len(kept), pending)
	}
	for id, r := range kept {
		first := r.first[taskKey(r.newest.Tasks[0])]
		seconds := r.newest.At.Sub(first.at).Seconds()
		lines := r.newest.Tasks[0].AckedLines - first.task.AckedLines
		if !r.newest.At.Equal(start.Add(28*time.Second)) || seconds < 20 || float64(lines)/seconds != 50 {
			t.Fatalf("%s: %d lines in %v s up to %v", id, lines, seconds, r.newest.At)
		}
	}
}

// TestOneProblemOfManyAgentsIsOneLine names three of them.
func TestOneProblemOfManyAgentsIsOneLine(t *testing.T) {
	s := statusReport{Etcd: serverStatus{OK: true}, Kafka: serverStatus{OK: true}}
	for i := range 250 {
		s.problem(agentProblem{Agent: fmt.Sprintf("web-%03d", i), Path: "/a", Topic: "t", State: state.PermissionDenied, What: "permission denied"})
	}
	s.problem(agentProblem{Agent: "web-001", Path: "/b", Topic: "t", State: state.PermissionDenied, What: "permission denied"})
	s.problem(agentProblem{Agent: "web-001", What: "no report"})
	s.problem(agentProblem{Agent: "web-002", What: "no report"})
	var b strings.Builder
	s.write(&b)
	want := "4 problems:\n  web-000, web-001, web-002 and 247 more: /a -> t: permission denied\n  web-001: /b -> t: permission denied\n  web-001: no report\n  web-002: no report\n"
	if !strings.HasSuffix(b.String(), want) {
		t.Errorf("got\n%s\nwant at its end\n%s", b.String(), want)
	}
	if line := s.checkLine(); !strings.Contains(line, "4 problems: web-000, web-001, web-002 and 247 more: /a -> t: permission denied (and 3 more) | problems=253 ") {
		t.Error(line)
	}
}
