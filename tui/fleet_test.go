package tui

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/demo"
)

func oneTask(at time.Time, lines uint64) report.Report {
	return report.Report{Agent: "a", At: at, StartedAt: day, Tasks: []report.Task{{Path: "/x", Topic: "t", State: state.Shipping, Lines: lines, Bytes: lines * 100}}}
}

func oneAgentFleet() *fleet {
	f := newFleet("k")
	f.setList(etcdcfg.Snapshot{Key: "k", ModRevision: 7, Entries: []etcdcfg.Entry{{Path: "/x", Topic: "t"}}}, day)
	f.setPresences([]etcdcfg.Presence{{ID: "a", CollectKey: "k", Revision: 7, Tasks: []etcdcfg.TaskState{{Path: "/x", Topic: "t", State: string(state.Idle)}}}}, day)
	return f
}

func TestFleetRatesComeFromTwoReports(t *testing.T) {
	f := oneAgentFleet()
	v := f.build(day)
	if e := v.entries[0]; !math.IsNaN(e.lines) || e.state != string(state.Idle) || v.applied != 1 || v.audience != 1 {
		t.Fatalf("before reports: %+v", e)
	}
	f.addReports([]report.Report{oneTask(day, 1000)}, nil, day)
	if e := f.build(day).entries[0]; !math.IsNaN(e.lines) {
		t.Fatalf("one report gives a rate of %v", e.lines)
	}
	at := day.Add(2 * time.Second)
	f.addReports([]report.Report{oneTask(at, 1500)}, nil, at)
	v = f.build(at)
	if e := v.entries[0]; e.lines != 250 || e.bytes != 25_000 || e.state != string(state.Shipping) || e.running != 1 {
		t.Fatalf("%+v", e)
	}
	if v.lines != 250 || v.agents[0].lines != 250 {
		t.Errorf("totals %v, agent %v", v.lines, v.agents[0].lines)
	}
}

func TestFleetRestartedAgentHasNoRate(t *testing.T) {
	f := oneAgentFleet()
	f.addReports([]report.Report{oneTask(day, 1000)}, nil, day)
	r := oneTask(day.Add(2*time.Second), 10)
	r.StartedAt = day.Add(time.Second)
	f.addReports([]report.Report{r}, nil, day.Add(2*time.Second))
	if e := f.build(day.Add(2 * time.Second)).entries[0]; !math.IsNaN(e.lines) {
		t.Errorf("a restart gives a rate of %v", e.lines)
	}
}

func TestFleetStaleValuesStayAndAreMarked(t *testing.T) {
	f := oneAgentFleet()
	f.addReports([]report.Report{oneTask(day, 1000)}, nil, day)
	f.addReports([]report.Report{oneTask(day.Add(2*time.Second), 1500)}, nil, day.Add(2*time.Second))
	v := f.build(day.Add(30 * time.Second))
	e := v.entries[0]
	if e.stale != 28*time.Second || e.lines != 250 || !v.restless || !v.oldRates {
		t.Errorf("stale %v, lines %v, restless %v", e.stale, e.lines, v.restless)
	}
	if e.state != string(state.Idle) {
		t.Errorf("the state is %q, the presence is newer", e.state)
	}
}

func TestFleetClockOfAnAgentMayBeWrong(t *testing.T) {
	f := oneAgentFleet()
	for i := range 4 {
		wrong := day.Add(-time.Hour + time.Duration(i)*2*time.Second)
		r := oneTask(wrong, uint64(1000+i*500))
		r.StartedAt = day.Add(-2 * time.Hour)
		f.addReports([]report.Report{r}, nil, day.Add(time.Duration(i)*2*time.Second))
	}
	if e := f.build(day.Add(6 * time.Second)).entries[0]; e.stale != 0 || e.lines != 250 {
		t.Errorf("stale %v, lines %v although reports keep coming", e.stale, e.lines)
	}
}

func TestFleetGoneAgentsStayForAWhile(t *testing.T) {
	f := oneAgentFleet()
	f.build(day)
	_, left := f.setPresences(nil, day.Add(time.Minute))
	if len(left) != 1 {
		t.Fatalf("left: %v", left)
	}
	v := f.build(day.Add(2 * time.Minute))
	if len(v.agents) != 1 || v.agents[0].present || v.audience != 0 || v.entries[0].state != stateNoAgent {
		t.Errorf("%+v, entry %q", v.agents, v.entries[0].state)
	}
	if v = f.build(day.Add(time.Minute + goneFor + time.Second)); len(v.agents) != 0 {
		t.Errorf("still listed: %+v", v.agents)
	}
}

func TestFleetBehindRevision(t *testing.T) {
	f := oneAgentFleet()
	f.setAnswer(etcdcfg.Snapshot{Key: "k", ModRevision: 9, Entries: []etcdcfg.Entry{{Path: "/y", Topic: "t"}}}, day)
	v := f.build(day)
	if v.applied != 0 || v.audience != 1 || len(v.pending) != 1 || v.entries[0].state != statePending {
		t.Errorf("applied %d/%d, pending %d, state %q", v.applied, v.audience, len(v.pending), v.entries[0].state)
	}
	f.setList(etcdcfg.Snapshot{Key: "k", ModRevision: 8}, day) // the watch is behind the answer
	if v = f.build(day); v.list.ModRevision != 9 {
		t.Errorf("a late list was taken: %d", v.list.ModRevision)
	}
	f.setList(etcdcfg.Snapshot{Key: "k", ModRevision: 10}, day)
	f.setAnswer(etcdcfg.Snapshot{Key: "k", ModRevision: 9}, day) // an answer behind the watch
	if v = f.build(day); v.list.ModRevision != 10 {
		t.Errorf("a late answer was taken: %d", v.list.ModRevision)
	}
}

// bigFleet is a thousand agents with five tasks each, reported twice.
func bigFleet(tb testing.TB) (*fleet, *demo.Fleet, time.Time) {
	tb.Helper()
	sim := demo.NewFleet("collect_log_conf", 1000, 100, 5, 42, day)
	f := newFleet("collect_log_conf")
	f.setList(etcdcfg.Snapshot{Key: "collect_log_conf", ModRevision: 42, Entries: sim.Entries()}, day)
	f.setPresences(sim.Presences(), day)
	at := day
	for range 2 {
		at = at.Add(2 * time.Second)
		f.addReports(sim.Reports(at), nil, at)
	}
	return f, sim, at
}

func TestBigFleet(t *testing.T) {
	f, _, at := bigFleet(t)
	v := f.build(at)
	tasks := 0
	for _, e := range v.entries {
		tasks += len(e.tasks)
	}
	if len(v.agents) != 1000 || tasks != 5000 || v.applied != 1000 || math.IsNaN(v.lines) {
		t.Errorf("%d agents, %d tasks, applied %d, %v lines/s", len(v.agents), tasks, v.applied, v.lines)
	}
}

func BenchmarkBuildBigFleet(b *testing.B) {
	f, _, at := bigFleet(b)
	b.ReportAllocs()
	for b.Loop() {
		f.build(at)
	}
}

func TestLostSinceTheFirstError(t *testing.T) {
	f := newFleet("k")
	if _, event := f.setLink(&f.kafka, "", day); event {
		t.Error("the first connecting is an event")
	}
	for i, err := range []string{"does not answer", "kafka at 127.0.0.1:1 does not answer", "refuses connections"} {
		if changed, event := f.setLink(&f.kafka, err, day.Add(time.Duration(i+1)*time.Second)); !changed || !event {
			t.Errorf("%q: changed %v, event %v", err, changed, event)
		}
	}
	if want := day.Add(time.Second); !f.kafka.since.Equal(want) {
		t.Errorf("lost since %v, want %v", f.kafka.since, want)
	}
	if changed, _ := f.setLink(&f.kafka, "refuses connections", day.Add(time.Minute)); changed {
		t.Error("the same state is a change")
	}
	f.setLink(&f.kafka, "", day.Add(time.Hour))
	if want := day.Add(time.Hour); !f.kafka.since.Equal(want) || f.kafka.err != "" {
		t.Errorf("connected since %v, want %v", f.kafka.since, want)
	}
}

func TestFeedTellsAListOnceAndIsQuietOtherwise(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		f := c.root.env.feed
		old, _ := f.journal.all()
		c.store.other(`[{"path": "/new", "topic": "t"}]`)
		s := c.store.snapshot()
		f.gotAnswer(s)            // the answer to the edit
		f.gotList(t.Context(), s) // the watch
		if list, _ := f.journal.all(); len(list) != len(old)+1 {
			t.Errorf("one change is told as %v", list[len(old):])
		}
		for len(f.poke) > 0 {
			<-f.poke
		}
		f.state("kafka", &f.fleet.kafka, nil)
		if len(f.poke) != 0 {
			t.Error("a connection that is as it was makes a new view")
		}
		f.state("kafka", &f.fleet.kafka, errors.New("gone"))
		if len(f.poke) != 1 {
			t.Error("a lost connection makes no new view")
		}
	})
}

// Nothing is heard any more: no report, no change of any connection. The view must
// grow old by itself.
func TestFeedSeesAnAgentFallSilent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		keep := &keeper{stop: cancel}
		f := newFeed(ports{}, keep, &journal{}, "k", time.Now)
		f.start(ctx)
		f.fleet.setPresences([]etcdcfg.Presence{{ID: "a", CollectKey: "k"}}, time.Now())
		f.fleet.addReports([]report.Report{{Agent: "a", At: time.Now()}}, nil, time.Now())
		f.touch(false)
		time.Sleep(2 * time.Second)
		if v := f.view(); len(v.agents) != 1 || !v.agents[0].fresh {
			t.Fatalf("the agent is not there: %+v", v.agents)
		}
		time.Sleep(3*reportInterval + buildPause)
		if a := f.view().agents[0]; a.fresh {
			t.Errorf("a report of %v ago is still fresh", time.Since(f.fleet.agents["a"].arrivedAt))
		}
		cancel()
		if !keep.wait(time.Minute) {
			t.Error("the feed does not end")
		}
	})
}
