package testkit

import (
	"testing"
	"time"
)

// Slack is what a machine that has other work may need on top of the limit of a wait:
// a limit is there to tell what hangs from what is slow.
func Slack() time.Duration {
	if Race {
		return 20 * time.Second
	}
	return 5 * time.Second
}

// Eventually polls cond every 5 ms until it is true and fails the test, naming
// what, when it is not true within the given time and Slack.
func Eventually(t testing.TB, within time.Duration, what string, cond func() bool) {
	t.Helper()
	if cond() {
		return
	}
	within += Slack()
	deadline := time.NewTimer(within)
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
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
