//go:build !windows

package cli

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// Signals go to the whole process, so that this test is not parallel.
func TestInterruptsAreHeldBack(t *testing.T) {
	signal := func(s os.Signal) {
		t.Helper()
		p, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = p.Signal(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ended := func(ctx context.Context, by string) {
		t.Helper()
		testkit.Eventually(t, 10*time.Second, "a signal ends the context", func() bool { return ctx.Err() != nil })
		if got := context.Cause(ctx).Error(); got != by {
			t.Errorf("the context was ended by %s, want %s", got, by)
		}
	}
	g := &interrupts{}
	ctx, stop := g.end(t.Context())
	defer stop()
	release := g.hold()
	signal(os.Interrupt)
	release()
	signal(os.Interrupt) // on its way while the terminal came back
	signal(syscall.SIGTERM)
	ended(ctx, "terminated")

	testkit.Eventually(t, 10*time.Second, "interrupts are no longer held back", func() bool { return !g.held() })
	ctx, stop = g.end(t.Context())
	defer stop()
	signal(os.Interrupt)
	ended(ctx, "interrupt")
}
