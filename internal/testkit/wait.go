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

// Soon is for what a program does at once although it could wait: do returns how long
// that took, Took measures it. A program that waits does so each time, a busy machine is
// slow now and then: the test fails when each of 20 runs took longer than limit.
func Soon(t testing.TB, limit time.Duration, what string, do func() time.Duration) {
	t.Helper()
	var took []time.Duration
	for range 20 {
		d := do()
		if d <= limit || t.Failed() {
			return
		}
		took = append(took, d)
	}
	t.Errorf("%s: takes longer than %v each time: %v", what, limit, took)
}

// Took is how long do takes.
func Took(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}
