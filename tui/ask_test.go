package tui

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

func reply(t *testing.T, v any) etcdcfg.Answer {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return etcdcfg.Answer{Result: text}
}

// TestRewindFromTheConsole shows first what would move, moves it when told to, and says how far
// the entry is.
func TestRewindFromTheConsole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		port := &fakeAgents{}
		port.reply = func(agent string, cmd etcdcfg.Command) (etcdcfg.Answer, error) {
			if agent == "web-03" {
				return etcdcfg.Answer{Error: "it is busy"}, nil
			}
			return reply(t, []report.Positions{{Path: cmd.Path, Topic: cmd.Topic, Peak: 1000, Moves: []report.Move{{Path: cmd.Path, From: 5000, To: 0, Size: 6000, First: 4000, Again: 1000}}}}), nil
		}
		c.root.env.ports.agents = port
		c.key("R")
		c.wants(t, "what from = end skipped", "on 12 agents")
		c.key("ctrl+s")
		c.wants(t, "11 positions would be moved, 43.0 KB are sent for the first time, 10.7 KB are sent once more, in about 55s", "✗ 1 agent", "web-03: it is busy", "5000 → 0 of 6000")
		for _, cmd := range port.asked {
			if !cmd.DryRun || cmd.Kind != "rewind" || cmd.To != "skipped" {
				t.Fatalf("asked %+v before anything was confirmed", cmd)
			}
		}
		n := len(port.asked)
		c.key("y")
		if len(port.asked) != 2*n || port.asked[n].DryRun {
			t.Fatalf("asked %+v", port.asked[n:])
		}
		c.wants(t, "11 positions moved")
		c.key("y") // there is nothing to confirm any more
		if len(port.asked) != 2*n {
			t.Error("moved twice")
		}
		c.key("esc")
		c.fresh()
		c.wants(t, "rewound /var/log/nginx/access.log: 53.7 KB to send")
		fl := c.root.env.feed.fleet
		for _, lag := range []int64{2000, 0} { // the backlog comes and goes
			c.clock = c.clock.Add(5 * time.Second)
			for _, a := range fl.agents {
				a.cur.Tasks[0].LagBytes = lag
			}
			c.fresh()
			if has := strings.Contains(c.screen(), "left ("); has != (lag > 0) {
				t.Errorf("with a backlog of %d on each agent:\n%s", lag, c.screen())
			}
		}
	})
}

func TestRewindNeedsAnAgent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.root.env.ports.agents = &fakeAgents{}
		c.root.env.feed.fleet.setPresences(nil, c.clock)
		c.fresh()
		c.key("R")
		c.wants(t, "No agent on duty runs this entry")
	})
}

// TestPreviewFromTheForm asks the agents before anything is saved.
func TestPreviewFromTheForm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		port := &fakeAgents{}
		port.reply = func(agent string, cmd etcdcfg.Command) (etcdcfg.Answer, error) {
			list, err := etcdcfg.Parse(cmd.Entry)
			if err != nil || len(list) != 1 || list[0].Path != "/srv/*.log" || cmd.Kind != "preview" {
				t.Errorf("asked %+v, %v", cmd, err)
			}
			switch agent {
			case "web-01":
				return reply(t, report.Preview{Matches: 1, Bytes: 70, Of: "/srv/a.log", Records: []string{"hello\tthere\x1b[2J"}, Filtered: 3,
					Files: []report.PreviewFile{{Path: "/srv/a.log", Size: 70, Modified: day}}}), nil
			case "web-02":
				return etcdcfg.Answer{}, errors.New("no answer")
			}
			return reply(t, report.Preview{Matches: 1, Files: []report.PreviewFile{{Path: "/srv/b.log", Error: "permission denied"}}}), nil
		}
		c.root.env.ports.agents = port
		c.key("a")
		c.key("ctrl+p")
		c.wants(t, "Write a path first")
		c.text("/srv/*.log")
		c.key("ctrl+p")
		c.wants(t, "It would match 11 files on 11 agents of 12 asked, 70 B", "web-02: no answer", "/srv/b.log: permission denied", "(3 left out by filters)", "hello")
		if strings.Contains(c.screen(), "\x1b[2J") {
			t.Error("a record's control characters are alive")
		}
		c.key("esc")
		c.wants(t, "A new entry", "/srv/*.log")
	})
}

// TestEditsAreAdvised warns of lines that come twice and of a from without effect, before saving,
// and of the overlap on the home screen.
func TestEditsAreAdvised(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.add("/var/log/app/a.json", "app_log")
		c.wants(t, "both send the same files to topic app_log")
		c.key("y")
		c.fresh()
		c.clock = c.clock.Add(2 * appliedShow)
		c.fresh()
		c.wants(t, "1 warning: 1 pair of entries sent twice")
		c.key("!", "!", "!")
		c.wants(t, "sent twice", "exclude the files in one of the two")
	})
}

func TestWarningsOfAgentsAndClocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		fl := c.root.env.feed.fleet
		a := fl.agents["web-04"]
		a.presence.Warnings = []string{"the agent runs as root without allow_paths"}
		a.cur.ClockSkewMS = (2 * time.Hour).Milliseconds()
		c.fresh()
		c.wants(t, "1 agent clock differs", "1 warning")
		c.key("!", "!", "!")
		c.wants(t, "clock differs", "this host's clock is 2h0m0s ahead of the broker's", "! warning")
	})
}

// TestFindLogs: the form asks the agents which logs they have, and takes the entry for one.
func TestFindLogs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		port := &fakeAgents{}
		port.reply = func(agent string, cmd etcdcfg.Command) (etcdcfg.Answer, error) {
			if cmd.Kind != "suggest" || cmd.Path != "/srv/app" {
				t.Errorf("asked %+v", cmd)
			}
			if agent == "web-02" {
				return etcdcfg.Answer{Error: "not allowed: it is outside\x1b[2J"}, nil
			}
			return reply(t, map[string]any{"dir": "/srv/app", "logs": []any{
				map[string]any{"path": "/srv/app/b.log", "topic": "b_log", "scheme": "not rotated yet", "files": []any{map[string]any{"name": "b.log"}}},
				map[string]any{"path": "/srv/app/a.log", "topic": "a_log", "rotated": []string{"a.[0-9]*.log", "old/a*"}, "scheme": "a number before the extension",
					"more": 7, "files": []any{map[string]any{"name": "a.1.log"}, map[string]any{"name": "a.log"}}},
			}}), nil
		}
		c.root.env.ports.agents = port
		c.key("a")
		c.key("ctrl+o")
		c.wants(t, "Write a directory or a file into Path first")
		c.text("/srv/app/*.log")
		c.key("ctrl+o")
		c.wants(t, "2 logs on 12 agents asked", "/srv/app/a.log  rotated", "web-02: not allowed")
		if strings.Contains(c.screen(), "\x1b[2J") {
			t.Error("control characters of an answer are alive")
		}
		c.key("enter")
		c.wants(t, "Topic a_log does not exist yet", "a.[0-9]*.log", "old/a*")
		c.key("ctrl+s")
		c.wants(t, "old/a*", "/srv/app/a.log")
	})
}

func TestDirectoryOf(t *testing.T) {
	for in, want := range map[string]string{"/var/log/*.log": "/var/log", "/*.log": "/", "/srv/app": "/srv/app", "/srv/a[1]/x": "/srv", `d:\logs\*.log`: `d:\logs`, "": ""} {
		if got := directoryOf(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
