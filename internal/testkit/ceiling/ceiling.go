package ceiling

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// PeakHeap runs f and returns how many more bytes of heap were in use at once while it
// ran, garbage counted, as far as a look every 200 µs sees.
func PeakHeap(f func()) uint64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	before, most := s[0].Value.Uint64(), uint64(0)
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-tick.C:
		}
		metrics.Read(s)
		most = max(most, s[0].Value.Uint64())
	}
	return most - min(most, before)
}

// PeakLive runs f and returns how many more bytes of heap were in use at once while it
// ran, with the collector at work so often that garbage is a tenth of them. A process
// with the usual setting of the collector takes twice as much.
func PeakLive(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	return PeakHeap(f)
}

// Within runs f and fails the test when f takes more than limit bytes of heap at once. A
// run that allocates less than that in all is not measured closer; another one is
// repeated, so f has to do the same each time.
func Within(t testing.TB, limit uint64, f func()) {
	t.Helper()
	before := allocated()
	f()
	if allocated()-before <= limit {
		return
	}
	if got := PeakHeap(f); got > limit {
		t.Errorf("%d MiB of heap at once, want at most %d", got>>20, limit>>20)
	}
}

// allocated is how many bytes this process has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
