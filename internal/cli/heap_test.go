package cli

import (
	"context"
	"os"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"

	"logctl/internal/testkit"
)

// TestABigHeapIsKeptTight holds more than heapBig, lets it go, and ends.
func TestABigHeapIsKeptTight(t *testing.T) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		t.Skip("GOGC or GOMEMLIMIT say what is wanted")
	}
	percent := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	held := make([]byte, heapBig+1<<20)
	runtime.GC()
	running.Go(func() { saveHeap(ctx) })
	// How tight depends on what other tests hold.
	testkit.Eventually(t, "a big heap is kept tight", func() bool { return percent() <= heapSlack })
	runtime.KeepAlive(held)
	cancel()
	running.Wait()
	if got := percent(); got != heapDefault {
		t.Errorf("%d %% afterwards, want %d", got, heapDefault)
	}
}

func TestSlackFor(t *testing.T) {
	for live, want := range map[uint64]int{
		0: heapDefault, heapBig - 1: heapDefault, heapBig: heapSlack, 60 << 20: heapSlack, heapGoal * 100 / 115: 15, heapGoal: heapLeast, 10 << 30: heapLeast,
	} {
		if got := slackFor(live); got != want && got != want-1 { // rounded down
			t.Errorf("%d MiB in use: %d %% may be garbage, want %d", live>>20, got, want)
		}
	}
}
