package tui

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/consumer"
	"logctl/etcdcfg"
)

// reportRecords are the reports of agents at a time, as records.
func reportRecords(t *testing.T, agents int, at time.Time, code func(agent int) state.Code) []consumer.Record {
	t.Helper()
	var out []consumer.Record
	for i := range agents {
		r := report.Report{Agent: fmt.Sprintf("web-%04d", i), At: at, StartedAt: day, Kafka: "ok", Tasks: []report.Task{{Path: "/a", Topic: "t", State: code(i), Lines: uint64(at.Sub(day) / time.Second)}}}
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, consumer.Record{Key: []byte(r.Agent), Value: data, Time: at})
	}
	return out
}

// TestFewReportsOfABigFleetAreParsed lets a thousand agents report every two seconds: one
// report in a while is parsed of each, one with another state at once, and all are heard of.
func TestFewReportsOfABigFleetAreParsed(t *testing.T) {
	const agents, seconds = 2000, 40
	seen := newReportsSeen()
	parsed, denied := 0, time.Time{}
	well := func(i int) state.Code { return []state.Code{state.Shipping, state.Idle}[i%2] }
	for s := 0; s < seconds; s += 2 {
		at := day.Add(time.Duration(s) * time.Second)
		out, who := seen.parse(reportRecords(t, agents, at, func(i int) state.Code {
			if i == 7 && s >= 30 {
				return state.PermissionDenied
			}
			return well(i + s/2) // shipping and idle take turns
		}), at)
		if len(who) != agents {
			t.Fatalf("%d of %d agents heard of after %d s", len(who), agents, s)
		}
		if s > 0 && who[3].every != 2*time.Second {
			t.Fatalf("it reports every %v, want 2s", who[3].every)
		}
		parsed += len(out)
		for _, r := range out {
			if r.Tasks[0].State == state.PermissionDenied && denied.IsZero() {
				denied = at
			}
		}
	}
	if most := agents*enoughToRate + seconds*reportsPace + agents; parsed > most || parsed < agents*seconds/8 {
		t.Errorf("%d of %d reports parsed, want at most %d", parsed, agents*seconds/2, most)
	}
	if got := denied.Sub(day); got != 30*time.Second {
		t.Errorf("a denied file was known after %v, want 30s", got)
	}
	small := newReportsSeen()
	for s := 0; s < seconds; s += 2 {
		at := day.Add(time.Duration(s) * time.Second)
		if out, _ := small.parse(reportRecords(t, 20, at, well), at); len(out) != 20 {
			t.Fatalf("of a small fleet %d of 20 reports are parsed", len(out))
		}
	}
}

// TestAnAgentThatIsHeardOfIsNotSilent has reports that are not parsed keep an agent fresh,
// with a clock that is right and with one that is wrong, and lets it fall silent.
func TestAnAgentThatIsHeardOfIsNotSilent(t *testing.T) {
	for name, off := range map[string]time.Duration{"right": 0, "an hour ahead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			f := newFleet("k")
			f.setPresences([]etcdcfg.Presence{{ID: "a", CollectKey: "k"}}, day)
			every := []heard{{agent: "a", every: 2 * time.Second}}
			now := day
			for i := range 20 {
				now = day.Add(time.Duration(2*i) * time.Second)
				var list []report.Report
				if i == 0 || i == 1 || i == 6 || i == 12 {
					list = []report.Report{{Agent: "a", At: now.Add(off), StartedAt: day, Tasks: []report.Task{{Path: "/a", Topic: "t", Lines: uint64(200 * i)}}}}
				}
				f.addReports(list, every, now)
				if v := f.build(now.Add(time.Second)); i > 1 && (!v.agents[0].fresh || v.agents[0].age > 2*time.Second) {
					t.Fatalf("after %v: fresh %v, age %v", now.Sub(day), v.agents[0].fresh, v.agents[0].age)
				}
			}
			if got := f.build(now).agents[0].lines; got != 100 {
				t.Errorf("%v lines a second, want 100", got)
			}
			if v := f.build(now.Add(7 * time.Second)); v.agents[0].fresh {
				t.Error("an agent that was last heard of 7 s ago is fresh")
			}
		})
	}
}
