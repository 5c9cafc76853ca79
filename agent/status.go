package agent

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"logctl/agent/report"
	"logctl/agent/tail"
	"logctl/etcdcfg"
)

// Bounds of the states in words.
const (
	shippingFor = 3 * time.Second  // a task is "shipping" this long after its last line
	behindAfter = 15 * time.Second // and "behind" when a line waits longer for its acknowledgement
	topFiles    = 10               // files named in a report
)

// status looks at the task: its counters, files and state in words.
func (t *task) status(now time.Time) report.Task {
	c := t.counters
	r := report.Task{
		Path: t.entry.Path, Topic: t.entry.Topic,
		Lines: c.lines.Load(), Bytes: c.bytes.Load(),
		AckedLines: c.ackedLines.Load(), AckedBytes: c.ackedBytes.Load(),
		Split: c.split.Load(), Skipped: c.skipped.Load(),
	}
	streams := t.streamList()
	if oldest := oldestUnacked(streams); !oldest.IsZero() {
		r.OldestUnackedMS = now.Sub(oldest).Milliseconds()
	}
	set, st, why := t.cause()
	if set != nil {
		r.Files, r.Unreadable = st.Files, st.Unreadable
		r.Skipped += st.Skipped
		acked := make(map[tail.FileID]int64, len(streams))
		for _, s := range streams {
			acked[s.id] = s.acked()
		}
		fillFiles(&r, set.EachFile, acked)
	}
	switch {
	case why.state != "":
		r.State, r.Error = why.state, why.reason
	case r.OldestUnackedMS > behindAfter.Milliseconds():
		r.State = report.StateBehind
	case r.LagBytes > 0 && r.Lines > 0, now.UnixNano()-c.lastRead.Load() < int64(shippingFor):
		r.State = report.StateShipping
	default:
		r.State = report.StateIdle
	}
	return r
}

func oldestUnacked(streams []*stream) (oldest time.Time) {
	for _, s := range streams {
		if at, ok := s.window.oldest(); ok && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return oldest
}

// fillFiles sums the lag of the files and names those with most of it. A task may
// have ten thousand files, so that they are not sorted.
func fillFiles(r *report.Task, each func(func(tail.FileInfo)), acked map[tail.FileID]int64) {
	top := make([]report.File, 0, topFiles+1)
	each(func(f tail.FileInfo) {
		pos, ok := acked[f.ID]
		if !ok {
			pos = f.Read
		}
		lag := max(0, f.Size-pos)
		r.LagBytes += lag
		if len(top) == topFiles && lag <= top[topFiles-1].Size-top[topFiles-1].Acked {
			return
		}
		file := report.File{Path: cmp.Or(f.Name, f.Path), Size: f.Size, Read: f.Read, Acked: pos, State: f.State}
		at, _ := slices.BinarySearchFunc(top, lag, func(o report.File, lag int64) int { return cmp.Compare(lag, o.Size-o.Acked) })
		top = slices.Insert(top, at, file)
		top = top[:min(len(top), topFiles)]
	})
	r.TopFiles = top
}

// cause is why a task does not ship; the zero value: nothing is known to be wrong.
type cause struct{ state, reason string }

// cause finds the first thing on the way from the file to Kafka that stops lines.
// The set, whose status comes with it, is nil when the task does not run.
func (t *task) cause() (*tail.Set, tail.Status, cause) {
	t.mu.Lock()
	set, failure, waits := t.set, t.failure, t.waits
	t.mu.Unlock()
	if failure != nil {
		line, _, _ := strings.Cut(failure.Error(), "\n")
		return nil, tail.Status{}, cause{report.StateFailed, line}
	}
	topic := t.shared.producer.Topic(t.entry.Topic)
	switch {
	case waits && topic.State != "":
		// An edited entry waits until what was read before the edit is acknowledged.
		return nil, tail.Status{}, cause{topic.State, topic.Err}
	case set == nil:
		return nil, tail.Status{}, cause{report.StateStarting, ""}
	}
	st := set.Status()
	waiting := st.Waiting
	if state := refusal(waiting); state != "" {
		return set, st, cause{state, waiting}
	}
	switch {
	case topic.State != "":
		return set, st, cause{topic.State, topic.Err}
	case waiting == report.StateWaitingForFile:
		return set, st, cause{waiting, ""}
	case waiting != "":
		return set, st, cause{report.StateWaitingForFile, waiting}
	case st.Problem != "":
		return set, st, cause{cmp.Or(refusal(st.Problem), report.StateFailed), st.Problem}
	}
	return set, st, cause{}
}

// refusal is the state of a task whose file must not be read, for the reason given;
// "" when that is not what the reason says.
func refusal(reason string) string {
	for _, state := range []string{report.StateNotAllowed, report.StatePermissionDenied} {
		if strings.HasPrefix(reason, state) {
			return state
		}
	}
	return ""
}

// note remembers since when the task is in a state of its presence.
func (t *task) note(state string, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if state != t.state {
		t.state, t.since = state, now
	}
	return t.since
}

// Report is the state of the agent at this moment, as it is published. It may be called
// at any time, also before Run and beside its start.
func (a *Agent) Report() report.Report {
	now := time.Now()
	entries, tasks, revision := a.tasks.list()
	r := report.Report{
		Agent: a.cfg.ID, Host: a.cfg.Host, Version: a.cfg.Version,
		At: now.UTC(), StartedAt: a.started.UTC(), Revision: revision,
		Kafka: a.producer.Stats().Brokers, Tasks: []report.Task{},
	}
	for i, e := range entries {
		if tasks[i] == nil {
			r.Tasks = append(r.Tasks, report.Task{Path: e.Path, Topic: e.Topic, State: report.StateDisabled})
			continue
		}
		r.Tasks = append(r.Tasks, tasks[i].status(now))
	}
	return r
}

// presence is what the agent announces in etcd. Shipping, idle and behind are one
// state there, and its files are not looked at: presences change with health, not with
// traffic, because every change stays in etcd's history.
func (a *Agent) presence() etcdcfg.Presence {
	now := time.Now()
	entries, tasks, revision := a.tasks.list()
	list, _ := a.lists.problems()
	p := etcdcfg.Presence{
		ID: a.cfg.ID, Host: a.cfg.Host, Version: a.cfg.Version, Commit: a.cfg.Commit, Built: a.cfg.Built, PID: a.pid, Started: a.started.UTC(),
		CollectKey: a.cfg.CollectKey, Revision: revision, ListError: list,
		Kafka: a.producer.Stats().Brokers, Tasks: []etcdcfg.TaskState{},
	}
	for i, e := range entries {
		ts := etcdcfg.TaskState{Path: e.Path, Topic: e.Topic, State: report.StateDisabled}
		if tasks[i] != nil {
			_, _, why := tasks[i].cause()
			ts.State, ts.Error = cmp.Or(why.state, report.StateShipping), why.reason
			if since := tasks[i].note(ts.State, now); why.state != "" {
				ts.Since = since.UTC()
			}
		}
		p.Tasks = append(p.Tasks, ts)
	}
	return p
}
