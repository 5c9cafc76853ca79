package tui

import (
	"math"
	"slices"
	"sort"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/safe"
)

// fleetView is one state of everything the home screens show. It is immutable,
// so that the UI goroutine needs no lock.
type fleetView struct {
	at       time.Time
	key      string
	list     etcdcfg.Snapshot
	haveList bool
	listAt   time.Time
	entries  []entryRow
	agents   []agentRow
	present  int        // agents on duty, of any key
	absent   []agentRow // of this key, that should be there and are not
	problems []problem
	overlaps []etcdcfg.Overlap
	etcd     link
	kafka    link
	duty     link // presences
	saw      bool // presences were delivered: without them nobody is known to be off duty
	reports  link
	brokers  int
	applied  int // agents of this key that run the list shown
	audience int // agents of this key on duty
	pending  []agentRow
	lines    float64 // a second, all entries; NaN unknown
	bytes    float64
	lag      int64
	spark    []float64
	hour     bool      // trends are of the last hour, not of two minutes
	oldRates bool      // lines and bytes are those of agents that are silent
	restless bool      // something is ageing: look again without news
	silentAt time.Time // when the first agent is silent if none reports; zero: none reports now
}

// entryRow is one entry with what all agents make of it.
type entryRow struct {
	entry   etcdcfg.Entry
	index   int // in the list
	key     string
	running int // agents that run it without trouble
	of      int // agents of this key on duty
	state   string
	since   time.Time // of the state, zero unknown
	lines   float64   // a second; NaN unknown; the last known ones when stale
	bytes   float64
	old     [2]float64    // lines and bytes a second of agents that are silent
	lag     int64         // bytes not acknowledged
	lagAge  time.Duration // age of the oldest line not acknowledged
	known   bool          // any report was seen
	unknown bool          // a report of it has numbers that cannot be
	stale   time.Duration // age of the newest report when it is old, else 0
	spark   []float64
	trouble []trouble
	tasks   []taskRow
}

// trouble is one agent that cannot do an entry.
type trouble struct {
	agent, state, text string
	since              time.Time
}

// taskRow is one entry on one agent.
type taskRow struct {
	agent    string
	present  bool
	stale    time.Duration
	state    string
	text     string
	since    time.Time
	lines    float64
	bytes    float64
	told     *etcdcfg.TaskState // what its presence says; nil: a report says it newer
	cur      *report.Task       // nil: only its presence is known
	prev     *report.Task
	interval time.Duration // between prev and cur
}

// agentRow is one agent.
type agentRow struct {
	id, host, version, key string
	commit, built          string // of the agent's build; empty: not known
	started                time.Time
	pid                    int
	present                bool
	leftAt                 time.Time
	heard                  time.Time // its last report
	duty                   etcdcfg.Duty
	twins                  []string // what each of several processes with its id says of itself
	revision               int64
	behind                 bool // runs another revision than the list shown
	listError              string
	etcd                   string        // why etcd does not take its presence, by its report; empty: it does, as far as known
	warnings               []string      // what it says of itself though its tasks work
	skew                   time.Duration // of its clock, ahead of the broker's; 0: not off, or not known
	kafka                  string
	tasks, bad             int
	lines, bytes           float64
	lag                    int64
	age                    time.Duration // of the last report
	fresh, reported        bool
	state                  string   // the worst of its tasks
	doubts                 []string // what its presence and report say that cannot be
	unknown                bool     // some numbers of its tasks are such
}

// build makes a view of now; it takes a few milliseconds with a thousand agents
// and belongs off the UI goroutine.
func (f *fleet) build(now time.Time) *fleetView {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(now)
	v := &fleetView{
		at: now, key: f.key, list: f.list, haveList: f.haveList, listAt: f.listAt,
		etcd: f.etcd, kafka: f.kafka, duty: f.duty, saw: f.saw, reports: f.reports, brokers: f.brokers,
		lines: math.NaN(), bytes: math.NaN(), overlaps: f.overlapsNow(),
	}
	b := &builder{fleet: f, view: v, now: now, index: make(map[taskKey]int, len(f.list.Entries))}
	b.entries()
	for _, id := range sortedIDs(f.agents) {
		b.agent(f.agents[id])
	}
	b.finish()
	v.problems = problemsOfView(v)
	f.addTrends(v, now)
	return v
}

func sortedIDs(m map[string]*agentState) []string {
	ids := make([]string, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

type builder struct {
	fleet *fleet
	view  *fleetView
	now   time.Time
	index map[taskKey]int // row of an entry
}

func (b *builder) entries() {
	b.view.entries = make([]entryRow, len(b.fleet.list.Entries))
	for i, e := range b.fleet.list.Entries {
		k := e.Key()
		b.view.entries[i] = entryRow{entry: e, index: i, key: k, lines: math.NaN(), bytes: math.NaN(), old: [2]float64{math.NaN(), math.NaN()}}
		b.index[taskKey{e.Path, e.Topic}] = i
	}
}

// agent adds one agent: its row, and its part of each entry.
func (b *builder) agent(a *agentState) {
	v, fresh := b.view, a.fresh(b.now)
	here := b.here(a)
	row := agentRow{
		id: a.id, present: here, leftAt: a.leftAt, fresh: fresh, reported: a.cur != nil,
		age: a.reportAge(b.now), lines: math.NaN(), bytes: math.NaN(),
	}
	p := a.presence
	row.host, row.version, row.key, row.started, row.pid = p.Host, p.Version, p.CollectKey, p.Started, p.PID
	row.commit, row.built = p.Commit, p.Built
	row.revision, row.listError, row.kafka = p.Revision, p.ListError, p.Kafka
	row.duty, row.twins, row.doubts, row.warnings = p.Duty, p.Instances, p.Doubts, p.Warnings
	if a.cur != nil {
		row.heard = a.cur.At
	}
	if p.Duty != etcdcfg.DutyOn && (p.CollectKey == v.key || p.CollectKey == "") {
		v.absent = append(v.absent, row)
	}
	if a.cur != nil {
		b.fromReport(&row, a)
	}
	ours := row.key == v.key || row.key == "" && a.cur != nil
	if here && (a.present || row.etcd != "") {
		v.present++
	}
	if here && (a.present || row.etcd != "") && row.key == v.key {
		v.audience++
		row.behind = v.haveList && len(p.Doubts) == 0 && v.list.Err == nil && row.revision < v.list.ModRevision
		if row.behind || row.listError != "" {
			v.pending = append(v.pending, row)
		} else {
			v.applied++
		}
	}
	b.tasks(&row, a, ours)
	if p.Duty == etcdcfg.DutyOn && (!fresh && a.cur != nil || !here) {
		v.restless = true
	}
	if at := a.freshUntil(b.now); !at.IsZero() && (v.silentAt.IsZero() || at.Before(v.silentAt)) {
		v.silentAt = at
	}
	v.agents = append(v.agents, row)
}

// here reports whether an agent is on duty. Where etcd does not tell, those that report
// are, and so is one whose reports say why etcd does not take its presence.
func (b *builder) here(a *agentState) bool {
	if a.present || !a.fresh(b.now) {
		return a.present
	}
	return !b.fleet.saw || a.cur.Etcd != "" && a.presence.Duty == etcdcfg.DutyOn
}

func (b *builder) fromReport(row *agentRow, a *agentState) {
	r := a.cur
	if row.host == "" {
		row.host, row.version, row.started = r.Host, r.Version, r.StartedAt
	}
	if a.fresh(b.now) {
		row.skew, row.etcd = r.Skew(), r.Etcd
	}
	if row.key == "" {
		row.key = r.CollectKey
	}
	if r.Kafka != "" && a.fresh(b.now) {
		row.kafka = r.Kafka
	}
	if !a.present {
		row.revision = r.Revision
	}
	for i := range r.Tasks {
		row.lag = safe.Sum(row.lag, r.Tasks[i].LagBytes)
		row.unknown = row.unknown || r.Tasks[i].Unknown
	}
	row.doubts = append(slices.Clip(row.doubts), r.Doubts...)
}

// add counts one task into its agent and its entry.
func (b *builder) add(row *agentRow, t taskRow, key taskKey, ours bool) {
	row.tasks++
	if severity(t.state) >= sevBad {
		row.bad++
	}
	row.state = worse(row.state, t.state)
	row.lines, row.bytes = plus(row.lines, t.lines), plus(row.bytes, t.bytes)
	i, ok := b.index[key]
	if !ok || !ours {
		return
	}
	e := &b.view.entries[i]
	e.tasks = append(e.tasks, t)
	e.unknown = e.unknown || t.cur != nil && t.cur.Unknown
	if lag, oldest, ok := t.backlog(b.now); ok {
		e.known = true
		e.lag = safe.Sum(e.lag, lag)
		e.lagAge = max(e.lagAge, oldest)
	}
	if !t.present {
		return
	}
	if worse(e.state, t.state) != e.state || e.since.IsZero() {
		e.since = t.since
	}
	e.state = worse(e.state, t.state)
	if t.stale > 0 {
		e.old[0], e.old[1] = plus(e.old[0], t.lines), plus(e.old[1], t.bytes)
	} else {
		e.lines, e.bytes = plus(e.lines, t.lines), plus(e.bytes, t.bytes)
	}
	if severity(t.state) >= sevBad {
		e.trouble = append(e.trouble, trouble{agent: t.agent, state: t.state, text: t.text, since: t.since})
	} else {
		e.running++
	}
}

// backlog is what waits: by the presence while no report comes and it tells, else by the
// last report. ok is false when nothing is known.
func (t *taskRow) backlog(now time.Time) (bytes int64, oldest time.Duration, ok bool) {
	switch {
	case t.told != nil && t.told.Lag > 0:
		if !t.told.Oldest.IsZero() {
			oldest = max(0, now.Sub(t.told.Oldest))
		}
		return t.told.Lag, oldest, true
	case t.cur != nil:
		return t.cur.LagBytes, time.Duration(t.cur.OldestUnackedMS) * time.Millisecond, true
	}
	return 0, 0, false
}

// plus adds rates of which any may be unknown.
func plus(a, b float64) float64 {
	switch {
	case math.IsNaN(b):
		return a
	case math.IsNaN(a):
		return b
	}
	return a + b
}

func (b *builder) finish() {
	v := b.view
	old := [2]float64{math.NaN(), math.NaN()}
	for i := range v.entries {
		e := &v.entries[i]
		e.of = v.audience
		e.stale = staleness(e.tasks)
		switch {
		case e.entry.Disabled:
			e.state = string(state.Disabled)
		case e.state == "" && !v.saw:
			e.state = stateUnknown
		case e.state == "" && v.audience == 0:
			e.state = stateNoAgent
		case e.state == "":
			e.state = statePending
		}
		v.lines, v.bytes = plus(v.lines, e.lines), plus(v.bytes, e.bytes)
		v.lag = safe.Sum(v.lag, e.lag)
		if e.stale > 0 {
			e.lines, e.bytes = e.old[0], e.old[1]
			old[0], old[1] = plus(old[0], e.lines), plus(old[1], e.bytes)
		}
	}
	if math.IsNaN(v.lines) && !math.IsNaN(old[0]) {
		v.lines, v.bytes, v.oldRates = old[0], old[1], true
	}
}

// staleness is the age of the newest report of the tasks, 0 when one is fresh.
func staleness(tasks []taskRow) time.Duration {
	out := time.Duration(0)
	for _, t := range tasks {
		if t.stale == 0 {
			return 0
		}
		if out == 0 || t.stale < out {
			out = t.stale
		}
	}
	return out
}

// addTrends puts the trends into the view.
func (f *fleet) addTrends(v *fleetView, now time.Time) {
	f.trends.sweep(now)
	for i := range v.entries {
		e := &v.entries[i]
		e.spark = f.trends.of[trendKey{v.key, e.entry.Path, e.entry.Topic}].samples(now, f.hour)
	}
	v.spark, v.hour = f.trends.of[trendKey{list: v.key}].samples(now, f.hour), f.hour
}
