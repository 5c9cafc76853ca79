package tui

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

func TestWhatIsEditedIsNotLostByGoingElsewhere(t *testing.T) {
	for name, open := range map[string]func(c *console){
		"difference": func(c *console) { c.add("/var/log/x.log", "nginx_log") },
		"conflict":   func(c *console) { c.store.other("[]"); c.key("p") },
		"editor": func(c *console) {
			base := c.store.snapshot()
			c.send(editorMsg{base: base, before: base.Raw, after: []byte("[")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newConsole(t, Config{})
				open(c)
				depth, was := len(c.root.stack), c.root.top()
				for _, k := range []string{"2", "5", "shift+tab"} {
					c.key(k)
				}
				c.key(":")
				c.text("topics")
				c.key("enter")
				if c.root.top() != was || len(c.root.stack) != depth {
					t.Fatalf("it was left for %q", c.root.top().title())
				}
				c.wants(t, "What you edit is not saved yet")
				c.key("esc")
				if c.root.top() == was {
					t.Error("Esc does not leave it")
				}
			})
		})
	}
}

func TestAnswerOfANewTopicIsToldAfterItsFormIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.topics.slow = make(chan struct{})
		c.key("3", "n")
		c.text("fresh")
		c.key("ctrl+s", "ctrl+s")
		c.wants(t, "still being created")
		c.key("esc", "y")
		if _, ok := c.root.top().(*form); ok {
			t.Fatal("the form is still open")
		}
		close(c.topics.slow)
		c.settle()
		c.wants(t, "Topic fresh is created")
		if n := len(c.topics.created); n != 1 {
			t.Errorf("created %d times", n)
		}
	})
}

// What an input line cannot hold is not changed by editing something else.
func TestFormKeepsFieldsThatWereNotTouched(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		list := `[{"path": "/a.log", "topic": "trade", "include_lines": ["a\tb", " "], "multiline": {"start": "^x\ty"}, "labels": {"a=b": " c ", "n": "1\n2"}}]`
		c.store.other(list)
		c.list()
		c.key("e")
		c.text("2")
		c.key("ctrl+s", "y")
		want := strings.Replace(list, "/a.log", "/a.log2", 1)
		if a, b := strings.Join(strings.Fields(string(c.store.raw)), ""), strings.Join(strings.Fields(want), ""); a != b {
			t.Errorf("stored %s\nwant   %s", c.store.raw, want)
		}
	})
}

func TestAPasteIntoAPromptKeepsItsBlanks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("/")
		c.send(tea.PasteMsg{Content: "took  12 ms\n"})
		c.key("enter")
		if got := c.root.stream.filter.text; got != "took  12 ms" {
			t.Errorf("filter %q", got)
		}
	})
}

func TestLinesPastedIntoAListAreItsItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.store.other(`[{"path": "/a.log", "topic": "trade", "exclude": ["*.gz", "*.zip"]}]`)
		c.list()
		c.key("e", "tab", "tab", "tab")
		c.send(tea.PasteMsg{Content: ".1\r\n*.tmp\r\n\r\n*.swp\r\n"})
		c.key("ctrl+s", "y")
		got, err := etcdcfg.Parse(c.store.raw)
		if want := []string{"*.gz.1", "*.tmp", "*.swp", "*.zip"}; err != nil || !slices.Equal(got[0].Exclude, want) {
			t.Errorf("stored %s, %v", c.store.raw, err)
		}
	})
}
