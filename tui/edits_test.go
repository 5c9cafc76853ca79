package tui

import (
	"errors"
	"image/color"
	"regexp"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

func (c *console) wants(t *testing.T, texts ...string) {
	t.Helper()
	s := c.screen()
	for _, x := range texts {
		if !strings.Contains(s, x) {
			t.Errorf("the screen lacks %q:\n%s", x, s)
		}
	}
}

func TestAddShowsTheDifferenceAndOffersTheTopic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.add("/var/log/x.log", "x_log")
		c.wants(t, `+  {"path": "/var/log/x.log", "topic": "x_log"}`, "y save")
		if c.store.rev != 42 {
			t.Fatal("saved before y")
		}
		c.key("enter")
		if c.store.rev != 42 {
			t.Fatal("Enter saved: only y may")
		}
		c.key("y")
		if !strings.Contains(string(c.store.raw), "/var/log/x.log") || c.store.changes[0].Note != "add /var/log/x.log → x_log" {
			t.Fatalf("stored %s %+v", c.store.raw, c.store.changes)
		}
		c.wants(t, "Create it now?", "x_log")
		c.key("ctrl+s")
		if len(c.topics.created) != 1 || c.topics.created[0] != "x_log/3/3" {
			t.Fatalf("created %v", c.topics.created)
		}
		c.fresh()
		c.wants(t, "/var/log/x.log", "rev 43 applied by 0/12 agents; 12 agents not yet")
		c.root.env.feed.fleet.setPresences(c.presences(43), c.clock)
		c.fresh()
		c.wants(t, "rev 43 applied by 12/12 agents")
	})
}

// presences are the agents with a revision applied.
func (c *console) presences(rev int64) []etcdcfg.Presence {
	var list []etcdcfg.Presence
	for _, a := range c.root.env.feed.fleet.agents {
		p := a.presence
		p.Revision = rev
		list = append(list, p)
	}
	return list
}

func TestEditKeepsWhatTheFormDoesNotShow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.store.other(`[{"path": "/a.log", "owner": "ops", "topic": "nginx_log", "x": [1, 2]}]`)
		c.list()
		c.key("e")
		c.text("2")
		c.key("ctrl+s", "y")
		got := string(c.store.raw)
		if !strings.Contains(got, `"/a.log2"`) || !strings.Contains(got, `"owner": "ops"`) || !strings.Contains(got, `"x": [1, 2]`) {
			t.Errorf("stored %s", got)
		}
	})
}

func TestConflictOffersTheThreeChoices(t *testing.T) {
	theirs := `[{"path": "/theirs", "topic": "t"}, {"path": "/var/log/nginx/access.log", "topic": "nginx_log"}]`
	for name, choice := range map[string]struct {
		keys []string
		want []string // in the list afterwards
		not  []string
	}{
		"keep theirs": {[]string{"t"}, []string{"/theirs"}, []string{`"disabled"`}},
		"redo mine":   {[]string{"r", "y"}, []string{"/theirs", `"topic": "nginx_log", "disabled": true`}, nil},
		"mine":        {[]string{"m", "y"}, []string{"/srv/new", `"disabled": true`}, []string{"/theirs"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newConsole(t, Config{})
				c.store.other(theirs)
				c.key("p") // pauses the first entry, from the old list
				c.wants(t, "Somebody saved rev 43 before you")
				c.key("tab")
				c.wants(t, "theirs: rev 43", "/theirs")
				c.key(choice.keys...)
				got := string(c.store.raw)
				for _, x := range choice.want {
					if !strings.Contains(got, x) {
						t.Errorf("lacks %q: %s", x, got)
					}
				}
				for _, x := range choice.not {
					if strings.Contains(got, x) {
						t.Errorf("has %q: %s", x, got)
					}
				}
			})
		})
	}
}

func TestMarkedEntriesArePausedTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("space", "space", "p")
		if n := strings.Count(string(c.store.raw), `"disabled": true`); n != 3 || c.store.rev != 43 {
			t.Errorf("%d paused at rev %d: %s", n, c.store.rev, c.store.raw)
		}
	})
}

func TestReadOnlyRefusesEveryWriteKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, b := range append(entriesKeys(), topicsKeys()...) {
			if !b.writes {
				continue
			}
			c := newConsole(t, Config{ReadOnly: true})
			c.wants(t, "read-only")
			c.key(b.keys[0])
			c.wants(t, "Read-only console")
			if len(c.root.stack) != 1 || c.store.rev != 42 {
				t.Errorf("%s did something", b.act)
			}
			c.root.env.save(c.store.snapshot(), edit{note: "by another way", raw: []byte("[]")})
			if c.store.rev != 42 {
				t.Error("saved below the keys")
			}
		}
	})
}

func TestBadListFromTheEditorCanBeEditedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		base := c.store.snapshot()
		c.send(editorMsg{base: base, before: base.Raw, after: []byte("[\n  {\"path\": \"c:\\x\", \"topic\": \"t\"},\n]")})
		c.wants(t, "cannot be saved yet", "line 2", "trailing comma", "e edit again")
		c.key("esc")
		c.send(editorMsg{base: base, before: base.Raw, after: []byte(`[{"path": "/x", "topic": "t"}]`)})
		c.wants(t, `+  {"path": "/x", "topic": "t"}`, "y save")
		c.key("y")
		if !strings.Contains(string(c.store.raw), `"/x"`) {
			t.Errorf("stored %s", c.store.raw)
		}
		c.send(editorMsg{base: base, err: errors.New("the editor vi failed: exit status 1; set EDITOR to another one")})
		c.wants(t, "the editor vi failed")
	})
}

func TestABrokenListIsShownAndCanBeRepaired(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.broken()
		c.wants(t, "rev 43 unusable", "line 3, column 14", "Windows path", "trailing comma", "E repairs it")
		c.key("a")
		c.wants(t, "repair it with E first")
		base := c.root.env.view.list
		c.send(editorMsg{base: base, before: base.Raw, after: []byte(`[{"path": "/x", "topic": "nginx_log"}]`)})
		c.key("y")
		c.fresh()
		c.wants(t, "/x", "rev 44 applied")
	})
}

func TestFailedSaveIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.store.err = errors.New("etcd does not answer: context deadline exceeded")
		c.add("/var/log/x.log", "nginx_log")
		c.key("y")
		c.wants(t, "Not saved: etcd does not answer", "This is what changes")
		c.store.err = nil
		c.key("y")
		if c.store.rev != 43 {
			t.Error("the second try did not save")
		}
	})
}

func TestTypingIsNotACommand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("a")
		c.text("q1:?dpuE/")
		if c.quit || len(c.root.stack) != 2 {
			t.Fatal("text in a form was taken as keys")
		}
		c.key("esc")
		c.wants(t, "What you typed is lost")
		c.key("y")
		c.send(tea.PasteMsg{Content: "dyq"})
		if c.quit || len(c.root.stack) != 1 {
			t.Error("a paste into a list was taken as keys")
		}
	})
}

func TestPastedControlCharactersAreHarmless(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("a")
		c.send(tea.PasteMsg{Content: "/var/\x1b[31mlog\x07\u202e"})
		checkFrame(t, c, 120, 40)
		c.key("esc", "y", ":")
		c.send(tea.PasteMsg{Content: "agents\x1b]0;x\x07"})
		checkFrame(t, c, 120, 40)
	})
}

func TestCommandsComplete(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key(":")
		c.text("ag")
		c.key("tab", "enter")
		c.wants(t, "▸ agents")
		c.key(":")
		c.text("stream app")
		c.key("tab", "enter")
		c.wants(t, "▸ app_log")
		c.key(":")
		c.text("nonsense")
		c.key("enter")
		c.wants(t, `No command "nonsense"`)
		c.key(":")
		c.text("q")
		c.key("enter")
		if !c.quit {
			t.Error(":q does not quit")
		}
	})
}

func TestCtrlCTwiceQuits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("/")
		c.text("abc")
		c.key("ctrl+c")
		if c.quit || c.root.prompt != nil {
			t.Error("the first Ctrl-C clears the prompt and does not quit")
		}
		c.key("ctrl+c")
		if !c.quit {
			t.Error("the second one does not quit")
		}
	})
}

func TestFilterSortAndBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("/")
		c.text("!nginx")
		if n := len(c.root.stack[0].(*entriesScreen).rows); n != 3 {
			t.Errorf("%d rows while the filter is typed", n)
		}
		c.key("enter")
		c.wants(t, "matches 3 of 5")
		c.key("esc")
		if n := len(c.root.stack[0].(*entriesScreen).rows); n != 5 {
			t.Errorf("%d rows after Esc", n)
		}
		c.key("/")
		c.text("(")
		c.wants(t, "missing closing )")
		c.key("esc", "s", "s", "s", "s")
		if s := c.root.stack[0].(*entriesScreen); s.sort != "lines" || !s.desc || s.rows[0].entry.Topic != "nginx_log" {
			t.Errorf("sorted by %s, first %s", s.sort, s.rows[0].entry.Path)
		}
	})
}

func TestKeyPickerForPlaceholders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{CollectKey: "collect_log_{ip}_conf"})
		c.wants(t, "collect_log_{ip}_conf stands for one key for each host", "collect_log_conf", "used by 12 agents")
		c.key("r", "K")
		c.key("enter")
		if len(c.root.stack) != 1 {
			t.Error("the picker is still open")
		}
	})
}

// Answers that a screen waits for arrive although another screen is opened at once.
func TestTopicsAreReadOnAfterGoingFromScreenToScreen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("2")
		c.clock = c.clock.Add(2 * topicsOld) // so that the home screen asks when it is passed
		c.topics.list = slices.Clone(c.topics.list)
		c.topics.list[1] = fakeTopic("nginx_log", 3, 188_446_744+2000)
		c.key("3")
		if e := c.root.env; e.topics.loading || !e.topics.at.Equal(c.clock) {
			t.Errorf("topics: loading %v, as of %v", e.topics.loading, e.topics.at)
		}
		if got := c.screen(); !regexp.MustCompile(`nginx_log .* 300 `).MatchString(got) {
			t.Errorf("no rate of 300 on:\n%s", got)
		}
	})
}

func TestAnEditIsNotMadeTwiceWhileItIsSaved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.store.slow = make(chan struct{})
		c.key("p", "p")
		c.wants(t, "The edit before is still being saved")
		c.store.slow <- struct{}{}
		c.settle()
		c.wants(t, "Saved as rev 43")
		if c.store.rev != 43 {
			t.Errorf("the list is at rev %d", c.store.rev)
		}
		close(c.store.slow)
		c.key("u")
		c.wants(t, "Undone, saved as rev 44")
	})
}

func TestThemeCanBeChangedAndNoColorStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		theme := func(c *console, name string) string {
			c.key(":")
			c.text("theme " + name)
			c.key("enter")
			return c.root.View().Content
		}
		c := newConsole(t, Config{})
		if light, none := theme(c, "light"), theme(c, "none"); light == none {
			t.Error("light and none look the same")
		}
		c.send(tea.BackgroundColorMsg{Color: color.White}) // the answer to a question that no longer matters
		if c.root.colour {
			t.Error("the terminal's answer brought colours back")
		}
		c.root.plain = true
		if s := theme(c, "dark"); strings.Contains(s, "\x1b[3") || strings.Contains(s, "\x1b[9") {
			t.Errorf("colours against NO_COLOR: %q", s)
		}
	})
}

// A topic that was made a moment ago may be missing in the list of topics when the form
// is opened: what the form says of it ends when it is there.
func TestFormLearnsOfANewTopic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		all := c.topics.list
		c.topics.list = slices.DeleteFunc(slices.Clone(all), func(k kafka.Topic) bool { return k.Name == "nginx_log" })
		c.clock = c.clock.Add(2 * topicsOld)
		c.key("2", "1", "e")
		c.wants(t, "Topic nginx_log does not exist yet")
		c.topics.list = all
		c.clock = c.clock.Add(topicsPause)
		c.fresh()
		c.wants(t, "→ nginx_log")
		if got := c.screen(); strings.Contains(got, "does not exist yet") {
			t.Errorf("the form has not learned of the topic:\n%s", got)
		}
	})
}
