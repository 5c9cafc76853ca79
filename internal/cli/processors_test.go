package cli

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"logctl/internal/testkit"
)

func TestProcessors(t *testing.T) {
	var p processors
	feed := func(used float64, times int) (changes int) {
		for range times {
			if p.next(used) {
				changes++
			}
		}
		return changes
	}
	for i, step := range []struct {
		used    float64
		times   int
		changes int
		one     bool
	}{
		{1.9, 100, 0, false},
		{0.1, quietFor - 1, 0, false},
		{0.3, 1, 0, false}, // neither quiet nor busy: counted anew
		{0.1, quietFor - 1, 0, false},
		{0.1, 1, 1, true},
		{0.4, 1000, 0, true}, // not busy enough
		{0.6, 1, 1, false},
		{0.6, 100, 0, false},
		{0, quietFor, 1, true},
		{1, 1, 1, false},
	} {
		if changes := feed(step.used, step.times); changes != step.changes || p.one != step.one {
			t.Errorf("step %d: %d changes, one %v; want %d, %v", i, changes, p.one, step.changes, step.one)
		}
	}
}

// TestSaveProcessors is not parallel: it changes the whole process. What is used is told
// by the test: on a machine with other work a busy loop gets little of a processor.
func TestSaveProcessors(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	runtime.SetDefaultGOMAXPROCS()
	all := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(3)
	defer runtime.SetDefaultGOMAXPROCS()
	var busy atomic.Bool
	var used atomic.Int64
	usage := func() (time.Duration, bool) {
		if busy.Load() {
			used.Add(int64(time.Hour))
		}
		return time.Duration(used.Load()), true
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		saveProcessors(ctx, usage)
	}()
	testkit.Eventually(t, "one processor is enough", func() bool { return runtime.GOMAXPROCS(0) == 1 })
	if all > 1 {
		busy.Store(true)
		testkit.Eventually(t, "a busy process gets all back", func() bool { return runtime.GOMAXPROCS(0) > 1 })
		busy.Store(false)
	}
	testkit.Eventually(t, "quiet again", func() bool { return runtime.GOMAXPROCS(0) == 1 })
	cancel()
	<-ended
	if n := runtime.GOMAXPROCS(0); n != all {
		t.Errorf("%d processors after the end, want %d", n, all)
	}
	t.Setenv("GOMAXPROCS", "2")
	saveProcessors(t.Context(), usage) // returns
}

// What the process has used grows by what it does, and no faster than all processors go.
func TestCPUTime(t *testing.T) {
	began := time.Now()
	first, ok := cpuTime()
	if !ok {
		t.Skip("the system does not tell what a process has used")
	}
	testkit.Eventually(t, "20 ms of CPU are used", func() bool {
		for n := range 1_000_000 {
			_ = n * n
		}
		now, ok := cpuTime()
		return ok && now-first >= 20*time.Millisecond
	})
	last, _ := cpuTime()
	if most := time.Since(began)*time.Duration(runtime.NumCPU()) + 100*time.Millisecond; last-first > most {
		t.Errorf("%v used, of at most %v", last-first, most)
	}
}
