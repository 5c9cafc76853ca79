package agent

import (
	"errors"
	"strings"
	"testing"
	"time"

	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

func TestAllowedPaths(t *testing.T) {
	allowed := (&Config{AllowPaths: []string{"/var/log/**", "/data/*.log"}}).allowed()
	for path, want := range map[string]bool{
		"/var/log/syslog": true, "/var/log/a/b/c.log": true, "/data/x.log": true,
		"/etc/shadow": false, "/var/log/../../etc/shadow": false, "/data/sub/x.log": false, "/var/logs/x": false,
	} {
		if err := allowed(path); (err == nil) != want || err != nil && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: got %v, want allowed %v", path, err, want)
		}
	}
	if err := (&Config{}).allowed()("/srv/app.log"); err != nil {
		t.Errorf("no allow_paths must allow what holds no secrets: %v", err)
	}
}

// TestAGlobThatAllowPathsShutOut says so: nothing is found there, whatever there is.
func TestAGlobThatAllowPathsShutOut(t *testing.T) {
	within := (&Config{AllowPaths: []string{"/var/log/**", "/data/*.log"}}).allowedDir()
	for path, want := range map[string]bool{
		"/etc/*": true, "/etc/ssl/**/*.log": true, "/home/{a,b}/x.log": true, "/var/log/*.log": false, "/var/log/app/*.log": false,
		"/var/l*/x.log": false, "/**": false, "/data/*.log": false, "/etc/passwd": false,
	} {
		if got := outside(path, within); got != want {
			t.Errorf("%s: outside %v, want %v", path, got, want)
		}
	}
	if outside("/etc/*", nil) {
		t.Error("without allow_paths nothing is outside")
	}
	b := newBench(t)
	b.shared.within = within
	b.apply([]etcdcfg.Entry{b.entry("*.log", "t1")}, 1)
	testkit.Eventually(t, "it is not allowed, not waited for", func() bool {
		_, tasks, _ := b.list()
		st := tasks[0].status(time.Now())
		return st.State == state.NotAllowed && strings.Contains(st.Error, "allow_paths")
	})
	if _, err := PreviewEntry(t.Context(), b.entry("*.log", "t1"), Access{Dir: within}); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("a preview says %v", err)
	}
}
