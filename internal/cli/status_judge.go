package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

// reportLate is the age from which the newest report of an agent counts as missing.
const reportLate = 15 * time.Second

// statusReport is what status prints; -o json prints it as it is.
type statusReport struct {
	At       time.Time      `json:"at"`
	Healthy  bool           `json:"healthy"`
	Problems []agentProblem `json:"problems"`
	Warnings []agentProblem `json:"warnings"` // all works, and somebody should know all the same
	Notes    []string       `json:"notes,omitempty"`
	Key      string         `json:"key"`
	Revision int64          `json:"revision"` // of the list; 0: no list, or not known
	Etcd     serverStatus   `json:"etcd"`
	Kafka    serverStatus   `json:"kafka"`
	Agents   []agentStatus  `json:"agents"`
	Entries  []entryStatus  `json:"entries"`
}

type serverStatus struct {
	OK      bool   `json:"ok"`
	Refuses bool   `json:"refuses,omitempty"` // it answers, and its user may not see what is asked for
	Answers bool   `json:"answers,omitempty"` // it answers, and reports cannot be read
	Error   string `json:"error,omitempty"`
}

type agentStatus struct {
	ID       string     `json:"id"`
	Host     string     `json:"host"`
	Version  string     `json:"version"`
	OnDuty   *bool      `json:"on_duty"`         // null: etcd is away
	State    state.Code `json:"state,omitempty"` // on duty, lost, never came, ...; empty: etcd is away
	Revision int64      `json:"revision"`
	Kafka    string     `json:"kafka"`
	Started  time.Time  `json:"started"`
	Reported *time.Time `json:"reported"` // null: no report in the window
	Tasks    int        `json:"tasks"`
	Rates    *rates     `json:"rates"`

	doubtful bool      // its presence says what cannot be
	heard    time.Time // when a lost one was heard of last; zero: not known
}

type entryStatus struct {
	Path     string         `json:"path"`
	Topic    string         `json:"topic"`
	Disabled bool           `json:"disabled,omitempty"`
	Agents   int            `json:"agents"` // that have a task for it
	States   map[string]int `json:"states"` // how many are in which state
	Rates    *rates         `json:"rates"`
}

// judge puts the facts together and says what is wrong.
func (d *statusDesk) judge(f *facts) *statusReport {
	s := &statusReport{At: f.at.UTC(), Key: d.key, Revision: f.list.ModRevision, Problems: []agentProblem{}, Warnings: []agentProblem{}, Agents: []agentStatus{}, Entries: []entryStatus{}}
	s.Etcd, s.Kafka = serverStatus{OK: f.etcdErr == nil}, serverStatus{OK: f.kafkaErr == nil}
	if f.etcdErr != nil {
		s.Etcd.Error = f.etcdErr.Error()
		var denied *etcdcfg.DeniedError
		s.Etcd.Refuses = errors.As(f.etcdErr, &denied)
		s.problem(agentProblem{What: s.Etcd.Error + " (who is on duty is taken from the reports)"})
	}
	if f.kafkaErr != nil {
		s.Kafka.Error, s.Kafka.Answers = explainKafka(f.kafkaErr), f.answers
		s.problem(agentProblem{What: s.Kafka.Error + " (rates are not known)"})
	}
	if f.full {
		s.problem(agentProblem{What: `etcd: its storage quota is used up: it takes no edits and no presences: compact and defragment it, then "etcdctl alarm disarm"`})
	}
	if f.clock.Abs() >= report.ClockLimit {
		s.warn(agentProblem{State: state.ClockDiffers, What: report.ClockText(f.clock) + ": set the one that is wrong (chronyc tracking, timedatectl); ages are counted by the broker's"})
	}
	if f.list.Err != nil {
		s.problem(agentProblem{What: fmt.Sprintf("the list under %q is bad, agents keep to the last good one: %v", d.key, f.list.Err)})
	}
	b := &board{d: d, f: f, s: s, entries: map[string]*entryStatus{}, well: map[string]bool{}, told: map[string]bool{}}
	b.fromList()
	b.fromPresences()
	b.fromReports()
	b.finish()
	s.Healthy = len(s.Problems) == 0
	return s
}

func (s *statusReport) problem(p agentProblem) { s.Problems = append(s.Problems, p) }

func (s *statusReport) warn(p agentProblem) { s.Warnings = append(s.Warnings, p) }

func explainKafka(err error) string {
	text := kafka.Explain(err)
	if text == "" {
		text = err.Error()
	}
	if !strings.HasPrefix(text, "kafka") {
		text = "kafka: " + text
	}
	return text
}

// board is where a status is put together.
type board struct {
	d       *statusDesk
	f       *facts
	s       *statusReport
	entries map[string]*entryStatus // by path and topic
	order   []string                // of the list, then what only agents know
	well    map[string]bool         // tasks that ship by their presence, by agent, path and topic
	told    map[string]bool         // tasks of which a presence told what waits, likewise
}

func (b *board) entry(path, topic string) *entryStatus {
	key := etcdcfg.Entry{Path: path, Topic: topic}.Key()
	e := b.entries[key]
	if e == nil {
		e = &entryStatus{Path: path, Topic: topic, States: map[string]int{}}
		b.entries[key] = e
		b.order = append(b.order, key)
	}
	return e
}

func (b *board) fromList() {
	active := 0
	for _, e := range b.f.list.Entries {
		b.entry(e.Path, e.Topic).Disabled = e.Disabled
		if !e.Disabled {
			active++
		}
	}
	if b.f.etcdErr != nil || active == 0 {
		return
	}
	for _, p := range etcdcfg.OnDuty(b.f.presences) {
		if p.CollectKey == b.d.key {
			return
		}
	}
	for _, r := range b.f.reports {
		if b.unannounced(r) {
			return // which is said of each of them
		}
	}
	b.s.problem(agentProblem{What: fmt.Sprintf("no agent is on duty for %q: start one with 'logctl agent'", b.d.key)})
}

// fromPresences takes agents and the states of their tasks.
func (b *board) fromPresences() {
	known := map[string]bool{}
	for _, p := range b.f.presences {
		known[p.ID] = true
		if p.CollectKey != b.d.key && (p.Duty != etcdcfg.DutyAwaited || p.CollectKey != "") {
			continue
		}
		b.presence(p)
	}
	if b.f.etcdErr != nil {
		return
	}
	for _, id := range b.d.expected {
		if !known[id] {
			b.presence(etcdcfg.Presence{ID: id, Duty: etcdcfg.DutyAwaited})
		}
	}
}

// presence takes one agent in.
func (b *board) presence(p etcdcfg.Presence) {
	there := p.Duty == etcdcfg.DutyOn
	a := agentStatus{ID: p.ID, Host: p.Host, Version: p.Version, OnDuty: &there, State: state.OnDuty, Revision: p.Revision, Kafka: p.Kafka, Started: p.Started, Tasks: len(p.Tasks), doubtful: len(p.Doubts) > 0}
	switch {
	case p.Duty == etcdcfg.DutyLost:
		a.State, a.heard = state.Lost, b.lastHeard(p.ID)
		b.s.problem(agentProblem{Agent: p.ID, State: a.State, What: b.lost(p)})
	case p.Duty == etcdcfg.DutyAwaited:
		a.State = state.Awaited
		b.s.problem(agentProblem{Agent: p.ID, State: a.State, What: reasonOf(a.State, "")})
	case len(p.Instances) > 1:
		a.State = state.Twice
		b.s.problem(agentProblem{Agent: p.ID, State: a.State, What: string(a.State) + ": " + strings.Join(p.Instances, " and ") + ": give each its own [agent] id"})
	}
	b.s.Agents = append(b.s.Agents, a)
	b.doubts(p.ID, "announces", p.Doubts)
	if !there {
		return
	}
	switch {
	case len(p.Doubts) > 0: // what it applies is not known
	case p.ListError != "" && b.f.list.Err == nil:
		b.s.problem(agentProblem{Agent: p.ID, What: p.ListError})
	case p.Revision < b.f.list.ModRevision && b.f.list.Err == nil:
		b.s.problem(agentProblem{Agent: p.ID, What: fmt.Sprintf("applies revision %d of the list, which is at %d", p.Revision, b.f.list.ModRevision)})
	}
	if b.outdated(p.ID) {
		return
	}
	for _, t := range p.Tasks {
		b.task(p.ID, t.Path, t.Topic, t.State, t.Error)
		key := p.ID + "\x00" + etcdcfg.Entry{Path: t.Path, Topic: t.Topic}.Key()
		if t.State == string(state.Shipping) {
			b.well[key] = true
		}
		if b.freshReport(p.ID) == nil && t.Lag > 0 { // no report tells how much waits
			b.told[key] = true
			b.waiting(t)
		}
	}
}

// freshReport is the newest report of an agent when it is of now; nil: there is none.
func (b *board) freshReport(id string) *report.Report {
	if r := b.f.reports[id]; r != nil && b.f.kafkaErr == nil && b.f.at.Sub(r.newest.At) <= reportLate {
		return &r.newest
	}
	return nil
}

// outdated takes the tasks of an agent from its report when that says that etcd does not
// take its presence: what stands there is old.
func (b *board) outdated(id string) bool {
	r := b.freshReport(id)
	if r == nil || r.Etcd == "" {
		return false
	}
	b.s.problem(agentProblem{Agent: id, What: "what it announces in etcd is old: " + r.Etcd})
	for _, t := range r.Tasks {
		b.task(id, t.Path, t.Topic, string(t.State), t.Error)
	}
	return true
}

// lastHeard is when an agent reported last, as far as Kafka still knows; else zero.
func (b *board) lastHeard(id string) time.Time {
	if r := b.f.reports[id]; r != nil {
		return r.newest.At
	}
	return b.f.lastHeard[id]
}

// lost says since when an agent is lost, as far as its last report tells.
func (b *board) lost(p etcdcfg.Presence) string {
	since := ""
	if r := b.f.reports[p.ID]; r != nil {
		since = ", last heard of " + shortDuration(b.f.at.Sub(r.newest.At)) + " ago"
	} else if at, ok := b.f.lastHeard[p.ID]; ok {
		since = ", last heard of at " + at.Local().Format("2006-01-02 15:04:05")
	}
	return string(state.Lost) + since + ": it stopped without goodbye: it was killed, its host is away, or it cannot reach etcd. When it is gone for good: logctl agents forget " + p.ID
}

// unannounced says whether an agent of this list reports that etcd does not know.
func (b *board) unannounced(r *reported) bool {
	return r.newest.CollectKey == b.d.key && b.f.at.Sub(r.newest.At) <= reportLate
}

// task counts a task, and what is wrong with it.
func (b *board) task(agent, path, topic, word, text string) {
	e := b.entry(path, topic)
	e.Agents++
	e.States[word]++
	row := state.Of(state.Code(word))
	p := agentProblem{Agent: agent, Path: path, Topic: topic, State: row.Code, What: reasonOf(row.Code, text)}
	switch {
	case row.Severity >= state.Bad:
		b.s.problem(p)
	case row.Severity == state.Warn:
		b.s.warn(p)
	}
}

// fromReports adds numbers and, when etcd is away, everything else.
func (b *board) fromReports() {
	known := map[string]int{}
	for i := range b.s.Agents {
		known[b.s.Agents[i].ID] = i
	}
	for id, rep := range b.f.reports {
		newest := rep.newest
		i, ok := known[id]
		if ok && b.f.at.Sub(newest.At) <= reportLate {
			b.refine(id, newest.Tasks)
		}
		switch {
		case !ok && newest.CollectKey != "" && newest.CollectKey != b.d.key:
			continue // it has another list
		case !ok && b.f.etcdErr == nil && !b.unannounced(rep):
			continue // not on duty any more, or for another key
		case !ok:
			if b.f.etcdErr == nil {
				b.s.problem(agentProblem{Agent: id, What: "reports, but is not announced in etcd: " + cmp.Or(newest.Etcd, "it will be in a moment, or may not write its presence")})
			}
			b.s.Agents = append(b.s.Agents, agentStatus{ID: id, Host: newest.Host, Version: newest.Version, Revision: newest.Revision,
				Kafka: newest.Kafka, Started: newest.StartedAt, Tasks: len(newest.Tasks)})
			i = len(b.s.Agents) - 1
			for _, t := range newest.Tasks {
				b.task(id, t.Path, t.Topic, string(t.State), t.Error)
			}
		}
		if skew := newest.Skew(); skew != 0 {
			b.s.problem(agentProblem{Agent: id, State: state.ClockDiffers, What: string(state.ClockDiffers) + ": " + report.ClockText(skew) + ": set the one that is wrong (chronyc tracking, timedatectl)"})
		}
		b.numbers(&b.s.Agents[i], rep)
	}
}

// refine takes from a report what a presence leaves open: a task that is well is shipping
// there, be it idle or behind.
func (b *board) refine(agent string, tasks []report.Task) {
	for _, t := range tasks {
		if t.State != state.Idle && t.State != state.Behind || !b.well[agent+"\x00"+taskKey(t)] {
			continue
		}
		e := b.entry(t.Path, t.Topic)
		shipping := string(state.Shipping)
		if e.States[shipping]--; e.States[shipping] == 0 {
			delete(e.States, shipping)
		}
		e.States[string(t.State)]++
		if t.State == state.Behind {
			b.s.warn(agentProblem{Agent: agent, Path: t.Path, Topic: t.Topic, State: t.State, What: reasonOf(t.State, t.Error)})
		}
	}
}

// finish looks for agents that do not report, and puts everything in order.
func (b *board) finish() {
	for _, a := range b.s.Agents {
		switch {
		case b.f.kafkaErr != nil || a.OnDuty == nil || !*a.OnDuty || b.d.topic == "":
		case b.f.at.Sub(a.Started) < reportLate: // it has just begun
		case a.Reported == nil && a.Rates != nil: // its report says of no time that can be, which was told
		case a.Reported == nil:
			b.s.problem(agentProblem{Agent: a.ID, What: fmt.Sprintf("no report in %q in the last %v", b.d.topic, b.d.flags.window)})
		case b.f.at.Sub(*a.Reported) > reportLate:
			b.s.problem(agentProblem{Agent: a.ID, What: fmt.Sprintf("its last report is %s old", shortDuration(b.f.at.Sub(*a.Reported)))})
		}
	}
	for _, key := range b.order {
		b.s.Entries = append(b.s.Entries, *b.entries[key])
	}
	slices.SortFunc(b.s.Agents, func(x, y agentStatus) int { return cmp.Compare(x.ID, y.ID) })
	for _, list := range [][]agentProblem{b.s.Problems, b.s.Warnings} {
		slices.SortStableFunc(list, func(x, y agentProblem) int {
			return cmp.Or(cmp.Compare(x.Agent, y.Agent), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Topic, y.Topic))
		})
	}
}
