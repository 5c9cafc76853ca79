package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/internal/testkit"
)

// process is a running logctl.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  testkit.Buffer
	err  testkit.Buffer
	done chan struct{}
	code int // valid after done
}

// start runs logctl with the given arguments and environment ("K=V"). It is killed
// at the end of the test when it still runs, and its log printed when the test failed.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return startBinary(t, binary, env, args...)
}

// startBinary is start with another build of logctl.
func startBinary(t *testing.T, path string, env []string, args ...string) *process {
	t.Helper()
	return launch(t, exec.Command(path, args...), env)
}

// launch is start for a command that is made already: under another user, through a
// shell that sets limits.
func launch(t *testing.T, cmd *exec.Cmd, env []string) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.Env = append(cleanEnv(), env...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the exit code says it
		p.code = p.cmd.ProcessState.ExitCode()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			lines := 60
			if p.code == raceFound {
				lines = 400 // both sides of the race
			}
			t.Logf("logctl %s: exit code %d, stderr ends:\n%s", strings.Join(p.cmd.Args[1:], " "), p.code, lastLines(p.err.String(), lines))
		}
	})
	return p
}

// raceFound is the exit code of a process in which the race detector found one.
const raceFound = 66

// cleanEnv is the environment without settings of logctl.
func cleanEnv() []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "LOGCTL_") && !strings.HasPrefix(kv, "XDG_") {
			out = append(out, kv)
		}
	}
	return out
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// kill ends the process with SIGKILL and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// signal sends a signal.
func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.code
	case <-time.After(testkit.Hang):
		p.t.Fatalf("still running after %v; stderr ends:\n%s", testkit.Hang, lastLines(p.err.String(), 40))
		return -1
	}
}

// stop ends the process with SIGTERM and checks that it ends well.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		p.t.Fatalf("SIGTERM: exit code %d", code)
	}
}

// startAgent starts an agent on the world's servers. Settings go in as environment
// variables, "LOGCTL_SECTION_KEY=value".
func (w *world) startAgent(env ...string) *process {
	w.t.Helper()
	if w.traced {
		env = append([]string{"LOGCTL_LOG_LEVEL=debug"}, env...)
	}
	if w.pulse == nil {
		w.pulse = newPulse(w.t)
	}
	agent := start(w.t, env, w.agentArgs()...)
	w.lives = append(w.lives, life{agent: agent})
	return agent
}

// agentArgs is the command line of the agent of this world.
func (w *world) agentArgs() []string {
	args := append([]string{"agent", "--data-dir", w.data, "--id", w.agentID()}, w.flags()...)
	if w.via != "" {
		args = append(args, "--etcd", w.via)
	}
	return args
}

func (w *world) agentID() string { return "agent-" + w.key }

// presence is the part of an agent's presence that scenarios look at.
type presence struct {
	Revision  int64  `json:"revision"`
	ListError string `json:"list_error"`
	Kafka     string `json:"kafka"`
	Tasks     []struct{ Path, Topic, State, Error string }
}

// presence reads the agent's presence; ok is false when there is none.
func (w *world) presence() (p presence, ok bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), 5*time.Second)
	defer cancel()
	r, err := w.store.Get(ctx, "logctl/agents/"+w.agentID())
	if err != nil || len(r.Kvs) == 0 {
		return presence{}, false
	}
	if err := json.Unmarshal(r.Kvs[0].Value, &p); err != nil {
		w.t.Fatalf("presence: %v", err)
	}
	return p, true
}

// awaitState waits until the task of a path is in a state.
func (w *world) awaitState(path, state string) {
	w.t.Helper()
	testkit.Eventually(w.t, fmt.Sprintf("task of %s is %q", path, state), func() bool {
		p, _ := w.presence()
		for _, task := range p.Tasks {
			if task.Path == path && strings.HasPrefix(task.State, state) {
				return true
			}
		}
		return false
	})
}

// awaitFollowed waits until the agent has looked for the files of a path.
func (w *world) awaitFollowed(path string) {
	w.t.Helper()
	testkit.Eventually(w.t, "the agent follows "+path, func() bool {
		p, _ := w.presence()
		for _, task := range p.Tasks {
			if task.Path == path {
				return task.State != "starting"
			}
		}
		return false
	})
}

// awaitApplied waits until the agent says it applied the key as it is now.
func (w *world) awaitApplied() {
	w.t.Helper()
	r, err := w.store.Get(w.t.Context(), w.key, clientv3.WithKeysOnly())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(r.Kvs) == 0 {
		w.t.Fatal("the key does not exist")
	}
	want := r.Kvs[0].ModRevision
	testkit.Eventually(w.t, fmt.Sprintf("revision %d is applied", want), func() bool {
		p, ok := w.presence()
		return ok && p.Revision >= want
	})
}
