package cli

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"logctl/etcdcfg"
)

func TestServiceManagerIsTold(t *testing.T) {
	var told []string
	m := &manager{log: slog.New(slog.DiscardHandler), feed: true, notify: func(s string) (bool, error) { told = append(told, s); return true, nil }}
	p := etcdcfg.Presence{Revision: 7, Kafka: "ok", Tasks: []etcdcfg.TaskState{{Topic: "a", State: "shipping"}}}
	m.looked(p)
	m.looked(p)
	p.Tasks = append(p.Tasks, etcdcfg.TaskState{Topic: "b", State: "permission denied", Error: "/x: permission\ndenied"})
	p.Kafka = "no broker answers"
	m.looked(p)
	m.stopping()
	want := []string{
		"READY=1\nSTATUS=1 entries at revision 7\nWATCHDOG=1",
		"WATCHDOG=1",
		"STATUS=2 entries at revision 7, 1 in trouble (b: /x: permission denied); no broker answers\nWATCHDOG=1",
		"STOPPING=1\nSTATUS=waiting for Kafka's acknowledgements",
	}
	for i := range want {
		if i >= len(told) || told[i] != want[i] {
			t.Fatalf("message %d of %q, want %q", i, told, want[i])
		}
	}
}

// A manager that could not be told is told again, READY too: systemd would give the agent up.
func TestReadyIsToldUntilItArrives(t *testing.T) {
	var told []string
	m := &manager{log: slog.New(slog.DiscardHandler), notify: func(s string) (bool, error) {
		told = append(told, s)
		if len(told) == 1 {
			return false, errors.New("socket full")
		}
		return true, nil
	}}
	for range 3 {
		m.looked(etcdcfg.Presence{})
	}
	if len(told) != 2 || !strings.HasPrefix(told[1], "READY=1\nSTATUS=") {
		t.Errorf("%q", told)
	}
}
