//go:build !windows

package tui

import (
	"context"
	"os/signal"
	"syscall"
)

const defaultEditor = "vi"

// withSignals ends the context when the process is told to end or its terminal
// is closed; the terminal is restored first.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
}
