package tui

import (
	"context"
)

const defaultEditor = "notepad"

// withSignals leaves it to the caller's context to end with the process's signals.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// watchQuit does nothing: there is no such signal.
func watchQuit(context.Context, *keeper) {}
