//go:build !windows

package cli

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"logctl/internal/testkit"
)

// interrupted tells of every SIGINT when it has come, and keeps one that comes late from
// ending the tests.
func interrupted(t *testing.T) <-chan os.Signal {
	c := make(chan os.Signal, 8)
	signal.Notify(c, os.Interrupt)
	t.Cleanup(func() { signal.Stop(c) })
	return c
}

// Signals go to the whole process, so that this test is not parallel.
func TestInterruptsAreHeldBack(t *testing.T) {
	came := interrupted(t)
	send := func(s os.Signal) {
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
		testkit.Eventually(t, "a signal ends the context", func() bool { return ctx.Err() != nil })
		if got := context.Cause(ctx).Error(); got != by {
			t.Errorf("the context was ended by %s, want %s", got, by)
		}
	}
	g := &interrupts{}
	ctx, stop := g.end(t.Context())
	defer stop()
	release := g.hold()
	send(os.Interrupt)
	<-came
	release()
	send(os.Interrupt) // on its way while the terminal came back
	<-came
	send(syscall.SIGTERM)
	ended(ctx, "terminated")

	testkit.Eventually(t, "interrupts are no longer held back", func() bool { return !g.held() })
	ctx, stop = g.end(t.Context())
	defer stop()
	send(os.Interrupt)
	ended(ctx, "interrupt")
}

// While 'entries edit' has given the terminal to an editor, Ctrl-C goes to both.
func TestEntriesEditLeavesInterruptsToTheEditor(t *testing.T) {
	came := interrupted(t)
	b, _, _ := newBench(t)
	script := filepath.Join(t.TempDir(), "edit")
	text := "#!/bin/sh\nkill -INT $PPID\nprintf '[{\"path\": \"/a\", \"topic\": \"t\"}]' > \"$1\"\nsleep 0.3\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, hold, stop := WithSignals(t.Context())
	defer stop()
	var errs bytes.Buffer
	a := newApp(Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &errs, Environ: append(b.env, "EDITOR="+script), HoldInterrupts: hold})
	root := newRootCmd(a)
	root.SetArgs(append([]string{"entries", "edit"}, b.args...))
	if code := a.exitCode(root, root.ExecuteContext(ctx)); code != ExitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	<-came
	equal(t, b.ok(t, "entries", "list", "-o", "raw"), `[{"path": "/a", "topic": "t"}]`)
}
