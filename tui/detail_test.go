package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"logctl/agent/report"
	"logctl/agent/state"
)

func TestDetailKeepsItsFileSelectedWhileTheOrderChanges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("enter", "down", "down")
		d := c.root.top().(*detailScreen)
		was := d.rows[d.sel].id()
		// Its lag grows, so that it is the first of the order "most behind".
		fl := c.root.env.feed.fleet
		c.clock = c.clock.Add(2 * time.Second)
		agent := d.rows[d.sel].task.agent
		r := *fl.agents[agent].cur
		r.At = c.clock
		r.Tasks = append([]report.Task(nil), r.Tasks...)
		f := r.Tasks[0].TopFiles[0]
		f.Size += 1 << 30
		r.Tasks[0].TopFiles = []report.File{f}
		fl.addReports([]report.Report{r}, nil, c.clock)
		c.fresh()
		if d.rows[0].id() != was {
			t.Fatalf("the test is wrong: %q is not first", was)
		}
		if got := d.rows[d.sel].id(); got != was {
			t.Errorf("selected is %q, was %q", got, was)
		}
		c.key("y")
		if !strings.Contains(c.clip, "/var/log/file.log") {
			t.Errorf("copied %q", c.clip)
		}
	})
}

func TestDetailFilterCountsAllFiles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("enter", "/")
		c.text("web-03")
		c.key("enter")
		if s := c.screen(); !strings.Contains(s, "matches 1 of 12") {
			t.Errorf("the note does not count:\n%s", s)
		}
	})
}

func TestTasksOfAnAgentAreSorted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("2", "down", "enter")
		s := c.root.top().(*agentScreen)
		first := map[string]string{}
		for range s.orders {
			first[s.sort] = s.rows[0].path
			c.key("s")
		}
		want := map[string]string{
			"list": "/var/log/nginx/access.log", "path": "/data/日志/交易.log", "topic": "/var/log/app/*.json",
			"state": "/srv/new/**/*.log", "lines": "/var/log/nginx/access.log", "bytes": "/var/log/nginx/access.log", "lag": "/var/log/old.log",
		}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("first of each order (-want +got):\n%s", diff)
		}
		c.key("S")
		if s.sort != "list" || s.rows[0].path != "/srv/new/**/*.log" {
			t.Errorf("%s the other way round begins with %s", s.sort, s.rows[0].path)
		}
		c.key("s")
		c.wants(t, "PATH↑")
	})
}

func TestDetailFollowsAnEntryToAnotherTopic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("enter", "e", "tab", "ctrl+u")
		c.text("trade")
		c.key("ctrl+s", "y")
		c.fresh()
		c.wants(t, "→ trade")
		if s := c.screen(); strings.Contains(s, "no longer in the list") {
			t.Errorf("the entry that was edited is gone:\n%s", s)
		}
		c.store.other(`[{"path": "/var/log/nginx/access.log", "topic": "trade"}, {"path": "/var/log/nginx/access.log", "topic": "other"}]`)
		c.list()
		c.store.other(`[{"path": "/var/log/nginx/access.log", "topic": "other"}]`)
		c.list()
		c.wants(t, "no longer in the list") // the one left is another one
	})
}

// TestDetailShowsTheLastVerify: what was proved on the hosts is told, the worst first.
func TestDetailShowsTheLastVerify(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("enter")
		d := c.root.top().(*detailScreen)
		if len(d.row.tasks) < 2 {
			t.Fatal("the test needs two agents")
		}
		verified := func(i int, v report.Verified) {
			c.reports(d, i, func(task *report.Task) { task.Verified = &v })
		}
		if s := c.screen(); strings.Contains(s, "verified") {
			t.Errorf("nothing was verified:\n%s", s)
		}
		verified(0, report.Verified{At: c.clock.Add(-3 * time.Hour), Files: 12})
		c.wants(t, "verified 3h ago on 1 of 12 agents: nothing missing in 12 files")
		verified(1, report.Verified{At: c.clock.Add(-time.Hour), Files: 2, Missing: 7, Bytes: 700, Twice: 1})
		c.wants(t, "verified 1h ago on "+d.row.tasks[1].agent+": 7 lines missing, 1 records twice")
	})
}

// reports lets the i-th agent of an entry say something else of it.
func (c *console) reports(d *detailScreen, i int, change func(*report.Task)) {
	fl := c.root.env.feed.fleet
	c.clock = c.clock.Add(2 * time.Second)
	r := *fl.agents[d.row.tasks[i].agent].cur
	r.At = c.clock
	r.Tasks = append([]report.Task(nil), r.Tasks...)
	for j := range r.Tasks {
		if r.Tasks[j].Path == d.entry.Path {
			change(&r.Tasks[j])
		}
	}
	fl.addReports([]report.Report{r}, nil, c.clock)
	c.fresh()
}

// TestGoneBytesAreShown: what was gone before it could be read stands with its entry, in the
// line of home, and among what somebody should know.
func TestGoneBytesAreShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("enter")
		d := c.root.top().(*detailScreen)
		if s := c.screen(); strings.Contains(s, "were gone") {
			t.Errorf("nothing was gone:\n%s", s)
		}
		at := c.clock.Add(-time.Hour)
		for i, n := range []uint64{1 << 20, 3 << 20} {
			c.reports(d, i, func(task *report.Task) { task.Unreadable, task.UnreadableAt = n, at })
		}
		c.wants(t, "4.0 MB were gone before they could be read on 2 agents, the last 1h ago: their logs name files and ranges")
		c.key("esc")
		c.wants(t, "1 warning: bytes gone of 1 entry")
		for range 10 {
			c.key("!")
			if s := c.screen(); strings.Contains(s, "bytes gone") && strings.Contains(s, "Rotate later than the agent reads") {
				return
			}
		}
		t.Errorf("not among the problems:\n%s", c.screen())
	})
}

// A file that is read to its end and waits for Kafka is not said to be sent.
func TestWhyAFileThatIsReadWaits(t *testing.T) {
	row := &taskRow{present: true, state: string(state.Idle)}
	if got := whyNot(row, &report.File{Size: 4096, Read: 4096, Acked: 1024, State: string(state.Idle)}); got != "all of it is read; 3.0 KB wait for Kafka's acknowledgement" {
		t.Error(got)
	}
	if got := whyNot(row, &report.File{Size: 4096, Read: 4096, Acked: 4096, State: string(state.Idle)}); got != "all is sent; nothing new is being written" {
		t.Error(got)
	}
}
