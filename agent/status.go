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

// status is what a task is like at one moment.
type status struct {
	report report.Task
	since  time.Time // of the state
}

// status looks at the task: its counters, files and state in words.
func (t *task) status(now time.Time) status {
	t.mu.Lock()
	set, failure := t.set, t.failure
	t.mu.Unlock()
	c := t.counters
	r := report.Task{
		Path: t.entry.Path, Topic: t.entry.Topic,
		Lines: c.lines.Load(), Bytes: c.bytes.Load(),
		AckedLines: c.ackedLines.Load(), AckedBytes: c.ackedBytes.Load(),
		Split: c.split.Load(), Skipped: c.skipped.Load(),
	}
	var oldest time.Time
	acked := map[tail.FileID]int64{}
	for _, s := range t.streamList() {
		acked[s.id] = s.acked()
		if at, ok := s.window.oldest(); ok && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	if !oldest.IsZero() {
		r.OldestUnackedMS = now.Sub(oldest).Milliseconds()
	}
	waiting := ""
	var fileErr error
	if set != nil {
		st := set.Status()
		waiting, r.Files, r.Unreadable = st.Waiting, st.Files, st.Unreadable
		r.Skipped += st.Skipped
		fileErr = t.fillFiles(&r, set.Files(), acked)
	}
	r.State, r.Error = t.inWords(now, &r, failure, set != nil, waiting, fileErr)
	return status{report: r, since: t.note(r.State, now)}
}

// fillFiles sums the lag and names the files with most of it. It returns the error
// of a file that cannot be read, if there is one.
func (t *task) fillFiles(r *report.Task, files []tail.FileInfo, acked map[tail.FileID]int64) error {
	var firstErr error
	for i := range files {
		f := &files[i]
		pos, ok := acked[f.ID]
		if !ok {
			pos = f.Read
		}
		r.LagBytes += max(0, f.Size-pos)
		if f.Err != nil && firstErr == nil {
			firstErr = f.Err
		}
	}
	slices.SortFunc(files, func(a, b tail.FileInfo) int {
		lagA, lagB := lagOf(a, acked), lagOf(b, acked)
		return cmp.Or(cmp.Compare(lagB, lagA), strings.Compare(a.Path, b.Path))
	})
	for _, f := range files[:min(len(files), topFiles)] {
		pos, ok := acked[f.ID]
		if !ok {
			pos = f.Read
		}
		name := f.Name
		if name == "" {
			name = f.Path
		}
		r.TopFiles = append(r.TopFiles, report.File{Path: name, Size: f.Size, Read: f.Read, Acked: pos, State: f.State})
	}
	return firstErr
}

func lagOf(f tail.FileInfo, acked map[tail.FileID]int64) int64 {
	if pos, ok := acked[f.ID]; ok {
		return f.Size - pos
	}
	return f.Size - f.Read
}

// inWords finds the state of the task and what is wrong, if anything: the first
// cause on the way from the file to Kafka that stops lines.
func (t *task) inWords(now time.Time, r *report.Task, failure error, started bool, waiting string, fileErr error) (state, reason string) {
	topic := t.shared.producer.Topic(t.entry.Topic)
	switch {
	case failure != nil:
		line, _, _ := strings.Cut(failure.Error(), "\n")
		return report.StateFailed, line
	case !started:
		return report.StateStarting, ""
	case strings.HasPrefix(waiting, report.StateNotAllowed):
		return report.StateNotAllowed, waiting
	case strings.HasPrefix(waiting, report.StatePermissionDenied):
		return report.StatePermissionDenied, waiting
	case topic.State != "":
		return topic.State, topic.Err
	case waiting != "":
		if waiting == report.StateWaitingForFile {
			return waiting, ""
		}
		return report.StateWaitingForFile, waiting
	case fileErr != nil:
		if strings.Contains(fileErr.Error(), report.StatePermissionDenied) {
			return report.StatePermissionDenied, fileErr.Error()
		}
		return report.StateFailed, fileErr.Error()
	case r.OldestUnackedMS > behindAfter.Milliseconds():
		return report.StateBehind, ""
	case r.LagBytes > 0 && r.Lines > 0, now.UnixNano()-t.counters.lastRead.Load() < int64(shippingFor):
		return report.StateShipping, ""
	default:
		return report.StateIdle, ""
	}
}

// note remembers since when the task is in a state.
func (t *task) note(state string, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if state != t.state {
		t.state, t.since = state, now
	}
	return t.since
}

// Report is the state of the agent at this moment, as it is published.
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
		r.Tasks = append(r.Tasks, tasks[i].status(now).report)
	}
	return r
}

// presence is what the agent announces in etcd. Shipping, idle and behind are one
// state there: presences change with health, not with traffic, because every change
// stays in etcd's history.
func (a *Agent) presence() etcdcfg.Presence {
	now := time.Now()
	entries, tasks, revision := a.tasks.list()
	list, _ := a.lists.problems()
	p := etcdcfg.Presence{
		ID: a.cfg.ID, Host: a.cfg.Host, Version: a.cfg.Version, PID: a.pid, Started: a.started.UTC(),
		CollectKey: a.cfg.CollectKey, Revision: revision, ListError: list,
		Kafka: a.producer.Stats().Brokers, Tasks: []etcdcfg.TaskState{},
	}
	for i, e := range entries {
		ts := etcdcfg.TaskState{Path: e.Path, Topic: e.Topic, State: report.StateDisabled}
		if tasks[i] != nil {
			st := tasks[i].status(now)
			ts.State, ts.Error, ts.Since = st.report.State, st.report.Error, st.since.UTC()
			switch ts.State {
			case report.StateIdle, report.StateBehind:
				ts.State = report.StateShipping
			}
			if ts.State == report.StateShipping {
				ts.Since = time.Time{}
			}
		}
		p.Tasks = append(p.Tasks, ts)
	}
	return p
}
