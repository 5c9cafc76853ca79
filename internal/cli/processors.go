package cli

import (
	"context"
	"os"
	"runtime"
	"time"
)

const (
	usageInterval = 250 * time.Millisecond
	busyAbove     = 0.5 // of a processor: all of them are given back
	quietBelow    = 0.2 // of a processor,
	quietFor      = 8   // intervals long: one is enough
)

// processors says on how many processors Go code runs, by what the process uses. With
// little to do, a second one costs more than it brings: whenever a goroutine lets another
// go on, Go wakes a thread for it on the processor that is asleep. For an agent that
// follows a file with 1,000 lines a second that was a third of the CPU.
type processors struct {
	one   bool // one only
	quiet int  // quiet intervals in a row
}

// next takes what share of one processor was used in an interval. It returns whether
// the number is to change.
func (p *processors) next(used float64) bool {
	switch {
	case p.one:
		p.quiet = 0
		p.one = used < busyAbove
		return !p.one
	case used >= quietBelow:
		p.quiet = 0
		return false
	}
	p.quiet++
	p.one = p.quiet >= quietFor
	return p.one
}

// saveProcessors lets the process run on one processor while it is quiet, until ctx
// ends. It does nothing where GOMAXPROCS says how many there are to be, or where the
// system does not tell what was used: cpuTime is what the process has used so far.
func saveProcessors(ctx context.Context, cpuTime func() (time.Duration, bool)) {
	if os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	used, ok := cpuTime()
	if !ok {
		return
	}
	var p processors
	defer func() {
		if p.one {
			runtime.SetDefaultGOMAXPROCS()
		}
	}()
	tick := time.NewTicker(usageInterval)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		before := used
		if used, ok = cpuTime(); !ok {
			return
		}
		if p.next((used - before).Seconds() / max(now.Sub(last).Seconds(), usageInterval.Seconds()/2)) {
			if p.one {
				runtime.GOMAXPROCS(1)
			} else {
				runtime.SetDefaultGOMAXPROCS()
			}
		}
		last = now
	}
}
