//go:build !windows

package tui

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

const defaultEditor = "vi"

// withSignals ends the context when the process is told to end or its terminal
// is closed; the terminal is restored first.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
}

// watchQuit makes SIGQUIT end the console as a panic does, with the stacks of
// all goroutines in the crash file: Go's own way would print them over the
// screen and leave the terminal as it is. One that is for an editor is not for us.
func watchQuit(ctx context.Context, keep *keeper) {
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGQUIT)
	keep.spawn(func() {
		defer signal.Stop(quit)
		for {
			select {
			case <-ctx.Done():
				return
			case <-quit:
			}
			if !keep.lending() {
				buf := make([]byte, 1<<20)
				keep.report("SIGQUIT", buf[:runtime.Stack(buf, true)])
				return
			}
		}
	})
}
