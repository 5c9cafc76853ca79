package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"
)

// CrashError is returned by Run after a panic: the terminal has been restored
// and the details are in File.
type CrashError struct {
	Reason string // the value of the panic
	File   string // where the stack was written; "" when that failed
	Stack  string // the stack itself
}

// Error says what happened and where to look.
func (e *CrashError) Error() string {
	if e.File == "" {
		return fmt.Sprintf("the console broke down: %s\n%s", e.Reason, e.Stack)
	}
	return fmt.Sprintf("the console broke down: %s (details in %s; please report them)", e.Reason, e.File)
}

// keeper owns the goroutines of a console. A panic in any of them is written to
// a file once and ends the program in order, so that the terminal is restored by
// the one who changed it.
type keeper struct {
	dir  string
	stop func()                  // ends the program; may be called more than once
	told context.Context         // ends when the process is told to end; nil: never
	hold func() (release func()) // Config.HoldInterrupts

	mu     sync.Mutex
	crash  *CrashError
	active int           // goroutines running
	idle   chan struct{} // closed when active falls to 0

	lent     sync.Mutex // held while an editor has the terminal
	returned time.Time  // when it was given back; guarded by mu
}

// spawn runs fn in a goroutine that wait waits for.
func (k *keeper) spawn(fn func()) {
	k.enter()
	go func() {
		defer k.leave()
		defer k.guard()
		fn()
	}()
}

// enter and leave count a goroutine that wait waits for.
func (k *keeper) enter() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.active == 0 {
		k.idle = make(chan struct{})
	}
	k.active++
}

func (k *keeper) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.active--
	if k.active == 0 {
		close(k.idle)
	}
}

// guard is deferred where a panic must not pass: it records it and ends the
// program.
func (k *keeper) guard() {
	if r := recover(); r != nil {
		k.report(r, debug.Stack())
	}
}

func (k *keeper) report(r any, stack []byte) {
	k.mu.Lock()
	first := k.crash == nil
	if first {
		k.crash = &CrashError{Reason: fmt.Sprint(r), Stack: string(stack)}
		if file, err := writeCrash(k.dir, k.crash); err == nil {
			k.crash.File = file
		}
	}
	k.mu.Unlock()
	if k.stop != nil {
		k.stop()
	}
}

// lend runs a program that has the terminal for itself: the console does not end
// meanwhile, and Ctrl-C and the like are not for it. The context given to run ends
// when the process is told to end.
func (k *keeper) lend(run func(ctx context.Context) error) error {
	k.lent.Lock()
	defer k.lent.Unlock()
	ctx := k.told
	if ctx == nil {
		ctx = context.Background()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.hold != nil {
		defer k.hold()()
	}
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.returned = time.Now()
	}()
	return run(ctx)
}

// lending reports whether a key for another program may be on its way to us.
func (k *keeper) lending() bool {
	if !k.lent.TryLock() {
		return true
	}
	defer k.lent.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Since(k.returned) < 200*time.Millisecond
}

// waitForTerminal waits until no other program has the terminal.
func (k *keeper) waitForTerminal() {
	k.lent.Lock()
	defer k.lent.Unlock()
}

// err is the crash, nil when there was none.
func (k *keeper) err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.crash == nil {
		return nil
	}
	return k.crash
}

// wait waits for the goroutines, at most for limit, and reports whether all
// ended.
func (k *keeper) wait(limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	for {
		k.mu.Lock()
		idle, busy := k.idle, k.active > 0
		k.mu.Unlock()
		if !busy {
			return true
		}
		select {
		case <-idle:
		case <-t.C:
			return false
		}
	}
}

func writeCrash(dir string, c *CrashError) (string, error) {
	if dir == "" {
		return "", errors.New("no directory for it")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	now := time.Now()
	name := filepath.Join(dir, "crash-"+now.Format("20060102-150405.000")+".txt")
	text := fmt.Sprintf("logctl console, %s\n\npanic: %s\n\n%s", now.Format(time.RFC3339), c.Reason, c.Stack)
	return name, os.WriteFile(name, []byte(text), 0o600)
}
