package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
)

// Fleet is a simulation of agents that announce themselves and report, for
// consoles that must hold with a thousand of them. It starts nothing and sends
// nothing: whoever uses it decides where presences and reports go. The same
// numbers of agents and entries give the same fleet. It is not safe for
// concurrent use.
type Fleet struct {
	key     string
	entries []etcdcfg.Entry
	agents  []fleetAgent
	rnd     *rand.Rand
}

type fleetAgent struct {
	presence etcdcfg.Presence
	report   report.Report
	rates    []float64 // lines a second of each task
}

// NewFleet makes a fleet of agents that all have one collect key with that many
// entries; each agent runs perAgent of them. One agent in twenty has a task in
// trouble.
func NewFleet(key string, agents, entries, perAgent int, revision int64, start time.Time) *Fleet {
	f := &Fleet{key: key, rnd: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // a simulation that must repeat itself
	kinds := [...]string{"nginx/access", "nginx/error", "app/orders", "app/payments", "审计/交易", "db/slow", "kernel", "auth"}
	for i := range entries {
		kind := kinds[i%len(kinds)]
		f.entries = append(f.entries, etcdcfg.Entry{
			Path: fmt.Sprintf("/var/log/%s-%02d*.log", kind, i), Topic: fmt.Sprintf("logs-%02d", i%40),
		})
	}
	for i := range agents {
		f.agents = append(f.agents, f.newAgent(i, perAgent, revision, start))
	}
	return f
}

func (f *Fleet) newAgent(i, perAgent int, revision int64, start time.Time) fleetAgent {
	id := fmt.Sprintf("web-%04d", i)
	a := fleetAgent{
		presence: etcdcfg.Presence{
			ID: id, Host: id + ".example", Version: "1.0.0", PID: 1000 + i, Started: start.Add(-time.Duration(i) * time.Minute),
			CollectKey: f.key, Revision: revision, Kafka: "ok",
		},
	}
	a.report = report.Report{
		Agent: id, Host: a.presence.Host, Version: "1.0.0", At: start, StartedAt: a.presence.Started, Revision: revision, Kafka: "ok",
	}
	for k := range min(perAgent, len(f.entries)) {
		e := f.entries[(i*perAgent+k)%len(f.entries)]
		code, text := state.Shipping, ""
		rate := 5 + f.rnd.Float64()*400
		switch {
		case i%20 == 7 && k == 0:
			code, text, rate = state.PermissionDenied, "open "+e.Path+": permission denied: let the agent's user read it", 0
		case (i+k)%5 == 0:
			code, rate = state.Idle, 0
		}
		a.presence.Tasks = append(a.presence.Tasks, etcdcfg.TaskState{Path: e.Path, Topic: e.Topic, State: string(code), Error: text, Since: start})
		a.report.Tasks = append(a.report.Tasks, report.Task{
			Path: e.Path, Topic: e.Topic, State: code, Error: text, Files: 2,
			TopFiles: []report.File{{Path: e.Path[:len(e.Path)-5] + "-a.log", State: string(code)}, {Path: e.Path[:len(e.Path)-5] + "-b.log", State: string(code)}},
		})
		a.rates = append(a.rates, rate)
	}
	return a
}

// Entries is the list that the agents run.
func (f *Fleet) Entries() []etcdcfg.Entry { return append([]etcdcfg.Entry(nil), f.entries...) }

// Presences is what the agents announce.
func (f *Fleet) Presences() []etcdcfg.Presence {
	out := make([]etcdcfg.Presence, len(f.agents))
	for i := range f.agents {
		out[i] = f.agents[i].presence
	}
	return out
}

// SetRevision makes the first n agents apply a revision.
func (f *Fleet) SetRevision(revision int64, n int) {
	for i := range min(n, len(f.agents)) {
		f.agents[i].presence.Revision, f.agents[i].report.Revision = revision, revision
	}
}

// Report lets agent i work until at and returns its report, which shares nothing
// with later ones.
func (f *Fleet) Report(i int, at time.Time) report.Report {
	a := &f.agents[i]
	seconds := at.Sub(a.report.At).Seconds()
	a.report.At = at
	for k := range a.report.Tasks {
		t := &a.report.Tasks[k]
		lines := uint64(max(a.rates[k]*seconds*(0.7+0.6*f.rnd.Float64()), 0))
		size := lines * 149
		t.Lines += lines
		t.Bytes += size
		t.LagBytes = int64(lines % 7 * 1024)
		t.AckedLines, t.AckedBytes = t.Lines, t.Bytes-min(t.Bytes, uint64(t.LagBytes))
		for n := range t.TopFiles {
			x := &t.TopFiles[n]
			x.Size += int64(size) / 2
			x.Read, x.Acked = x.Size, x.Size-min(x.Size, t.LagBytes/2)
		}
	}
	r := a.report
	r.Tasks = make([]report.Task, len(a.report.Tasks))
	for k, t := range a.report.Tasks {
		t.TopFiles = append([]report.File(nil), t.TopFiles...)
		r.Tasks[k] = t
	}
	return r
}

// Reports is Report of every agent.
func (f *Fleet) Reports(at time.Time) []report.Report {
	out := make([]report.Report, len(f.agents))
	for i := range f.agents {
		out[i] = f.Report(i, at)
	}
	return out
}
