package cli

import (
	"context"
	"runtime"
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

// TestSaveProcessors is not parallel: it changes the whole process.
func TestSaveProcessors(t *testing.T) {
	if _, ok := cpuTime(); !ok {
		t.Skip("the system does not tell what a process has used")
	}
	t.Setenv("GOMAXPROCS", "")
	runtime.SetDefaultGOMAXPROCS()
	all := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(3)
	defer runtime.SetDefaultGOMAXPROCS()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		saveProcessors(ctx)
	}()
	testkit.Eventually(t, 30*time.Second, "one processor is enough", func() bool { return runtime.GOMAXPROCS(0) == 1 })
	stop := make(chan struct{})
	spun := make(chan struct{})
	go func() {
		defer close(spun)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	if all > 1 {
		testkit.Eventually(t, 30*time.Second, "a busy process gets all back", func() bool { return runtime.GOMAXPROCS(0) > 1 })
	}
	close(stop)
	<-spun
	testkit.Eventually(t, 30*time.Second, "quiet again", func() bool { return runtime.GOMAXPROCS(0) == 1 })
	cancel()
	<-ended
	if n := runtime.GOMAXPROCS(0); n != all {
		t.Errorf("%d processors after the end, want %d", n, all)
	}
	t.Setenv("GOMAXPROCS", "2")
	saveProcessors(t.Context()) // returns
}
