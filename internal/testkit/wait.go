package testkit

import (
	"testing"
	"time"
)

// Hang is how long a test waits for what has to happen. The limit tells what hangs from
// what is slow: it is far beyond what a machine needs that has other work, so no test
// fails for the speed of its machine.
const Hang = 4 * time.Minute

// Eventually polls cond every 5 ms until it is true and fails the test, naming
// what, when it is not true within Hang.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	if cond() {
		return
	}
	deadline := time.NewTimer(Hang)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if cond() {
				return
			}
		case <-deadline.C:
			if cond() {
				return
			}
			t.Fatalf("not within %v: %s", Hang, what)
		}
	}
}
