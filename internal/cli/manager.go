package cli

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

// manager tells the service manager how the agent is: that it runs, what it does in one
// line, and that it is alive. Without systemd (Type=notify) it does nothing.
type manager struct {
	log    *slog.Logger
	notify func(state string) (sent bool, err error)
	feed   bool // WatchdogSec= is set
	ready  bool
	status string
	failed sync.Once
}

func newManager(log *slog.Logger) *manager {
	m := &manager{log: log, notify: func(state string) (bool, error) { return daemon.SdNotify(false, state) }}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the watchdog of the service manager is not fed", "error", err)
	}
	m.feed = err == nil && every > 2*time.Second // the agent looks at its tasks every second
	return m
}

// looked is called after each look at all tasks. Feeding the watchdog here, and nowhere
// else, means that an agent which no longer gets round to its tasks is restarted; a server
// or a file system that does not answer is no reason to.
func (m *manager) looked(p etcdcfg.Presence) {
	var lines []string
	if !m.ready {
		lines = append(lines, daemon.SdNotifyReady)
	}
	status := statusLine(p)
	if status != m.status {
		lines = append(lines, "STATUS="+status)
	}
	if m.feed {
		lines = append(lines, daemon.SdNotifyWatchdog)
	}
	if len(lines) == 0 {
		return
	}
	sent, err := m.notify(strings.Join(lines, "\n"))
	if err != nil {
		m.failed.Do(func() { m.log.Warn("the service manager cannot be told how the agent is", "error", err) })
		return
	}
	m.ready, m.status = m.ready || sent, status
}

// stopping says that the agent ends in order.
func (m *manager) stopping() {
	// Nobody waits for it: a manager that cannot be told sees the process end.
	_, _ = m.notify(daemon.SdNotifyStopping + "\nSTATUS=waiting for Kafka's acknowledgements")
}

// statusLine is what 'systemctl status' shows: entries, how many of them are in trouble
// and the first reason, and Kafka when it does not answer.
func statusLine(p etcdcfg.Presence) string {
	bad, why := 0, ""
	for _, t := range p.Tasks {
		if t.Error == "" {
			continue
		}
		if bad++; why == "" {
			why = t.Topic + ": " + t.Error
		}
	}
	text := fmt.Sprintf("%d entries at revision %d", len(p.Tasks), p.Revision)
	if bad > 0 {
		text += fmt.Sprintf(", %d in trouble (%s)", bad, why)
	}
	if p.Kafka != "" && p.Kafka != "ok" {
		text += "; " + p.Kafka
	}
	if p.ListError != "" {
		text += "; list not applied: " + p.ListError
	}
	return string(safe.Clean(strings.ReplaceAll(text, "\n", " ")))
}
