package tui

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/agent/state"
	"logctl/etcdcfg"
)

func TestUndoNeverReachesBehindAnothersEdit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p")
		theirs := `[{"path": "/theirs", "topic": "nginx_log"}]`
		c.store.other(theirs)
		c.list()
		c.key("p", "u")
		if got := string(c.store.raw); got != theirs {
			t.Fatalf("the second edit is not undone: %s", got)
		}
		c.key("u")
		if got := string(c.store.raw); got != theirs {
			t.Errorf("undoing the first edit took theirs back: %s", got)
		}
		c.wants(t, "Nothing to undo")
	})
}

func TestMarksEndWithTheirEntries(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("space") // marks the first one
		c.wants(t, "1 entry marked")
		c.store.other(`[{"path": "/a", "topic": "trade"}, {"path": "/b", "topic": "trade"}]`)
		c.list()
		if s := c.screen(); strings.Contains(s, "marked") {
			t.Errorf("an entry that is gone is still marked:\n%s", s)
		}
	})
}

func TestHistoryStaysOnItsChange(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		for range 3 { // rev 43, 44, 45
			c.key("p")
			c.fresh()
		}
		c.key("H", "j", "j")
		s := c.root.top().(*historyScreen)
		if s.changes[s.sel].Revision != 43 {
			t.Fatalf("selected rev %d", s.changes[s.sel].Revision)
		}
		if _, err := c.store.SaveRaw(t.Context(), c.store.snapshot(), []byte("[]"), "another's edit"); err != nil {
			t.Fatal(err)
		}
		c.list()
		if s.changes[0].Revision != 46 || s.changes[s.sel].Revision != 43 {
			t.Errorf("newest rev %d, selected rev %d", s.changes[0].Revision, s.changes[s.sel].Revision)
		}
		c.key("r")
		c.wants(t, "what it was at rev 43?")
	})
}

// An etcd that comes back from a backup has lower revisions than before.
func TestTheListOfARestoredEtcdIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p") // rev 43, answered
		feed := c.root.env.feed
		feed.gotList(t.Context(), c.store.snapshot())
		c.clock = c.clock.Add(time.Minute)
		c.store.rev = 17
		c.store.raw = []byte(`[{"path": "/of/the/backup.log", "topic": "trade"}]`)
		feed.gotList(t.Context(), c.store.snapshot())
		c.fresh()
		c.wants(t, "rev 17", "/of/the/backup.log")
		if s := c.screen(); strings.Contains(s, "rev 43 applied") {
			t.Errorf("the edit of before is still told of:\n%s", s)
		}
		c.key("p")
		if c.store.rev != 18 {
			t.Errorf("an edit of it is not saved: rev %d", c.store.rev)
		}
	})
}

func TestAProblemStandsAtItsLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.store.other(`[{"path": "/a.log", "topic": "trade", "exclude": ["*.gz", "*.tmp"]}]`)
		c.list()
		c.key("e", "tab", "tab", "tab", "ctrl+u", "tab")
		c.text("[")
		f := c.root.top().(*form)
		for _, x := range f.fields {
			if bad := x.problem != ""; bad != (x.value() == "*.tmp[") {
				t.Errorf("%s %q: problem %q", x.id, x.value(), x.problem)
			}
		}
	})
}

func TestLeavingWaitsForTheAnswerToAnEdit(t *testing.T) {
	leave := func(t *testing.T, c *console) {
		c.store.slow = make(chan struct{})
		c.key("p", "q")
		if c.quit {
			t.Fatal("left while an edit was being saved")
		}
		c.wants(t, "still being saved")
	}
	t.Run("saved", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			c := newConsole(t, Config{})
			leave(t, c)
			close(c.store.slow)
			c.settle()
			if err := c.root.env.unsaved(); !c.quit || c.store.rev != 43 || err != nil {
				t.Errorf("quit %v, rev %d, %v", c.quit, c.store.rev, err)
			}
		})
	})
	t.Run("conflict", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			c := newConsole(t, Config{})
			leave(t, c)
			c.store.other("[]")
			close(c.store.slow)
			c.settle()
			if err := c.root.env.unsaved(); !c.quit || err == nil || !strings.Contains(err.Error(), "was not saved (pause /var/log/nginx/access.log") {
				t.Errorf("quit %v, %v", c.quit, err)
			}
		})
	})
	t.Run("no answer", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			c := newConsole(t, Config{})
			leave(t, c)
			time.Sleep(saveGrace) // of the bubble
			c.settle()
			if err := c.root.env.unsaved(); !c.quit || err == nil || !strings.Contains(err.Error(), "not known whether") {
				t.Errorf("quit %v, %v", c.quit, err)
			}
			close(c.store.slow)
			synctest.Wait()
		})
	})
	t.Run("asked twice", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			c := newConsole(t, Config{})
			leave(t, c)
			c.key("q")
			if !c.quit {
				t.Error("the second q does not end it")
			}
			close(c.store.slow)
			synctest.Wait()
		})
	})
}

func TestAnEditWithoutAnAnswerIsNotCalledNotSaved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.store.err = &etcdcfg.OutcomeError{Err: errors.New("no answer in time")}
		c.key("p")
		c.wants(t, "Perhaps saved, perhaps not: no answer in time")
		if s := c.screen(); strings.Contains(s, "Not saved") {
			t.Errorf("it is said to be not saved:\n%s", s)
		}
	})
}

func TestTasksOfSilentAndGoneAgentsAreMarked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.size(60, 20)
		c.key("2", "enter")
		c.wants(t, "● "+string(state.Shipping))
		c.clock = c.clock.Add(30 * time.Second)
		c.fresh()
		c.wants(t, "? stale 30s: ship")
		c.root.env.feed.fleet.setPresences(nil, c.clock)
		c.fresh()
		c.wants(t, "· gone")
		if s := c.screen(); strings.Contains(s, "shipping") {
			t.Errorf("an agent that is gone ships:\n%s", s)
		}
	})
}

func TestAFilterThatHidesAllIsNotCalledNothing(t *testing.T) {
	for _, open := range [][]string{{"enter"}, {"2"}, {"2", "enter"}, {"3"}, {"5"}} {
		bubble(t, func(t *testing.T) {
			c := newConsole(t, Config{})
			c.journal()
			c.key(open...)
			c.key("/")
			c.text("no such thing")
			c.key("enter")
			c.wants(t, "matches the filter; Esc clears it")
		})
	}
}

func TestEventsStayOnTheirLineUnderAFilter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		j := c.root.env.journal
		for _, text := range []string{"web-01 left", "web-02 left", "web-03 left"} {
			j.add("agent", true, text)
		}
		c.key("5", "/")
		c.text("left")
		c.key("enter", "j")
		s := c.root.top().(*eventsScreen)
		was := s.rows[s.sel].text
		for range 3 {
			j.add("kafka", true, "no broker answers")
		}
		j.add("agent", true, "web-04 left")
		c.fresh()
		if got := s.rows[s.sel].text; got != was || len(s.rows) != 4 {
			t.Errorf("selected is %q, was %q (%d rows)", got, was, len(s.rows))
		}
	})
}

// Two operators change different fields of one entry: doing the second edit again keeps
// the first.
func TestRedoKeepsWhatTheOtherChangedInTheSameEntry(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.store.other(`[{"path": "/a.log", "topic": "trade", "exclude": ["*.gz"]}]`)
		c.list()
		c.key("e", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab") // to the lines to include
		c.text("even")
		c.store.other(`[{"path": "/a.log", "topic": "trade", "exclude": ["*.gz"], "labels": {"team": "x"}, "owner": "bob", "disabled": true}]`)
		c.key("ctrl+s", "y")
		c.size(60, 15)
		c.wants(t, "difference: - theirs, + mine · Somebody saved rev 44", "t theirs", "r redo mine", "m only mine")
		c.key("tab")
		c.wants(t, "theirs: rev 44")
		c.key("r", "y")
		want := `[{"path":"/a.log","topic":"trade","exclude":["*.gz"],"include_lines":["even"],"labels":{"team":"x"},"owner":"bob","disabled":true}]`
		got, err := etcdcfg.Parse(c.store.raw)
		if err != nil {
			t.Fatal(err)
		}
		list, err := etcdcfg.Parse([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		if c.store.rev != 45 || !got[0].Equal(list[0]) || !strings.Contains(string(c.store.raw), `"owner": "bob"`) {
			t.Errorf("rev %d: %s", c.store.rev, c.store.raw)
		}
	})
}

func TestTheBadLineOfALongListIsShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		lines := []string{"["}
		for i := range 150 {
			lines = append(lines, fmt.Sprintf(`  {"path": "/a/%d.log", "topic": "t"},`, i))
		}
		c.store.other(strings.Join(append(lines, `  {"path": "relative", "topic": "t"}`, "]"), "\n"))
		c.list()
		c.size(80, 24)
		c.wants(t, "line 152, column 12", `  152 ✗   {"path": "relative"`, "  151     {", "E repair")
		for _, k := range []string{"e", "d", "p"} {
			c.key(k)
			c.wants(t, "repair it with E first")
		}
	})
}

func TestEventsNameWhoEdited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p")
		feed := c.root.env.feed
		if _, err := c.store.SaveRaw(t.Context(), c.store.snapshot(), []byte(`[{"path": "/theirs", "topic": "trade"}]`), "theirs"); err != nil {
			t.Fatal(err)
		}
		feed.gotList(t.Context(), c.store.snapshot())
		synctest.Wait()
		c.store.other(`[{"path": "/by/hand", "topic": "trade"}]`)
		feed.gotList(t.Context(), c.store.snapshot())
		synctest.Wait()
		c.key("5")
		c.wants(t, "rev 43 by you: paused /var/log/nginx/access.log", "rev 44 by ann@ops: 6 changes", "rev 45, not by logctl: + /by/hand → trade")
		c.size(60, 20)
		c.key("/")
		c.text("rev 44")
		c.key("enter")
		c.wants(t, "     collect_log_conf is at rev 44 by ann@ops: 6 changes") // a line that is cut, whole
	})
}

func TestScrolledValuesSayThatTheyAre(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("right", "right")
		c.wants(t, "VALUE from cell 33 on")
		c.key("left", "left")
		if s := c.screen(); strings.Contains(s, "from cell") {
			t.Errorf("the values are whole:\n%s", s)
		}
		c.key("w", "right")
		c.wants(t, "The values are wrapped")
		if s := c.screen(); strings.Contains(s, "from cell") {
			t.Errorf("wrapped values are whole:\n%s", s)
		}
	})
}

func TestAFileThatCannotBeWrittenWholeIsNotLeft(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.jsonl")
	full := errors.New("no space left")
	if err := writeNew(file, func(w io.Writer) error {
		_, err := w.Write([]byte("half"))
		return errors.Join(err, full)
	}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half of a file is left: %v", err)
	}
}

// A user of etcd that may not read the presences is not told that there are no agents.
func TestAgentsThatAreNotKnownAreNotCalledNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		fl := c.root.env.feed.fleet
		reports := map[string]*agentState{}
		for id, a := range fl.agents {
			reports[id] = &agentState{id: id, cur: a.cur, prev: a.prev, arrivedAt: a.arrivedAt, heardAt: a.heardAt}
		}
		fl.saw, fl.agents = false, map[string]*agentState{}
		fl.setLink(&fl.duty, "permission denied", c.clock)
		c.fresh()
		c.wants(t, "agents not known: permission denied", "◌ not known", "0/?")
		c.key("2")
		c.wants(t, "Not known who is on duty: permission denied")
		if s := c.screen(); strings.Contains(s, "No agent is on duty") || strings.Contains(s, "0 agents") {
			t.Errorf("nobody is said to be on duty:\n%s", s)
		}
		fl.agents = reports // the reports can be read
		c.fresh()
		c.wants(t, "web-07", "● now")
		if s := c.screen(); strings.Contains(s, "gone") {
			t.Errorf("agents that report are gone:\n%s", s)
		}
		c.key("1")
		c.wants(t, "● shipping", "12/?", "lines/s", "   rev 42   ")
		c.key("p")
		c.fresh()
		c.wants(t, "rev 43 saved; who is on duty is not known")
		c.key("j", "enter")
		c.wants(t, "runs on 11 agents")
	})
}

// A server that answers and lets this user see nothing is not called lost.
func TestARefusalIsNoLoss(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		f := c.root.env.feed
		denied := &etcdcfg.DeniedError{Right: "read", Keys: []string{`"collect_log_conf"`}}
		f.state("etcd", &f.fleet.etcd, fmt.Errorf("watch: %w", denied))
		c.fresh()
		c.wants(t, "etcd ✗ refuses")
		f.state("etcd", &f.fleet.etcd, errors.New("no etcd server answers"))
		c.fresh()
		c.wants(t, "etcd ✗ lost")
		f.state("etcd", &f.fleet.etcd, nil)
		c.fresh()
		c.wants(t, "etcd ● ok")
	})
}
