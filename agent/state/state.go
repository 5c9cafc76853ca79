package state

import (
	"cmp"
	"sync"
	"time"
)

// Code names a state. Its value is the word that operators read, in reports,
// metrics and on the screen.
type Code string

// State is how a task stands.
type State struct {
	Code   Code
	Since  time.Time // when it became so, as far as known
	Path   string    // the file it is about; empty: the task as a whole
	Detail string    // the reason in full, with what to do; empty where the word says it all
}

// Well says whether an operator need not look at the state.
func (s State) Well() bool { return s.Code.Severity() < Warn }

// Evidence is what is known of a task at one moment.
type Evidence struct {
	Now      time.Time
	Disabled bool
	Foreign  bool   // the path is one of another system
	Failure  string // why the task does not run; empty: it does, or starts
	Waits    bool   // for a task of the same path that sends what it read
	Running  bool   // files are followed

	Topic   State // the first thing that stops lines of the topic; the zero Code: nothing is known to
	Slow    State // what slows the topic down, or hides its lines, without stopping them
	Cluster State // why no broker answers; the zero Code: one does, or nobody asked

	Unasked bool // Kafka has not said anything of the topic yet

	Nothing State // why no file can be read; the zero Code: one can
	Partial State // why the first of some files cannot be read

	OldestUnacked time.Duration // age of the oldest line read and not acknowledged
	LagBytes      int64         // bytes on disk that are not acknowledged
	LinesRead     uint64        // in this run
	LastRead      time.Time     // zero: never
}

// Bounds of the states that traffic makes.
const (
	ShippingFor = 3 * time.Second  // a task is Shipping this long after its last line
	BehindAfter = 15 * time.Second // and Behind when a line waits longer for its acknowledgement
)

// Judge decides the state. Since is that of the evidence, or zero.
func Judge(e Evidence) State {
	switch {
	case e.Disabled:
		return State{Code: Disabled}
	case e.Foreign:
		return State{Code: NotForHost}
	case e.Failure != "":
		return State{Code: Failed, Detail: e.Failure}
	case e.Waits && e.Topic.Code != "":
		return e.Topic // the task before this one cannot send what it read
	case !e.Running:
		return State{Code: Starting}
	case e.Nothing.Code != "" && e.Nothing.Code != WaitingForFile:
		return e.Nothing
	case e.Topic.Code != "":
		return e.Topic
	case e.Cluster.Code != "":
		return e.Cluster
	case e.Unasked:
		return State{Code: Starting}
	case e.Nothing.Code != "":
		return e.Nothing
	case e.Partial.Code != "":
		return e.Partial
	case e.Slow.Code != "":
		return e.Slow
	case e.OldestUnacked > BehindAfter:
		return State{Code: Behind, Detail: "the oldest line waits for " + e.OldestUnacked.Round(time.Second).String() + " for its acknowledgement"}
	case e.LagBytes > 0 && e.LinesRead > 0, e.Now.Sub(e.LastRead) < ShippingFor:
		return State{Code: Shipping}
	}
	return State{Code: Idle}
}

// Tracker remembers since when a task is in its state. The zero value is ready;
// it is safe for concurrent use.
type Tracker struct {
	mu   sync.Mutex
	now  State
	told Code // what Change told of last
}

// Note takes a state that Judge found and returns it with Since filled in. A state
// is the same as the one before when its Code and Path are.
func (t *Tracker) Note(s State, now time.Time) State {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Code == t.now.Code && s.Path == t.now.Path {
		s.Since = t.now.Since
	} else if s.Since.IsZero() {
		s.Since = now
	}
	t.now = s
	return s
}

// Well notes that nothing is in the way of lines, without saying whether any flow.
func (t *Tracker) Well(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.now.Code.flows() || t.now.Code == Starting {
		t.now = State{Code: Shipping, Since: now}
	}
}

// Change returns the state last noted and the Code before it, once for each change
// that an operator cares for: that a task which is well turns from shipping to idle
// and back is none.
func (t *Tracker) Change() (now State, was Code, changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, t.told = t.told, t.now.Code
	plain := func(c Code) bool { return cmp.Or(c, Starting).flows() }
	if t.now.Code == was || t.now.Code == "" || plain(t.now.Code) && plain(was) {
		return t.now, was, false
	}
	return t.now, was, true
}

// flows says whether nothing is in the way of lines.
func (c Code) flows() bool {
	switch c {
	case Starting, Shipping, Idle, Behind:
		return true
	}
	return false
}

// Steady is the code as a presence announces it: Shipping, Idle and Behind are one there,
// for a presence changes with health and not with traffic.
func (c Code) Steady() Code {
	switch c {
	case Idle, Behind:
		return Shipping
	}
	return c
}
