package tui

import (
	"cmp"
	"sync"
	"time"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

const (
	reportInterval = 2 * time.Second
	goneFor        = 5 * time.Minute // how long agents that left stay listed
	maxAgents      = 20_000          // more ids than this are not kept apart
	watchDelay     = 5 * time.Second // the watch tells of an edit within this
)

// link is the state of a connection.
type link struct {
	known   bool // something was heard at all
	err     string
	refused bool      // err is that of a server that answers, and does not let this user in
	since   time.Time // of the present state
}

// agentState is what is known of one agent.
type agentState struct {
	id        string
	presence  etcdcfg.Presence
	present   bool      // its presence stands in etcd
	leftAt    time.Time // when it went, if it was present before
	cur, prev *report.Report
	arrivedAt time.Time     // of cur
	heardAt   time.Time     // when the last report came, of which not every one is read
	liveGap   time.Duration // between the last two that came
	every     time.Duration // between the last two by the times of their records; 0: not known
	begun     time.Time     // At of the first live report
}

// fleet gathers lists, presences and reports and makes views of them. Its
// methods are safe for concurrent use; the reports handed in must not be
// changed afterwards.
type fleet struct {
	mu       sync.Mutex
	key      string
	list     etcdcfg.Snapshot
	listAt   time.Time
	haveList bool
	overlaps []etcdcfg.Overlap // of the list
	lookedAt int64             // ModRevision of the list that overlaps are of
	ahead    int64             // revision of an edit of ours that the watch may not have told of yet
	aheadAt  time.Time         // when that was answered
	agents   map[string]*agentState
	saw      bool // presences were delivered at least once
	trends   trends
	past     map[string]*pastOf // by agent
	hour     bool               // trends are of the last hour, not of two minutes
	etcd     link
	duty     link // the watch of presences
	reports  link
	kafka    link
	brokers  int
}

func newFleet(key string) *fleet {
	return &fleet{key: key, agents: map[string]*agentState{}, past: map[string]*pastOf{}, trends: trends{of: map[trendKey]*trend{}}}
}

// switchKey starts over with another collect key; agents and reports are kept.
func (f *fleet) switchKey(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key, f.list, f.haveList, f.ahead, f.overlaps, f.lookedAt = key, etcdcfg.Snapshot{Key: key}, false, 0, nil, 0
}

// setList takes over what the watch says, and returns the list before it. It tells
// whether this is news: a list that is told once more, or that our own edit has
// overtaken, is none; the first one of a key is without a list before it, known is
// false. A lower revision otherwise is that of an etcd that was restored.
func (f *fleet) setList(s etcdcfg.Snapshot, now time.Time) (before etcdcfg.Snapshot, known, news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known = f.list, f.haveList
	older := known && s.ModRevision < before.ModRevision && s.ModRevision != 0
	if s.Key != f.key || older && before.ModRevision == f.ahead && now.Sub(f.aheadAt) < watchDelay {
		return before, known, false
	}
	f.ahead = 0
	return f.takeList(s, now)
}

// setAnswer is setList for the answer to an edit of ours, which may come before the
// watch tells of it, or late.
func (f *fleet) setAnswer(s etcdcfg.Snapshot, now time.Time) (before etcdcfg.Snapshot, known, news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known = f.list, f.haveList
	if s.Key != f.key || known && s.ModRevision < before.ModRevision {
		return before, known, false
	}
	f.ahead, f.aheadAt = s.ModRevision, now
	return f.takeList(s, now)
}

// takeList is called with the lock held.
func (f *fleet) takeList(s etcdcfg.Snapshot, now time.Time) (before etcdcfg.Snapshot, known, news bool) {
	before, known = f.list, f.haveList
	f.list, f.listAt, f.haveList = s, now, true
	return before, known, !known || s.ModRevision != before.ModRevision
}

// overlapsNow are the overlaps of the list; they are looked for once in each. Called with
// the lock held.
func (f *fleet) overlapsNow() []etcdcfg.Overlap {
	if f.lookedAt != f.list.ModRevision {
		f.overlaps, f.lookedAt = etcdcfg.Overlaps(f.list.Entries), f.list.ModRevision
	}
	return f.overlaps
}

// setLink records the state of one of the connections. It tells whether the state
// is another one than before, and whether that is worth an event: the first
// connecting is not. A connection that is lost in other words is lost since it was
// first.
func (f *fleet) setLink(which *link, err string, now time.Time) (changed, event bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if which.known && which.err == err {
		return false, false
	}
	event = which.err != "" || err != ""
	if which.err == "" || err == "" {
		which.since = now
	}
	which.known, which.err = true, err
	return true, event
}

// setRefused notes whether a server that is connected to refuses what is asked of it.
func (f *fleet) setRefused(which *link, refused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	which.refused = refused
}

// setBrokers tells whether the number of brokers is another one than before.
func (f *fleet) setBrokers(n int) (changed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed = f.brokers != n
	f.brokers = n
	return changed
}

// setPresences replaces who is on duty and returns the ids that came and went
// since the last time (none the first time).
func (f *fleet) setPresences(list []etcdcfg.Presence, now time.Time) (came, left []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	here, absent := make(map[string]bool, len(list)), map[string]bool{}
	for _, p := range list {
		a := f.agent(p.ID)
		if a == nil {
			continue
		}
		if p.Duty != etcdcfg.DutyOn {
			absent[p.ID] = true
			continue
		}
		here[p.ID] = true
		if !a.present && f.saw {
			came = append(came, p.ID)
		}
		a.presence, a.present = p, true
	}
	for id, a := range f.agents {
		if a.present && !here[id] {
			a.present, a.leftAt = false, now
			left = append(left, id)
		}
		if !here[id] && !absent[id] {
			a.presence.Duty = etcdcfg.DutyOn // it said goodbye, or was forgotten
		}
	}
	for _, p := range list {
		if a := f.agents[p.ID]; a != nil && absent[p.ID] {
			a.presence.Duty = p.Duty // its tasks stay known
			if a.presence.ID == "" {
				a.presence = p
			}
		}
	}
	f.saw = true
	return came, left
}

func (f *fleet) agent(id string) *agentState {
	a := f.agents[id]
	if a == nil && len(f.agents) < maxAgents {
		a = &agentState{id: id}
		f.agents[id] = a
	}
	return a
}

// heard is that an agent reported, though its report need not have been read.
type heard struct {
	agent string
	every time.Duration // since its report before; 0: not known
}

// addReports takes reports that were read, and who reported; whoever is not among these is
// taken to have reported by its report.
func (f *fleet) addReports(list []report.Report, who []heard, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range who {
		if a := f.agents[h.agent]; a != nil {
			a.liveGap, a.heardAt, a.every = now.Sub(a.heardAt), now, h.every
		}
	}
	for i := range list {
		r := &list[i]
		a := f.agent(r.Agent)
		if a == nil || a.cur != nil && r.At.Before(a.cur.At) && r.StartedAt.Equal(a.cur.StartedAt) {
			continue
		}
		if a.cur != nil && len(a.cur.Doubts) == 0 && (r.At.IsZero() || r.StartedAt.IsZero()) {
			continue // one that says no time that can be takes no place from one that does
		}
		shareText(r)
		a.prev, a.cur = a.cur, r
		if a.begun.IsZero() {
			a.begun = r.At
		}
		if a.prev != nil && !a.prev.StartedAt.Equal(r.StartedAt) {
			a.prev = nil
		}
		if who == nil || a.heardAt.IsZero() {
			a.liveGap, a.heardAt = now.Sub(a.heardAt), now
		}
		a.arrivedAt = now
		if a.prev != nil && a.prev.At.Before(r.At) {
			c := counted{from: a.prev.At, to: r.At, shift: a.shift(now)}
			if p := f.past[r.Agent]; p != nil && p.to.After(c.from) {
				c.from = p.to
			}
			f.trends.between(cmp.Or(r.CollectKey, a.presence.CollectKey, f.key), a.prev, r, c)
		}
	}
}

// pastOf is how far the past of an agent was read.
type pastOf struct {
	last *report.Report
	to   time.Time // its At
}

// addPast takes reports of the past, of each agent in order, for the trends. What live
// reports tell of is not counted once more.
func (f *fleet) addPast(list []report.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range list {
		r := &list[i]
		p := f.past[r.Agent]
		if p == nil {
			if len(f.past) >= maxAgents {
				continue
			}
			p = &pastOf{}
			f.past[r.Agent] = p
		}
		before, key, upTo := p.last, f.key, time.Time{}
		if a := f.agents[r.Agent]; a != nil {
			key, upTo = cmp.Or(a.presence.CollectKey, key), a.begun
		}
		p.last, p.to = r, r.At
		if before == nil || !before.StartedAt.Equal(r.StartedAt) {
			continue
		}
		c := counted{from: before.At, to: r.At}
		if !upTo.IsZero() && c.to.After(upTo) {
			c.to = upTo
		}
		f.trends.between(cmp.Or(r.CollectKey, key), before, r, c)
	}
}

// endPast lets go of the reports of the past.
func (f *fleet) endPast() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.past {
		p.last = nil
	}
}

// widen makes the trends of views those of the last hour, or of the last two minutes.
func (f *fleet) widen(hour bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hour = hour
}

// shift is how far the times of the agent's reports are moved: by nothing, unless reports
// come at their pace although they seem old or of the future.
func (a *agentState) shift(now time.Time) time.Duration {
	off := a.off(now)
	if limit := 3 * a.interval(); off >= -limit && off <= limit || a.liveGap < a.interval()/2 || a.liveGap > limit {
		return 0
	}
	return off
}

// fresh reports whether the agent's last report is of now: it is younger than
// three intervals by its own clock, or reports keep coming at their pace
// although its clock is wrong.
func (a *agentState) fresh(now time.Time) bool {
	if a.cur == nil {
		return false
	}
	limit := 3 * a.interval()
	if now.Sub(a.heardAt) > limit {
		return false
	}
	return a.off(now) <= limit || a.liveGap >= a.interval()/2 && a.liveGap <= limit
}

// freshUntil is when the agent is silent at the latest, unless it reports before;
// zero when it is already.
func (a *agentState) freshUntil(now time.Time) time.Time {
	if !a.fresh(now) {
		return time.Time{}
	}
	return a.heardAt.Add(3 * a.interval())
}

// off is how old its last report would be by its own time, had the last that came been read.
func (a *agentState) off(now time.Time) time.Duration {
	return now.Sub(a.cur.At) - a.heardAt.Sub(a.arrivedAt)
}

// interval is the time between its reports.
func (a *agentState) interval() time.Duration {
	if a.every > 0 {
		return min(max(a.every, reportInterval), time.Minute)
	}
	if a.prev != nil {
		if d := a.cur.At.Sub(a.prev.At); d > reportInterval {
			return min(d, time.Minute)
		}
	}
	return reportInterval
}

// reportAge is how old the last report is.
func (a *agentState) reportAge(now time.Time) time.Duration {
	if a.cur == nil {
		return 0
	}
	if a.fresh(now) {
		return max(now.Sub(a.heardAt), 0)
	}
	return max(a.off(now), now.Sub(a.heardAt), 0)
}

// forget drops agents that left long ago, and reports of agents never seen
// present that are old. Called with the lock held.
func (f *fleet) forget(now time.Time) {
	for id, a := range f.agents {
		if a.present || a.presence.Duty != etcdcfg.DutyOn {
			continue
		}
		gone := a.leftAt
		if a.cur != nil && a.cur.At.After(gone) {
			gone = a.cur.At
		}
		if now.Sub(gone) > goneFor {
			delete(f.agents, id)
		}
	}
}
