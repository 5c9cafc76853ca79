package tui

import (
	"strings"
	"testing"

	"logctl/etcdcfg"
)

// fleetOf puts agents with these builds on duty.
func (c *console) fleetOf(presences ...etcdcfg.Presence) {
	for i := range presences {
		presences[i].Host, presences[i].CollectKey, presences[i].Revision, presences[i].Kafka = presences[i].ID, "collect_log_conf", 42, "ok"
	}
	c.root.env.feed.fleet.setPresences(presences, c.clock)
	c.fresh()
}

func TestAgentsOfDifferentVersionsAreShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.size(140, 24)
		c.key("2")
		const commit = "8d8e8c0f00d1b2c3d4e5f60718293a4b5c6d7e8f"
		c.fleetOf(etcdcfg.Presence{ID: "web-01", Version: "0.2.0", Commit: commit, Built: "2026-11-30T01:00:00Z"},
			etcdcfg.Presence{ID: "web-02", Version: "0.2.0", Commit: commit}, etcdcfg.Presence{ID: "web-03", Version: "0.1.0"})
		if want := "2 versions: 0.2.0 on 2, 0.1.0 on 1"; !strings.Contains(c.screen(), want) {
			t.Errorf("no %q in\n%s", want, c.screen())
		}
		c.key("enter")
		if want := "version 0.2.0 (commit 8d8e8c0f00d1 of 2026-11-30)"; !strings.Contains(c.screen(), want) {
			t.Errorf("no %q in\n%s", want, c.screen())
		}
		c.key("esc")
		c.fleetOf(etcdcfg.Presence{ID: "web-01", Version: "0.2.0"}, etcdcfg.Presence{ID: "web-02", Version: "0.2.0"})
		if strings.Contains(c.screen(), "versions") {
			t.Errorf("one version, and the screen says\n%s", c.screen())
		}
	})
}

func TestVersionsTextNamesAtMostThree(t *testing.T) {
	var rows []agentRow
	for i, v := range []string{"4", "3", "3", "2", "1", ""} {
		rows = append(rows, agentRow{version: v, present: i != 4})
	}
	rows = append(rows, agentRow{version: "5", present: true})
	if got, want := versionsText(versionsOf(rows)), "4 versions: 3 on 2, 2 on 1, 4 on 1, ..."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
