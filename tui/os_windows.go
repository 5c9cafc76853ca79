package tui

import (
	"context"
	"os"
	"os/signal"
)

const defaultEditor = "notepad"

// withSignals ends the context when the process is told to end.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt)
}

// watchQuit does nothing: there is no such signal.
func watchQuit(context.Context, *keeper) {}
