package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// afterRelease is how long an interrupt may be on its way to us that was meant for
// the program which had the terminal.
const afterRelease = 200 * time.Millisecond

// WithSignals returns a context that SIGINT, SIGTERM or SIGHUP ends, with the signal's
// name as its cause; a second signal then ends the process at once. After hold SIGINT
// means nothing until release is called: a Ctrl-C is for the program that has the
// terminal, but goes to us too. stop ends the context and gives the signals back.
func WithSignals(parent context.Context) (ctx context.Context, hold func() (release func()), stop func()) {
	g := &interrupts{}
	ctx, stop = g.end(parent)
	return ctx, g.hold, stop
}

// end is WithSignals for interrupts that are held back by g.
func (g *interrupts) end(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // under nohup it stays ignored
		signals = append(signals, syscall.SIGHUP)
	}
	told := make(chan os.Signal, 8)
	signal.Notify(told, signals...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer signal.Stop(told) // default handling is back
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-told:
				if s != os.Interrupt || !g.held() {
					cancel(errors.New(s.String()))
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// interrupts counts who holds SIGINT back.
type interrupts struct {
	mu    sync.Mutex
	n     int
	until time.Time // those that come before it are held back as well
}

func (g *interrupts) hold() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.n--
		g.until = time.Now().Add(afterRelease)
	}
}

func (g *interrupts) held() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n > 0 || time.Now().Before(g.until)
}
