package agent

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/agent/tail"
	"logctl/etcdcfg"
)

// topFiles is how many files a report names.
const topFiles = 10

// status looks at the task: its counters, files and state.
func (t *task) status(now time.Time) report.Task {
	c := t.counters
	r := report.Task{
		Path: t.entry.Path, Topic: t.entry.Topic,
		Lines: c.lines.Load(), Bytes: c.bytes.Load(),
		AckedLines: c.ackedLines.Load(), AckedBytes: c.ackedBytes.Load(),
		NotPlain: report.NotPlain{Split: c.split.Load(), Skipped: c.skipped.Load()},
		Rules:    report.Ruled{Filtered: c.filtered.Load(), Unparsed: c.unparsed.Load()},
	}
	streams := t.streamList()
	ev, set := t.evidence(now)
	if set != nil {
		st := set.Status()
		r.Files, r.Unreadable, r.DeletedOpen = st.Files, st.Unreadable, st.DeletedOpen
		r.Skipped += st.Skipped
		t.noteGone(&r, now)
		acked := make(map[tail.FileID]int64, len(streams))
		for _, s := range streams {
			acked[s.id] = s.acked()
		}
		fillFiles(&r, set.EachFile, acked)
	}
	if oldest := t.oldest(streams, r.LagBytes); !oldest.IsZero() {
		r.OldestUnackedMS = now.Sub(oldest).Milliseconds()
	}
	ev.OldestUnacked = time.Duration(r.OldestUnackedMS) * time.Millisecond
	ev.LagBytes, ev.LinesRead, ev.LastRead = r.LagBytes, r.Lines, time.Unix(0, c.lastRead.Load())
	st := t.tracker.Note(state.Judge(ev), now)
	r.State, r.Error, r.Since, r.File = st.Code, st.Detail, st.Since.UTC(), st.Path
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

// ranked is a file on its way into a report.
type ranked struct {
	report.File
	rotated bool
	gen     uint64
}

// before orders files for a report: those with most lag first, then those that have their
// name still, then the newest.
func (a *ranked) before(b *ranked) bool {
	if la, lb := max(0, a.Size-a.Acked), max(0, b.Size-b.Acked); la != lb {
		return la > lb
	}
	if a.rotated != b.rotated {
		return b.rotated
	}
	return a.gen > b.gen
}

// fillFiles sums the lag of the files and names those with most of it. A task may
// have ten thousand files, so that they are not sorted.
func fillFiles(r *report.Task, each func(func(tail.FileInfo)), acked map[tail.FileID]int64) {
	var top []ranked // most tasks have one file
	each(func(f tail.FileInfo) {
		pos, ok := acked[f.ID]
		if !ok {
			pos = f.Read
		}
		lag := max(0, f.Size-pos)
		r.LagBytes += lag
		r.SkippedBytes += f.Skipped
		file := ranked{report.File{Path: cmp.Or(f.Name, f.Path), Size: f.Size, Read: f.Read, Acked: pos, Skipped: f.Skipped, State: f.State}, f.Rotated, f.ID.Gen}
		if len(top) == topFiles && !file.before(&top[topFiles-1]) {
			return
		}
		at := slices.IndexFunc(top, func(o ranked) bool { return file.before(&o) })
		if at < 0 {
			at = len(top)
		}
		top = slices.Insert(top, at, file)
		top = top[:min(len(top), topFiles)]
	})
	r.TopFiles = make([]report.File, len(top))
	for i := range top {
		r.TopFiles[i] = top[i].File
	}
}

// evidence gathers what is known of the task but its traffic. The set is nil when the
// task follows nothing.
func (t *task) evidence(now time.Time) (state.Evidence, *tail.Set) {
	t.mu.Lock()
	set, first, failure, waits := t.set, t.first, t.failure, t.waits
	t.mu.Unlock()
	ev := state.Evidence{Now: now, Waits: waits, Running: set != nil, Foreign: foreign(t.entry.Path)}
	if ev.Foreign {
		return ev, nil
	}
	if failure != nil {
		ev.Failure, _, _ = strings.Cut(failure.Error(), "\n")
		return ev, nil
	}
	topic := t.shared.producer.Topic(t.entry.Topic)
	on := state.State{Code: topic.State, Since: topic.Since, Detail: topic.Err}
	ev.Unasked = topic.Unasked
	if topic.Slow {
		ev.Slow = on
	} else {
		ev.Topic = on
	}
	if t.shared.cluster != nil {
		ev.Cluster = t.shared.cluster()
	}
	if set == nil {
		if first != nil {
			if hang := first.Hang(); hang != nil {
				ev.Running, ev.Nothing = true, state.State{Code: fileCode(hang), Path: hang.Path, Detail: hang.Error()}
			}
		}
		return ev, nil
	}
	st := set.Status()
	switch {
	case st.WaitingFor == nil && st.Waiting != "" && outside(t.entry.Path, t.shared.within):
		ev.Nothing = state.State{Code: state.NotAllowed, Detail: "it is " + ErrNotAllowed.Error()}
	case st.WaitingFor != nil:
		ev.Nothing = state.State{Code: fileCode(st.WaitingFor), Detail: st.Waiting}
	case st.Waiting == string(state.WaitingForFile):
		ev.Nothing = state.State{Code: state.WaitingForFile}
	case st.Waiting != "":
		ev.Nothing = state.State{Code: state.WaitingForFile, Detail: st.Waiting}
	}
	if st.ProblemOf != nil {
		ev.Partial = state.State{Code: fileCode(st.ProblemOf), Path: st.ProblemAt, Detail: st.Problem}
	}
	return ev, set
}

// fileCode is the state that an error of a file means.
func fileCode(err error) state.Code {
	switch {
	case errors.Is(err, ErrNotAllowed):
		return state.NotAllowed
	case tail.IsInUse(err):
		return state.FileInUse
	case errors.Is(err, fs.ErrPermission):
		return state.PermissionDenied
	case errors.Is(err, os.ErrDeadlineExceeded):
		return state.FileSystemHangs
	}
	return state.FileUnreadable
}

// Report is the state of the agent at this moment, as it is published. It may be called
// at any time, also before Run and beside its start.
func (a *Agent) Report() report.Report {
	now := time.Now()
	entries, tasks, revision := a.tasks.list()
	r := report.Report{
		Agent: a.cfg.ID, Host: a.cfg.Host, Version: a.cfg.Version,
		At: now.UTC(), StartedAt: a.started.UTC(), Revision: revision,
		Kafka: a.kafkaState(), CollectKey: a.cfg.CollectKey, Twin: a.presences.Twin(), ClockSkewMS: a.skew().Milliseconds(), Tasks: make([]report.Task, 0, len(entries)),
	}
	if _, r.Etcd = a.lists.problems(); r.Etcd == "" {
		r.Etcd = a.presences.Trouble()
	}
	proofs := a.verified.of()
	for i, e := range entries {
		t := report.Task{Path: e.Path, Topic: e.Topic, State: state.Disabled}
		if tasks[i] != nil {
			t = tasks[i].status(now)
		}
		t.Verified = proofs[[2]string{e.Path, e.Topic}]
		r.Tasks = append(r.Tasks, t)
	}
	return r
}

// goneBytes are what was gone before it could be read.
type goneBytes struct {
	bytes uint64
	at    time.Time // when there were more of them than before
}

// noteGone dates bytes that were gone before they could be read: more than were reported
// before were noticed now.
func (t *task) noteGone(r *report.Task, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Unreadable > t.gone.bytes {
		t.gone.at = now.UTC()
	}
	t.gone.bytes, r.UnreadableAt = r.Unreadable, t.gone.at
}

// presence is what the agent announces in etcd. Shipping, idle and behind are one
// state there, and the files of a task that is well are not looked at: presences change
// with health, not with traffic, because every change stays in etcd's history.
func (a *Agent) presence() etcdcfg.Presence {
	now := time.Now()
	entries, tasks, revision := a.tasks.list()
	list, _ := a.lists.problems()
	p := etcdcfg.Presence{
		ID: a.cfg.ID, Host: a.cfg.Host, Version: a.cfg.Version, Commit: a.cfg.Commit, Built: a.cfg.Built, PID: a.pid, Started: a.started.UTC(),
		CollectKey: a.cfg.CollectKey, Revision: revision, ListError: list,
		Kafka: a.kafkaState(), Warnings: a.warnings(), Tasks: make([]etcdcfg.TaskState, 0, len(entries)),
	}
	for i, e := range entries {
		if tasks[i] == nil {
			p.Tasks = append(p.Tasks, etcdcfg.TaskState{Path: e.Path, Topic: e.Topic, State: string(state.Disabled)})
			continue
		}
		p.Tasks = append(p.Tasks, tasks[i].announced(now))
	}
	return p
}

// announced is the task as a presence has it. For one that does not work it tells how
// much waits, since reports may not arrive then: rounded, so that it changes seldom.
func (t *task) announced(now time.Time) etcdcfg.TaskState {
	ev, set := t.evidence(now)
	ev.LastRead = now // whether lines come is not for the presence
	out := etcdcfg.TaskState{Path: t.entry.Path, Topic: t.entry.Topic}
	st := state.Judge(ev)
	if st.Code.Steady() == state.Shipping {
		out.State = string(state.Shipping)
		t.tracker.Well(now)
		t.backlog = 0
		return out
	}
	st = t.tracker.Note(st, now)
	out.State, out.Error, out.File, out.Since = string(st.Code), st.Detail, st.Path, st.Since.UTC()
	streams := t.streamList()
	if set == nil {
		return out
	}
	r := report.Task{}
	acked := make(map[tail.FileID]int64, len(streams))
	for _, s := range streams {
		acked[s.id] = s.acked()
	}
	fillFiles(&r, set.EachFile, acked)
	if r.LagBytes > t.backlog*3/2 || r.LagBytes < t.backlog/2 {
		t.backlog = r.LagBytes
	}
	out.Lag = t.backlog
	if oldest := t.oldest(streams, out.Lag); !oldest.IsZero() {
		out.Oldest = oldest.UTC().Truncate(time.Second)
	}
	return out
}
