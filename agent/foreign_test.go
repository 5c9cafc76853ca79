package agent

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"logctl/agent/state"
	"logctl/etcdcfg"
)

// TestPathOfAnotherSystem has one list for hosts of two systems: what is not for this one
// is no problem here, and no failure that is tried again.
func TestPathOfAnotherSystem(t *testing.T) {
	other := `d:\logs\s4.log`
	if runtime.GOOS == "windows" {
		other = "/var/log/app.log"
	}
	a := newTask(&shared{log: slog.New(slog.DiscardHandler)}, etcdcfg.Entry{Path: other, Topic: "t"}, &counters{})
	r := a.status(time.Now())
	if r.State != state.NotForHost || r.Error != "" || r.State.Severity() != state.Quiet {
		t.Errorf("%s %q", r.State, r.Error)
	}
	if p := a.announced(time.Now()); p.State != string(state.NotForHost) || p.Error != "" {
		t.Errorf("announced as %+v", p)
	}
}
