package agent

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"logctl/agent/tail"
	"logctl/agent/transform"
)

// pumpsPerTask is how many files of one task are read at the same time.
const pumpsPerTask = 8

// pumps are the goroutines that read the files of one life of a task, and send the events of
// several lines that their files hold. There are as many as
// files are ready, at most pumpsPerTask, and none while nothing is: a waiting goroutine
// costs 5 KB, so that eight of them for each of 5,000 tasks took 200 MB.
type pumps struct {
	task *task

	mu      sync.Mutex
	phase   pumpsPhase
	alive   int
	holding bool        // an event may be held since the clock rang last
	clock   *time.Timer // rings for held events; nil: it does not

	// Set by begin.
	ctx   context.Context //nolint:containedctx // of the life whose goroutines these are
	group *errgroup.Group
	set   *tail.Set
	rules *transform.Rules
}

// pumpsPhase says whether pumps may run:
//
//	pumpsWaiting ──begin──▶ pumpsOpen ──end──▶ pumpsEnded
//	      └──────────────────end──────────────────▲
type pumpsPhase uint8

const (
	pumpsWaiting pumpsPhase = iota
	pumpsOpen
	pumpsEnded
)

// begin lets pumps run in a group, for the files of a Set.
func (p *pumps) begin(ctx context.Context, g *errgroup.Group, set *tail.Set, rules *transform.Rules) {
	p.mu.Lock()
	if p.phase == pumpsWaiting {
		p.phase, p.ctx, p.group, p.set, p.rules = pumpsOpen, ctx, g, set, rules
	}
	p.mu.Unlock()
	p.wake() // for what became ready before
}

// end lets no more pumps start; the group may be waited for from then on.
func (p *pumps) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = pumpsEnded
	p.task.shared.closed.leave(p.task.entry.Topic, p)
	p.task.counters.blocked.Store(0)
	if p.clock != nil {
		p.clock.Stop()
	}
}

// wake starts a pump when one more may run. The Set calls it with its lock held.
func (p *pumps) wake() { p.start(nil) }

// start is wake, reports whether a pump was started, and has it call ended when it ends
// unless that is nil.
func (p *pumps) start(ended func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase != pumpsOpen || p.alive >= pumpsPerTask {
		return false
	}
	if p.blockedLocked() {
		p.task.counters.blocked.CompareAndSwap(0, time.Now().UnixNano())
		return false
	}
	p.alive++
	p.group.Go(guard(func() error {
		if ended != nil {
			defer ended()
		}
		return p.run()
	}))
	return true
}

// run reads files as long as any is ready.
func (p *pumps) run() error {
	for {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		f := p.next()
		if f == nil {
			p.count(-1)
			// One that became ready since the look woke nobody if all pumps were alive.
			if f = p.next(); f == nil {
				return nil
			}
			p.count(1)
		}
		p.hold()
		if err := p.task.pump(p.ctx, f, p.rules); err != nil {
			return err
		}
		p.hold()
	}
}

// next returns a file to read; nil: none is ready, or nothing may be read now.
func (p *pumps) next() *tail.File {
	p.mu.Lock()
	blocked := p.blockedLocked()
	p.mu.Unlock()
	if blocked {
		return nil
	}
	return p.set.TryReady()
}

// hold has events of several lines that a pump leaves behind sent once they have waited
// long enough for more lines. A pump calls it before it reads, too, for those of other files.
func (p *pumps) hold() {
	if !p.rules.Holds() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = true
	p.windLocked()
}

// windLocked has the clock ring, unless it will.
func (p *pumps) windLocked() {
	if p.phase == pumpsOpen && p.clock == nil {
		p.clock = time.AfterFunc(p.rules.Wait(p.task.shared.times.event)/4, p.ring)
	}
}

// ring starts the goroutine that sends what was held for long.
func (p *pumps) ring() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == pumpsOpen {
		p.holding = false
		p.group.Go(guard(p.flush))
	}
}

func (p *pumps) flush() error {
	held, err := p.task.flushEvents(p.ctx, time.Now().Add(-p.rules.Wait(p.task.shared.times.event)))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock = nil
	if p.holding = p.holding || held; p.holding {
		p.windLocked()
	}
	return err
}

func (p *pumps) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive += n
}
