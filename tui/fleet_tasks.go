package tui

import (
	"math"
	"time"
	"unique"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

// tasks adds the tasks of an agent, from its report when that is new, else from
// its presence.
func (b *builder) tasks(row *agentRow, a *agentState, ours bool) {
	stale := time.Duration(0)
	if a.cur != nil && !a.fresh(b.now) {
		stale = max(row.age, time.Second)
	}
	var said tasksOf[etcdcfg.TaskState] // by the presence
	if a.present {
		said = announcedTasks(a.presence.Tasks)
	}
	var cur tasksOf[report.Task]
	if a.cur != nil {
		cur = reportedTasks(a.cur)
		before := reportedTasks(a.prev)
		for i := range a.cur.Tasks {
			t := &a.cur.Tasks[i]
			k := taskKey{t.Path, t.Topic}
			tr := taskRow{agent: a.id, present: row.present, stale: stale, state: string(t.State), text: t.Error, since: t.Since, cur: t, prev: before.find(i, k)}
			if p := said.find(i, k); p != nil {
				if !p.Since.IsZero() {
					tr.since = p.Since
				}
				if stale > 0 {
					tr.state, tr.text, tr.told = p.State, p.Error, p
				}
			}
			tr.lines, tr.bytes = math.NaN(), math.NaN()
			if tr.prev != nil && !t.Unknown && !tr.prev.Unknown {
				tr.interval = a.cur.At.Sub(a.prev.At)
				tr.lines = perSecond(tr.prev.Lines, t.Lines, tr.interval)
				tr.bytes = perSecond(tr.prev.Bytes, t.Bytes, tr.interval)
			}
			b.add(row, tr, k, ours)
		}
	}
	for i := range said.tasks { // those that no report names yet, in an order that does not change
		t := &said.tasks[i]
		k := taskKey{t.Path, t.Topic}
		if cur.find(i, k) == nil && said.find(i, k) == t {
			b.add(row, taskRow{agent: a.id, present: a.present, state: t.State, text: t.Error, since: t.Since, told: t, lines: math.NaN(), bytes: math.NaN()}, k, ours)
		}
	}
}

// taskKey names a task of an agent.
type taskKey struct{ path, topic string }

// tasksOf finds tasks in a report or a presence; the zero value has none. Both name the
// tasks of an agent in one order as long as its list is the same.
type tasksOf[T any] struct {
	tasks []T
	key   func(*T) taskKey
	index map[taskKey]*T // made when the order is another one
}

func reportedTasks(r *report.Report) tasksOf[report.Task] {
	if r == nil {
		return tasksOf[report.Task]{}
	}
	return tasksOf[report.Task]{tasks: r.Tasks, key: func(t *report.Task) taskKey { return taskKey{t.Path, t.Topic} }}
}

func announcedTasks(list []etcdcfg.TaskState) tasksOf[etcdcfg.TaskState] {
	return tasksOf[etcdcfg.TaskState]{tasks: list, key: func(t *etcdcfg.TaskState) taskKey { return taskKey{t.Path, t.Topic} }}
}

// find returns the task of a key, which is likely to be the i-th; nil when there is none.
func (o *tasksOf[T]) find(i int, k taskKey) *T {
	if i < len(o.tasks) && o.key(&o.tasks[i]) == k {
		return &o.tasks[i]
	}
	if o.index == nil {
		o.index = make(map[taskKey]*T, len(o.tasks))
		for i := range o.tasks {
			o.index[o.key(&o.tasks[i])] = &o.tasks[i]
		}
	}
	return o.index[k]
}

// shareText makes a report share its text with others: those of thousands of agents name
// the same paths, topics and states.
func shareText(r *report.Report) {
	r.Tasks = exact(r.Tasks)
	for i := range r.Tasks {
		t := &r.Tasks[i]
		t.TopFiles = exact(t.TopFiles)
		t.Path, t.Topic, t.File = share(t.Path), share(t.Topic), share(t.File)
		for k := range t.TopFiles {
			f := &t.TopFiles[k]
			f.Path, f.State = share(f.Path), share(f.State)
		}
	}
}

// exact is a list without the spare room that a decoder leaves.
func exact[T any](list []T) []T {
	if cap(list)-len(list) <= len(list)/8 {
		return list
	}
	return append(make([]T, 0, len(list)), list...)
}

// share returns the one copy of a text.
func share(s string) string {
	if s == "" {
		return s
	}
	return unique.Make(s).Value()
}

func perSecond(before, after uint64, d time.Duration) float64 {
	if after < before || d <= 0 {
		return math.NaN()
	}
	return float64(after-before) / d.Seconds()
}
