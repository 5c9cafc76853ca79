package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"logctl/internal/testkit"
)

// servers of tmux get names that no other test uses.
var terminals atomic.Int64

// terminal is a shell in a terminal of tmux: what an operator looks at and types on.
type terminal struct {
	t    *testing.T
	name string // of tmux's own server
	dir  string // the shell's working directory
	home string // where the console keeps its state
}

// newTerminal starts a shell in a terminal of that size.
func newTerminal(t *testing.T, columns, rows int) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tmux is missing: the console is tested in a terminal of tmux; install the package tmux")
		}
		t.Skip("tmux is not installed: the console is tested in a terminal of tmux")
	}
	s := &terminal{t: t, dir: t.TempDir(), home: t.TempDir(), name: fmt.Sprintf("logctl-e2e-%d-%d", os.Getpid(), terminals.Add(1))}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", regexp.MustCompile(`\n{3,}`).ReplaceAllString(s.text(), "\n\n"))
		}
		_, _ = s.tmux("kill-server") // it may have ended
	})
	if out, err := s.tmux("new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows), "-c", s.dir, "exec sh -i"); err != nil {
		t.Fatalf("start tmux: %v\n%s", err, out)
	}
	s.await("the shell", `[$#%@]`)
	return s
}

func (s *terminal) tmux(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), testkit.Hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-L", s.name, "-f", os.DevNull}, args...)...)
	for _, kv := range cleanEnv() {
		if !strings.HasPrefix(kv, "TMUX") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+s.home, "ENV=", "TZ=UTC", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// keys presses keys as tmux names them: Enter, Escape, C-s, or characters.
func (s *terminal) keys(keys ...string) {
	s.t.Helper()
	if out, err := s.tmux(append([]string{"send-keys"}, keys...)...); err != nil {
		s.t.Fatalf("press %v: %v\n%s", keys, err, out)
	}
}

// typed types a text.
func (s *terminal) typed(text string) {
	s.t.Helper()
	s.keys("-l", "--", text)
}

// text is what the terminal shows.
func (s *terminal) text() string {
	out, err := s.tmux("capture-pane", "-p")
	if err != nil {
		return err.Error() + "\n" + out
	}
	return out
}

// await waits until the terminal shows a match of each expression.
func (s *terminal) await(what string, exprs ...string) string {
	s.t.Helper()
	var list []*regexp.Regexp
	for _, e := range exprs {
		list = append(list, regexp.MustCompile(`(?m)`+e))
	}
	shown := ""
	testkit.Eventually(s.t, fmt.Sprintf("%s on the screen: %q", what, exprs), func() bool {
		shown = s.text()
		for _, re := range list {
			if !re.MatchString(shown) {
				return false
			}
		}
		return true
	})
	return shown
}

// awaitGone waits until the terminal shows no match any more.
func (s *terminal) awaitGone(what, expr string) {
	s.t.Helper()
	re := regexp.MustCompile(`(?m)` + expr)
	testkit.Eventually(s.t, what+" leaves the screen", func() bool { return !re.MatchString(s.text()) })
}

// console types the command that opens the console; at its end the shell says how it
// ended, and what stty said before and after is in files.
func (s *terminal) console(args ...string) {
	s.t.Helper()
	script := "#!/bin/sh\necho $$ > pid\nexec " + quoted(append([]string{binary, "tui"}, args...)) + "\n"
	if err := os.WriteFile(filepath.Join(s.dir, "run.sh"), []byte(script), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.keys("clear; stty -a >before; sh run.sh; echo ended=$?; stty -a >after; echo noted=$?", "Enter")
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}

// ended waits for the end of the console, compares the settings of the terminal with
// those of before, and returns the exit code and what the shell's screen shows.
func (s *terminal) ended() (code int, shown string) {
	s.t.Helper()
	shown = s.await("the end of the console", `^ended=\d+$`, `^noted=0$`)
	code, err := strconv.Atoi(regexp.MustCompile(`(?m)^ended=(\d+)$`).FindStringSubmatch(shown)[1])
	if err != nil {
		s.t.Fatal(err)
	}
	s.restored("after")
	return code, shown
}

// restored checks that the terminal is as it was: modes, screen and cursor.
func (s *terminal) restored(file string) {
	s.t.Helper()
	if before, after := s.read("before"), s.read(file); before != after || before == "" {
		s.t.Errorf("stty -a before:\n%s\nafter:\n%s", before, after)
	}
	out, err := s.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}")
	if err != nil || strings.TrimSpace(out) != "0 1 0" {
		s.t.Errorf("other screen, cursor, mouse = %q, %v; want 0 1 0", out, err)
	}
}

func (s *terminal) read(file string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// process is the console's process.
func (s *terminal) process() *os.Process {
	s.t.Helper()
	pid, err := strconv.Atoi(s.read("pid"))
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}
