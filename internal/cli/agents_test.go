package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
)

// lose leaves in etcd what stays of an agent that went without goodbye.
func (f *fleet) lose(id string) {
	f.t.Helper()
	text, err := json.Marshal(map[string]string{"host": "host-" + id, "collect_key": f.key})
	if err != nil {
		f.t.Fatal(err)
	}
	c := f.etcd.Client(f.t)
	if _, err := c.Put(f.t.Context(), etcdcfg.AgentsPrefix+id+"/+member", string(text)); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _, _ = c.Delete(context.Background(), etcdcfg.AgentsPrefix+id+"/+member") })
}

// TestStatusOfLostAndExpectedAgents exits 1 for an agent that is not there but should be, until
// it is forgotten.
func TestStatusOfLostAndExpectedAgents(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	now := time.Now().UTC()
	here, lost, awaited, named := f.key+"-1", f.key+"-2", f.key+"-3", f.key+"-4"
	f.announce(etcdcfg.Presence{ID: here, Started: now, Revision: 1 << 40, Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: "shipping"}}})
	f.status(ExitOK)
	f.lose(lost)
	f.publish(report.Report{Agent: lost, At: now.Add(-time.Hour), StartedAt: now.Add(-2 * time.Hour)})
	f.ok(t, "agents", "expect", awaited)
	f.env = append(f.env, "LOGCTL_ETCD_EXPECTED_AGENTS="+named+","+here)
	s := f.status(ExitFailure)
	var got []string
	for _, p := range s.Problems {
		got = append(got, strings.TrimPrefix(p.Agent, f.key)+" "+string(p.State))
	}
	equal(t, strings.Join(got, "\n"), "-2 lost\n-3 never came\n-4 never came")
	if text := s.texts(); !strings.Contains(text, "last heard of ") || !strings.Contains(text, "logctl agents forget "+lost) {
		t.Error(text)
	}
	r := f.run(t, "", "agents", "list")
	for _, part := range []string{here, "on duty", lost, "lost", awaited, "never came  yes"} {
		if !strings.Contains(r.out, part) {
			t.Errorf("%q is not in\n%s", part, r.out)
		}
	}
	check := f.run(t, "", "status", "-o", "check")
	if check.code != nagiosCritical || !strings.HasPrefix(check.out, "LOGCTL CRITICAL - 3 problems: "+lost+": lost") || strings.Count(check.out, "\n") != 1 ||
		!strings.Contains(check.out, " | problems=3 agents=1 lag=0B") {
		t.Errorf("exit %d: %s", check.code, check.out)
	}
	f.fails(t, ExitFailure, "it is on duty", "agents", "forget", here)
	f.fails(t, ExitFailure, "neither lost nor expected", "agents", "forget", "nobody")
	f.ok(t, "agents", "forget", lost, awaited)
	f.env = append(f.env, "LOGCTL_ETCD_EXPECTED_AGENTS=")
	f.status(ExitOK)
	if check := f.run(t, "", "status", "-o", "check"); check.code != nagiosOK || !strings.HasPrefix(check.out, "LOGCTL OK - 1 entry, 1 of 1 agent on duty | ") {
		t.Errorf("exit %d: %s", check.code, check.out)
	}
}

// TestStatusNamesEveryStateThatDoesNotWork has a task in each state of the table.
func TestStatusNamesEveryStateThatDoesNotWork(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	now := time.Now().UTC()
	id := f.key + "-1"
	for _, row := range state.Table() {
		if row.Agent {
			continue
		}
		f.announce(etcdcfg.Presence{ID: id, Started: now, Revision: 1 << 40, Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: string(row.Code)}}})
		want := ExitOK
		if row.Severity == state.Bad {
			want = ExitFailure
		}
		s := f.status(want)
		if want == ExitFailure && (len(s.Problems) != 1 || s.Problems[0].State != row.Code || !strings.Contains(s.Problems[0].What, row.Do)) {
			t.Errorf("%q: %+v", row.Code, s.Problems)
		}
		if warned := len(s.Warnings) == 1 && s.Warnings[0].State == row.Code; warned != (row.Severity == state.Warn) {
			t.Errorf("%q: warnings %+v", row.Code, s.Warnings)
		}
	}
}

// TestStatusOfAnAgentThatEtcdDoesNotKnow has one that reports, and may not announce itself.
func TestStatusOfAnAgentThatEtcdDoesNotKnow(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	now := time.Now().UTC()
	id := f.key + "-1"
	f.publish(report.Report{Agent: id, At: now, StartedAt: now, CollectKey: f.key, Etcd: "its storage quota is used up",
		Tasks: []report.Task{{Path: "/a", Topic: "t", State: state.Shipping}}})
	if got, want := f.status(ExitFailure).texts(), id+": reports, but is not announced in etcd: its storage quota is used up"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStatusOfTwoAgentsWithOneID(t *testing.T) {
	f := newFleet(t)
	id := f.key + "-1"
	f.announce(etcdcfg.Presence{ID: id, Started: time.Now(), Revision: 1 << 40})
	c := f.etcd.Client(t)
	for _, name := range []string{"a", "b"} {
		key := etcdcfg.AgentsPrefix + id + "/+instance/" + name
		if _, err := c.Put(t.Context(), key, "process 1 on host "+name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Delete(context.Background(), key) })
	}
	if got, want := f.status(ExitFailure).texts(), id+": two agents with one id: process 1 on host a and process 1 on host b: give each its own [agent] id"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWaitIsJudgedByWhatShips fails an edit that agents apply and that cannot work.
func TestWaitIsJudgedByWhatShips(t *testing.T) {
	f := newFleet(t)
	id := f.key + "-1"
	f.announce(etcdcfg.Presence{ID: id, Started: time.Now(), Revision: 1 << 40, Tasks: []etcdcfg.TaskState{
		{Path: "/a", Topic: "t", State: string(state.TopicMissing), Error: "topic t does not exist: create it"},
		{Path: "/b", Topic: "t", State: string(state.Shipping)},
		{Path: "/c", Topic: "t", State: string(state.WaitingForFile)},
	}})
	f.ok(t, "entries", "add", "/b", "t", "--wait", "5s")
	f.ok(t, "entries", "add", "/c", "t", "--wait", "5s")
	r := f.run(t, "", "entries", "add", "/a", "t", "--wait", "300ms")
	if want := id + ": /a -> t: topic missing: topic t does not exist: create it"; r.code != ExitFailure || !strings.Contains(r.err, want) {
		t.Errorf("exit %d, want %q in\n%s", r.code, want, r.err)
	}
}

// TestAnAgentThatIsNotThereIsNotWaitedFor: a command to it waited half a minute for an answer.
func TestAnAgentThatIsNotThereIsNotWaitedFor(t *testing.T) {
	f := newFleet(t)
	lost := f.key + "-1"
	f.lose(lost)
	for _, id := range []string{lost, f.key + "-2"} {
		r := f.run(t, "", "positions", "list", "--agent", id, "--wait", "10m")
		if want := `agent "` + id + `" is not on duty: start it`; r.code != ExitFailure || !strings.Contains(r.err, want) {
			t.Errorf("exit %d, %q; want %q", r.code, r.err, want)
		}
	}
}
