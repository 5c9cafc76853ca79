package tui

import (
	"strings"
	"testing"

	"logctl/etcdcfg"
)

// TestNobodyVanishes keeps a lost agent in header, home line and lists until it is forgotten.
func TestNobodyVanishes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.lose()
		c.wants(t, "11 of 13 agents", "5 problems: two agents with one id, 1 agent lost, 1 agent never came")
		c.key("2")
		c.wants(t, "✗ lost since", "✗ never came", "✗ two with this id", "2 missing")
		c.clock = c.clock.Add(2 * goneFor) // longer than agents that said goodbye stay
		c.fresh()
		c.wants(t, "✗ lost since")
		fl := c.root.env.feed.fleet
		fl.setPresences([]etcdcfg.Presence{fl.agents["web-01"].presence}, c.clock)
		c.fresh()
		if n := len(c.root.env.view.absent); n != 0 {
			t.Errorf("%d agents are missing, although all are forgotten", n)
		}
	})
}

// TestProblemsOneByOne shows each problem whole, one after the other.
func TestProblemsOneByOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		reason := strings.Repeat("a long reason ", 30) + "ends here"
		fl := c.root.env.feed.fleet
		for _, a := range fl.agents {
			for i := range a.cur.Tasks {
				if a.cur.Tasks[i].State == "topic missing" {
					a.cur.Tasks[i].Error = reason
				}
			}
		}
		c.fresh()
		c.key("!")
		seen := map[string]bool{}
		for range 2 {
			for _, part := range []string{"ends here", "Create the topic", "Let the agent's user read it", "on: web-07", "and 0 more"} {
				if strings.Contains(c.screen(), part) {
					seen[part] = true
				}
			}
			c.key("!")
		}
		for _, part := range []string{"ends here", "Create the topic", "Let the agent's user read it", "on: web-07"} {
			if !seen[part] {
				t.Errorf("never shown: %q\n%s", part, c.screen())
			}
		}
		c.key("enter")
		c.wants(t, "entries ▸")
	})
}

// TestNotAnnounced: an agent whose presence etcd does not take is on duty all the same, because
// its reports come, and why it is not announced is a problem.
func TestNotAnnounced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		fl := c.root.env.feed.fleet
		fl.mu.Lock()
		a := fl.agents["web-01"]
		a.present, a.presence, a.leftAt = false, etcdcfg.Presence{}, c.clock
		a.cur.Etcd, a.cur.CollectKey = "its storage quota is used up", fl.key
		fl.mu.Unlock()
		before := c.root.env.view.present
		c.fresh()
		if got := c.root.env.view.present; got != before {
			t.Errorf("%d agents on duty, want %d", got, before)
		}
		c.wants(t, "1 agent not announced in etcd")
		for range 3 {
			c.key("!")
		}
		c.wants(t, "its storage quota is used up")
		fl.mu.Lock()
		a.cur.Etcd = "" // its goodbye, not etcd, took its presence away
		fl.mu.Unlock()
		c.fresh()
		if got := c.root.env.view.present; got != before-1 {
			t.Errorf("%d agents on duty, want %d", got, before-1)
		}
	})
}

// TestOneReportIsNoRate: rates take two reports, and one is not said to be none.
func TestOneReportIsNoRate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		fl := c.root.env.feed.fleet
		fl.mu.Lock()
		for _, a := range fl.agents {
			a.prev = nil
		}
		fl.mu.Unlock()
		c.fresh()
		c.wants(t, "rates come with the next report")
		fl.mu.Lock()
		for _, a := range fl.agents {
			a.cur = nil
		}
		fl.mu.Unlock()
		c.fresh()
		c.wants(t, "no reports yet")
	})
}
