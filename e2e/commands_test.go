package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCommands runs the scripts of testdata: the command line as an operator sees it.
//
// Beside testscript's own commands there is "exits CODE PROGRAM ARG…", which checks
// the exact exit code. Scripts find logctl in their PATH and the servers in $KAFKA and
// $ETCD; $TOPIC holds 3,000 lines, $KEY is a collect key with one entry.
func TestCommands(t *testing.T) {
	w := newWorld(t)
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	a.lines(3000)
	w.awaitLanded(3000, topic)
	agent.stop()
	bin := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(bin, "logctl")); err != nil {
		t.Skipf("links cannot be made here: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Vars = withoutSettings(env.Vars)
			env.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("KAFKA", strings.Join(w.kafka.Addrs(), ","))
			env.Setenv("ETCD", strings.Join(w.etcd.Endpoints(), ","))
			env.Setenv("KEY", w.key)
			env.Setenv("TOPIC", topic)
			return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o755)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "lines": countLines},
	})
}

func withoutSettings(vars []string) []string {
	var out []string
	for _, kv := range vars {
		if !strings.HasPrefix(kv, "LOGCTL_") && !strings.HasPrefix(kv, "XDG_") {
			out = append(out, kv)
		}
	}
	return out
}

// exits runs a program and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d; stderr: %s", got, want, ts.ReadFile("stderr"))
	}
}

// countLines checks how many lines stdout or stderr has.
func countLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines stdout|stderr N")
	}
	n := strings.Count(ts.ReadFile(args[0]), "\n")
	if fmt.Sprint(n) != args[1] {
		ts.Fatalf("%s has %d lines, want %s:\n%s", args[0], n, args[1], ts.ReadFile(args[0]))
	}
}
