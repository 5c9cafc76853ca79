package tui

import (
	"context"
	"os"
)

const defaultEditor = "notepad"

// withSignals leaves it to the caller's context to end with the process's signals.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// askToEnd ends a process: there is no way to ask.
func askToEnd(p *os.Process) error { return p.Kill() }

// watchQuit does nothing: there is no such signal.
func watchQuit(context.Context, *keeper) {}
