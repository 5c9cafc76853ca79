package tail

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// lookersMost is how many looks go on at the same time, without the slow ones.
	lookersMost = 32
	// lookersKept is how many goroutines wait for the next look.
	lookersKept = 2
	// slowAfter is how long a look may take before another one may begin in its place.
	slowAfter = 50 * time.Millisecond
	// slowJobAfter is the same of what opens a Set: it waits for the disk of the positions, too,
	// and thousands of goroutines that wait for one disk make it no faster.
	slowJobAfter = time.Second
	// slowMost is how many looks may be slow. Each holds a thread of the system, and Go
	// ends a program that has 10,000.
	slowMost = 4096
	// together is how much sooner than asked a scan may begin, so that the clock wakes
	// the process once for many.
	together = 4 * time.Millisecond
)

// Rounds takes the looks of many Sets with few goroutines: Set.Run keeps one for each Set,
// whose stack takes 8 KB while nothing happens. Scans begin when they are due, and looks at
// what events told of go first. A look that a file system keeps waiting gives its place to
// another one, so that a mount that hangs stops only the Sets that are on it.
//
// A Set that is followed is in one of these states:
//
//	          due, or told of something            a place is free
//	Resting ─────────────────────────────▶ Queued ────────────────▶ Looking
//	   ▲  │                                  │ ▲                    │  │  │
//	   │  └──── ctx ends ───▶ Over ◀─────────┘ └─ told meanwhile ───┘  │  │ ctx ends
//	   │                       ▲ ▲                                     │  ▼
//	   └───────────────────────┼─┼──────── the look ended ─────────────┘ Ending
//	                           │ └──────── the look failed                │
//	                           └───────────────── the look ended ─────────┘
//
// All methods may be called by any goroutine.
type Rounds struct {
	clock *time.Timer // rings when the first scan is due, or a look is slow
	wake  *sync.Cond  // of lookers that wait
	gone  *sync.Cond  // a looker ended

	mu      sync.Mutex // nothing is called with it held
	running bool       // Run is
	ended   bool       // Run has
	rings   time.Time  // when the clock does; zero: never
	due     dueTurns
	urgent  turnQueue // events told of something
	queue   turnQueue
	picked  int // from the queues
	lookers int // goroutines, without the slow ones
	idle    int // of these
	slow    int
	looking map[*turn]struct{}
}

// turn is a Set's place in Rounds, or that of a function to call.
type turn struct {
	job    func() // to call; nil: a Set is looked at
	set    *Set
	rounds *Rounds
	ctx    context.Context //nolint:containedctx // ends the following of this Set
	ended  func(error)
	pace   pace // of the looker

	// Guarded by rounds.mu.
	phase  turnPhase
	at     time.Time // when the next scan is due
	index  int       // in rounds.due; below 0: not there
	scan   bool      // the next look is a scan
	told   bool      // of something, since the present look began
	begun  time.Time // when the present look began
	slow   bool      // another looker took the place of its own
	unhook func() bool
}

// turnPhase is drawn at Rounds.
type turnPhase uint8

const (
	turnResting turnPhase = iota
	turnQueued
	turnLooking
	turnEnding
	turnOver
)

// NewRounds returns Rounds whose Run must be running for its Sets to be looked at.
func NewRounds() *Rounds {
	r := &Rounds{clock: time.NewTimer(time.Hour), looking: map[*turn]struct{}{}}
	r.clock.Stop()
	r.wake, r.gone = sync.NewCond(&r.mu), sync.NewCond(&r.mu)
	return r
}

// Run looks at the Sets until ctx ends, and waits for the looks under way, but for those
// that a file system does not let end. It returns ctx.Err(). The contexts of the Sets should
// have ended before.
func (r *Rounds) Run(ctx context.Context) error {
	r.mu.Lock()
	r.running = true
	r.ringLocked()
	for range r.urgent.len() + r.queue.len() {
		r.hireLocked()
	}
	r.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			r.close()
			return ctx.Err()
		case <-r.clock.C:
			r.tick()
		}
	}
}

// Follow does for a Set what Set.Run does, without a goroutine that waits: it looks at the
// files until ctx ends or a look fails. Then it calls ended, once, on a goroutine of its
// own, with what Run would have returned. The Set must share its Watcher, or poll.
func (r *Rounds) Follow(ctx context.Context, s *Set, ended func(error)) {
	if s.own {
		go ended(errors.New("tail: a Set with a Watcher of its own needs Run"))
		return
	}
	t := &turn{set: s, rounds: r, ctx: ctx, ended: ended, index: -1, scan: true}
	s.turn.Store(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enqueueLocked(t, &r.queue)
	t.unhook = context.AfterFunc(ctx, func() { r.stop(t) })
}

// Do calls f on one of the goroutines that look, when there is a place: for what opens many
// Sets, so that their first looks do not all go on at once. f is called in any case, also
// when Run has ended.
func (r *Rounds) Do(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		go f()
		return
	}
	r.enqueueLocked(&turn{rounds: r, job: f, index: -1}, &r.queue)
}

// stop ends the following of a Set. It runs on a goroutine of its own.
func (r *Rounds) stop(t *turn) {
	r.mu.Lock()
	switch t.phase {
	case turnResting, turnQueued:
		r.overLocked(t)
		r.mu.Unlock()
		t.ended(t.ctx.Err())
		return
	case turnLooking:
		t.phase = turnEnding
	case turnEnding, turnOver:
	}
	r.mu.Unlock()
}

// overLocked notes that nobody looks at a Set any more. One that is queued is passed over.
func (r *Rounds) overLocked(t *turn) {
	t.phase = turnOver
	if t.index >= 0 {
		heap.Remove(&r.due, t.index)
	}
}

// kick makes the next look at a Set come at once. It waits for nothing.
func (r *Rounds) kick(t *turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch t.phase {
	case turnResting:
		r.enqueueLocked(t, &r.urgent)
	case turnLooking:
		t.told = true
	case turnQueued, turnEnding, turnOver:
	}
}

func (r *Rounds) enqueueLocked(t *turn, q *turnQueue) {
	t.phase = turnQueued
	q.push(t)
	r.hireLocked()
}

// hireLocked finds a goroutine for a look that is queued, if one may be had.
func (r *Rounds) hireLocked() {
	switch {
	case !r.running:
	case r.idle > 0:
		r.idle--
		r.wake.Signal()
	case r.lookers < lookersMost:
		r.lookers++
		go r.lookAround()
	default:
		r.ringLocked()
	}
}

// ringLocked sets the clock.
func (r *Rounds) ringLocked() {
	var at time.Time
	if len(r.due) > 0 {
		at = r.due[0].at
	}
	if r.lookers >= lookersMost && r.slow < slowMost && r.urgent.len()+r.queue.len() > 0 {
		if relief := time.Now().Add(slowAfter); at.IsZero() || relief.Before(at) {
			at = relief
		}
	}
	if !r.running || at.IsZero() || !r.rings.IsZero() && !at.Before(r.rings) {
		return
	}
	r.rings = at
	r.clock.Reset(time.Until(at))
}

// tick queues the scans that are due, and has other goroutines take the place of those
// whose looks are slow.
func (r *Rounds) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rings = time.Time{}
	now := time.Now()
	for soon := now.Add(together); len(r.due) > 0 && !r.due[0].at.After(soon); {
		t := r.due[0]
		heap.Pop(&r.due)
		t.scan = true
		switch t.phase {
		case turnResting:
			r.enqueueLocked(t, &r.queue)
		case turnLooking:
			t.told = true
		case turnQueued, turnEnding, turnOver:
		}
	}
	if r.lookers >= lookersMost {
		r.replaceLocked(now.Add(-slowAfter), now.Add(-slowJobAfter))
		for range min(lookersMost-r.lookers, r.urgent.len()+r.queue.len()) {
			r.hireLocked()
		}
	}
	r.ringLocked()
}

// replaceLocked no longer counts the goroutines whose looks began before a time, and those
// whose jobs began before another one.
func (r *Rounds) replaceLocked(looks, jobs time.Time) {
	for t := range r.looking {
		before := looks
		if t.job != nil {
			before = jobs
		}
		if !t.slow && t.begun.Before(before) && r.slow < slowMost {
			t.slow = true
			r.slow++
			r.lookers--
		}
	}
}

// lookAround is one goroutine that looks at Sets as long as some are queued, and then, if
// too few others do, waits for more.
func (r *Rounds) lookAround() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		t := r.nextLocked()
		if t == nil {
			r.lookers--
			r.gone.Broadcast()
			return
		}
		t.phase, t.told, t.begun = turnLooking, false, time.Now()
		r.lookLocked(t)
		if t.slow {
			t.slow = false
			r.slow--
			r.lookers++
			if r.lookers > lookersMost {
				r.lookers--
				return
			}
		}
	}
}

// lookLocked looks at a Set, or calls a function, without the lock.
func (r *Rounds) lookLocked(t *turn) {
	scan := t.scan
	t.scan = false
	r.looking[t] = struct{}{}
	r.mu.Unlock()
	var next time.Duration
	var err error
	if t.job != nil {
		t.job()
	} else {
		next, err = t.look(scan)
	}
	r.mu.Lock()
	delete(r.looking, t)
	if t.job != nil {
		t.phase = turnOver
		return
	}
	r.lookedLocked(t, next, err)
}

// nextLocked waits for a Set to look at; nil: there is nothing more to do for the caller.
func (r *Rounds) nextLocked() *turn {
	for {
		q := &r.urgent
		if r.picked++; q.len() == 0 || r.picked%4 == 0 && r.queue.len() > 0 {
			q = &r.queue // one in four, however much happens
		}
		if !r.running {
			return nil
		}
		if q.len() > 0 {
			if t := q.pop(); t.phase == turnQueued {
				return t
			}
			continue
		}
		if r.idle >= lookersKept {
			return nil
		}
		r.idle++
		r.wake.Wait() // who wakes one takes it from idle
	}
}

// lookedLocked notes that a look ended. The next scan is due after that time; 0: when it was.
func (r *Rounds) lookedLocked(t *turn, next time.Duration, err error) {
	if err == nil && t.phase == turnEnding {
		err = t.ctx.Err()
	}
	if err != nil {
		r.overLocked(t)
		t.unhook()
		go t.ended(err)
		return
	}
	t.phase = turnResting
	if next > 0 {
		t.at, t.scan = time.Now().Add(next), false
		if t.index >= 0 {
			heap.Fix(&r.due, t.index)
		} else {
			heap.Push(&r.due, t)
		}
		r.ringLocked()
	}
	if t.told || t.scan {
		r.enqueueLocked(t, &r.urgent)
	}
}

// close waits for the looks under way, for hangAfter at most.
func (r *Rounds) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.ended, r.idle = false, true, 0
	for r.queue.len() > 0 {
		if t := r.queue.pop(); t.job != nil {
			go t.job()
		}
	}
	r.wake.Broadcast()
	r.clock.Stop()
	long := time.Now().Add(-hangAfter)
	r.replaceLocked(long, long)
	enough := false
	timer := time.AfterFunc(hangAfter, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		enough = true
		r.gone.Broadcast()
	})
	defer timer.Stop()
	for r.lookers > 0 && !enough {
		r.gone.Wait()
	}
}

// look is one look at the Set. A panic is an error, which ends the following of this Set.
func (t *turn) look(scan bool) (next time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return t.set.look(t.ctx, &t.pace, scan)
}
