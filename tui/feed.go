package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

const (
	buildPause   = time.Second            // between two views while reports come
	buildShare   = 30                     // building views takes a thirtieth of the time at most
	urgentPause  = 100 * time.Millisecond // after a change that somebody waits for
	brokersPause = 5 * time.Second
	pastPause    = 15 * time.Second // before the past is asked for once more
	brokersLimit = 4 * time.Second
)

// feed runs the watches behind the home screens and publishes views. It has one
// owner, which starts it and waits for the keeper; view, news and useKey are
// safe for concurrent use.
type feed struct {
	ports   ports
	keep    *keeper
	fleet   *fleet
	journal *journal
	now     func() time.Time

	current atomic.Pointer[fleetView]
	news    chan struct{} // cap 1: a view was published since the last receive
	poke    chan struct{} // cap 1: something came in
	urgent  atomic.Bool
	keys    chan string // the collect key to follow
}

func newFeed(p ports, keep *keeper, j *journal, key string, now func() time.Time) *feed {
	f := &feed{
		ports: p, keep: keep, fleet: newFleet(key), journal: j, now: now,
		news: make(chan struct{}, 1), poke: make(chan struct{}, 1), keys: make(chan string, 8),
	}
	f.current.Store(f.fleet.build(now()))
	return f
}

// view is the newest view, never nil.
func (f *feed) view() *fleetView { return f.current.Load() }

// start runs the watches until ctx ends.
func (f *feed) start(ctx context.Context) {
	if f.ports.entries != nil {
		f.keep.spawn(func() { f.watchList(ctx) })
	}
	if f.ports.agents != nil {
		f.keep.spawn(func() { f.watchAgents(ctx) })
	}
	if f.ports.reports != nil {
		f.keep.spawn(func() { f.readReports(ctx) })
		f.keep.spawn(func() { f.readPast(ctx) })
	}
	if f.ports.topics != nil {
		f.keep.spawn(func() { f.watchBrokers(ctx) })
	}
	f.keep.spawn(func() { f.publish(ctx) })
}

// useKey follows another collect key from now on.
func (f *feed) useKey(key string) {
	select {
	case f.keys <- key:
	default:
	}
}

// widen makes the trends those of the last hour, or of the last two minutes.
func (f *feed) widen(hour bool) {
	f.fleet.widen(hour)
	f.touch(true)
}

// touch asks for a new view, soon when urgent.
func (f *feed) touch(urgent bool) {
	if urgent {
		f.urgent.Store(true)
	}
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// publish builds a view when something came in, at most every buildPause, or
// urgentPause when somebody waits; once a second while something is ageing; and when
// an agent of which nothing is heard any more falls silent. Of a fleet so big that
// building takes long, views are rarer.
func (f *feed) publish(ctx context.Context) {
	f.rebuild()
	timer := time.NewTimer(buildPause)
	defer timer.Stop()
	last, waiting := f.now(), false
	took := time.Duration(0) // the last view
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.poke:
			pause := max(buildPause, buildShare*took)
			if f.urgent.Load() {
				pause = urgentPause
			}
			if waiting && !f.urgent.Load() {
				continue
			}
			waiting = true
			timer.Reset(max(pause-f.now().Sub(last), 0))
		case <-timer.C:
			f.urgent.Store(false)
			waiting = false
			began := time.Now()
			f.rebuild()
			took, last = time.Since(began), f.now()
			switch v := f.view(); {
			case v.restless:
				waiting = true
				timer.Reset(max(buildPause, buildShare*took))
			case !v.silentAt.IsZero():
				timer.Reset(max(v.silentAt.Sub(last)+time.Millisecond, buildPause))
			}
		}
	}
}

func (f *feed) rebuild() {
	f.current.Store(f.fleet.build(f.now()))
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// watchList follows one key after the other.
func (f *feed) watchList(ctx context.Context) {
	key := f.fleet.keyNow()
	for ctx.Err() == nil {
		sub, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		f.keep.spawn(func() {
			defer close(done)
			f.follow(sub, "etcd", &f.fleet.etcd, func(onState func(error)) error {
				return f.ports.entries.Watch(sub, key, func(s etcdcfg.Snapshot) { f.gotList(ctx, s) }, onState)
			})
		})
		select {
		case <-ctx.Done():
		case key = <-f.keys:
			f.fleet.switchKey(key)
			f.touch(true)
		}
		cancel()
		<-done
	}
}

// gotList takes what the watch says.
func (f *feed) gotList(ctx context.Context, s etcdcfg.Snapshot) {
	before, known, news := f.fleet.setList(s, f.now())
	f.touch(true)
	switch {
	case !news: // our own edit comes twice: as its answer, and over the watch
	case s.Err != nil:
		f.journal.add("list", true, fmt.Sprintf("rev %d of %s is not usable: %v", s.ModRevision, s.Key, s.Err))
	case known:
		f.keep.spawn(func() { f.tell(before, s, f.author(ctx, s)) })
	}
}

// gotAnswer takes the answer to an edit of ours.
func (f *feed) gotAnswer(s etcdcfg.Snapshot) {
	before, known, news := f.fleet.setAnswer(s, f.now())
	f.touch(true)
	if news && known {
		f.tell(before, s, " by you")
	}
}

func (f *feed) tell(before, s etcdcfg.Snapshot, by string) {
	f.journal.add("list", false, fmt.Sprintf("%s is at rev %d%s: %s", s.Key, s.ModRevision, by, listChange(before, s)))
	f.touch(true)
}

// author looks up who made the list what it is; "" when that is not to be had.
func (f *feed) author(ctx context.Context, s etcdcfg.Snapshot) string {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	changes, err := f.ports.entries.History(ctx, s.Key, 10) // more than one: others may have come since
	if err != nil {
		return ""
	}
	for _, c := range changes {
		if c.Revision == s.ModRevision {
			return " by " + c.Who
		}
	}
	return ", not by logctl"
}

// listChange puts the difference of two lists in words.
func listChange(a, b etcdcfg.Snapshot) string {
	if b.ModRevision == 0 {
		return "the key was deleted"
	}
	was := map[string]etcdcfg.Entry{}
	for _, e := range a.Entries {
		was[e.Key()] = e
	}
	var parts []string
	for _, e := range b.Entries {
		old, ok := was[e.Key()]
		delete(was, e.Key())
		switch {
		case !ok:
			parts = append(parts, "+ "+e.Path+" → "+e.Topic)
		case old.Equal(e):
		case old.Disabled != e.Disabled && e.Disabled:
			parts = append(parts, "paused "+e.Path)
		case old.Disabled != e.Disabled:
			parts = append(parts, "resumed "+e.Path)
		default:
			parts = append(parts, "changed "+e.Path)
		}
	}
	for _, e := range a.Entries {
		if _, ok := was[e.Key()]; ok {
			parts = append(parts, "- "+e.Path+" → "+e.Topic)
		}
	}
	if len(parts) == 0 {
		return "same entries"
	}
	if len(parts) > 4 {
		return plural(len(parts), "change")
	}
	return strings.Join(parts, ", ")
}

func (f *feed) watchAgents(ctx context.Context) {
	f.follow(ctx, "presences", &f.fleet.duty, func(onState func(error)) error {
		return f.ports.agents.WatchPresences(ctx, func(list []etcdcfg.Presence) {
			came, left := f.fleet.setPresences(list, f.now())
			f.comings("came on duty", false, came)
			f.comings("left", true, left)
			f.touch(true)
		}, onState)
	})
}

func (f *feed) comings(what string, bad bool, ids []string) {
	switch {
	case len(ids) == 0:
	case len(ids) > 5:
		f.journal.add("agent", bad, fmt.Sprintf("%s %s: %s, ...", plural(len(ids), "agent"), what, strings.Join(ids[:3], ", ")))
	default:
		f.journal.add("agent", bad, fmt.Sprintf("%s %s", strings.Join(ids, ", "), what))
	}
}

func (f *feed) readReports(ctx context.Context) {
	f.follow(ctx, "reports", &f.fleet.reports, func(onState func(error)) error {
		return f.ports.reports.Reports(ctx, func(list []report.Report, who []heard) {
			f.fleet.addReports(list, who, f.now())
			f.touch(false)
		}, onState)
	})
}

// readPast fills the trends from the reports of the last hour, once. While Kafka does not
// answer, it is tried again.
func (f *feed) readPast(ctx context.Context) {
	defer f.fleet.endPast()
	for ctx.Err() == nil {
		err := f.ports.reports.Past(ctx, func(list []report.Report) {
			f.fleet.addPast(list)
			f.touch(false)
		})
		if err == nil {
			return
		}
		sleep(ctx, pastPause)
	}
}

func (f *feed) watchBrokers(ctx context.Context) {
	for ctx.Err() == nil {
		sub, cancel := context.WithTimeout(ctx, brokersLimit)
		list, err := f.ports.topics.Brokers(sub)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if f.fleet.setBrokers(len(list)) {
				f.touch(true)
			}
			f.state("kafka", &f.fleet.kafka, nil)
		} else {
			f.state("kafka", &f.fleet.kafka, errors.New(f.ports.topics.Explain(err)))
		}
		sleep(ctx, brokersPause)
	}
}

// follow runs a watch until ctx ends; when it returns early it is run again
// after a pause.
func (f *feed) follow(ctx context.Context, name string, which *link, run func(onState func(error)) error) {
	for ctx.Err() == nil {
		err := run(func(err error) { f.state(name, which, err) })
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("the watch ended")
		}
		f.state(name, which, err)
		sleep(ctx, time.Second)
	}
}

// state records a connection's state. It is told again and again; only a change of
// it is worth a new view.
func (f *feed) state(name string, which *link, err error) {
	text := ""
	if err != nil {
		text = clean(err.Error())
	}
	var denied *etcdcfg.DeniedError
	f.fleet.setRefused(which, errors.As(err, &denied))
	changed, event := f.fleet.setLink(which, text, f.now())
	switch {
	case !changed:
		return
	case event && text == "":
		f.journal.add(name, false, "connected again")
	case event:
		f.journal.add(name, true, text)
	}
	f.touch(true)
}

func (f *fleet) keyNow() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.key
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
