package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"logctl/etcdcfg"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// sizes of the golden frames.
var sizes = [...][2]int{{60, 15}, {80, 24}, {120, 40}, {200, 50}}

// scenes are ways to get to a screen from the home screen.
func scenes() map[string]func(c *console) {
	return map[string]func(c *console){
		"entries":      func(*console) {},
		"entry":        func(c *console) { c.key("j", "enter") },
		"problems":     func(c *console) { c.lose(); c.key("!") },
		"lost":         func(c *console) { c.lose() },
		"lost agents":  func(c *console) { c.lose(); c.key("2") },
		"agents":       func(c *console) { c.key("2") },
		"agent":        func(c *console) { c.key("2", "enter") },
		"topics":       func(c *console) { c.key("3") },
		"partitions":   func(c *console) { c.key("3", "p") },
		"topic form":   func(c *console) { c.key("3", "n"); c.text("a b") },
		"stream":       func(c *console) { c.stream() },
		"stream wrap":  func(c *console) { c.stream(); c.key("w", "k", "k") },
		"detail":       func(c *console) { c.stream(); c.key("k", "enter") },
		"detail hex":   func(c *console) { c.stream(); c.key("enter", "v", "v") },
		"frozen":       func(c *console) { c.stream(); c.key("space"); c.feed(5) },
		"filtered":     func(c *console) { c.stream(); c.key("/"); c.text("error"); c.key("enter") },
		"columns":      func(c *console) { c.stream(); c.key("c") },
		"seek":         func(c *console) { c.stream(); c.key("o"); c.text("-1") },
		"events":       func(c *console) { c.journal(); c.key("5") },
		"add":          func(c *console) { c.key("a"); c.text("rel/path"); c.key("tab"); c.text("ng") },
		"save":         func(c *console) { c.add("/var/log/x.log", "x_log") },
		"saved":        func(c *console) { c.add("/var/log/x.log", "nginx_log"); c.key("y"); c.fresh() },
		"missing":      func(c *console) { c.add("/var/log/x.log", "x_log"); c.key("y") },
		"history":      func(c *console) { c.add("/var/log/x.log", "nginx_log"); c.key("y"); c.fresh(); c.key("H") },
		"delete":       func(c *console) { c.key("j", "d") },
		"conflict":     func(c *console) { c.store.other(`[{"path": "/theirs", "topic": "t"}]`); c.key("p") },
		"collect keys": func(c *console) { c.key("K") },
		"help":         func(c *console) { c.key("?") },
		"command":      func(c *console) { c.key(":"); c.text("t") },
		"broken":       func(c *console) { c.broken() },
		"no etcd":      func(c *console) { c.gone() },
		"empty":        func(c *console) { c.store.other(`[]`); c.list() },
	}
}

// feed lets n more records come in.
func (c *console) feed(n int) {
	var recs []*rec
	for i := range n {
		at := day.Add(time.Duration(i) * time.Millisecond)
		level := []string{"info", "error", "warn"}[i%3]
		value := fmt.Sprintf(`{"level":"%s","msg":"upstream timed out","n":%d,"user":"张三","path":{"b":1,"a":[1,2]}}`, level, i)
		if i%5 == 0 {
			value = "\x1b[31mANSI\x1b[0m \x1b]0;title\x07 \r\b and 日志 👍🏽 \u202etxt \xff " + strings.Repeat("long ", 60)
		}
		recs = append(recs, &rec{
			topic: "app_log", partition: int32(i % 3), offset: int64(18_446_744 + i), time: at, arrived: at.Add(7 * time.Millisecond),
			value: []byte(value), headers: []recHeader{{"host", []byte("web-01")}, {"path", []byte("/data/日志/a.log")}},
		})
	}
	c.streams.feed <- recs
	c.settle()
	c.send(streamTick{c.root.stream.gen})
}

// stream opens the stream of app_log with records in it.
func (c *console) stream() {
	c.streams.parts = []partStat{{id: 0, next: 10, end: 12, lastAt: day}, {id: 1, next: 10, end: 10, lastAt: day}, {id: 2, next: 5, end: 20, lastAt: day.Add(-time.Minute)}}
	c.key("3", "enter")
	c.feed(60)
	c.clock = c.clock.Add(2 * time.Second)
	c.send(streamTick{c.root.stream.gen})
}

// journal fills the events.
func (c *console) journal() {
	for i, x := range []struct {
		kind, text string
		bad        bool
	}{{"etcd", "connected again", false}, {"agent", "web-07 left", true}, {"edit", "add /data/日志/x.log → nginx_log (rev 43)", false}, {"kafka", "no broker answers \x1b[31m", true}} {
		c.root.env.journal.add(x.kind, x.bad, x.text)
		c.root.env.journal.list[i].at = day.Add(time.Duration(i) * time.Minute)
	}
}

// add types a new entry up to the difference.
func (c *console) add(path, topic string) {
	c.key("a")
	c.text(path)
	c.key("tab")
	c.text(topic)
	c.key("ctrl+s")
}

// lose has one agent go without goodbye, one never come, and two share an id.
func (c *console) lose() {
	fl := c.root.env.feed.fleet
	var list []etcdcfg.Presence
	for id, a := range fl.agents {
		p := a.presence
		switch id {
		case "web-02":
			p = etcdcfg.Presence{ID: id, Host: p.Host, CollectKey: p.CollectKey, Duty: etcdcfg.DutyLost}
		case "web-05":
			p.Instances = []string{"process 7 on web-05", "process 9 on web-05-copy"}
		}
		list = append(list, p)
	}
	list = append(list, etcdcfg.Presence{ID: "web-99", CollectKey: "collect_log_conf", Duty: etcdcfg.DutyAwaited})
	fl.setPresences(list, c.clock)
	c.fresh()
}

// list lets the console see what the store has.
func (c *console) list() {
	c.root.env.feed.fleet.setList(c.store.snapshot(), c.clock)
	c.fresh()
}

// broken makes the list the lesson's bad example.
func (c *console) broken() {
	c.store.other("[\n  {\"path\":\"c:\\tmp\\nginx.log\",\"topic\":\"web_log\"},\n  {\"path\":\"d:\\xxx\\redis.log\",\"topic\":\"redis_log\"},\n]\n")
	c.list()
}

// gone takes etcd and Kafka away; the last values stay and grow old.
func (c *console) gone() {
	fl := c.root.env.feed.fleet
	c.clock = c.clock.Add(30 * time.Second)
	fl.setLink(&fl.etcd, "no etcd server answers at 127.0.0.1:2379", c.clock)
	fl.setLink(&fl.kafka, "no broker answers", c.clock)
	fl.setLink(&fl.reports, "no broker answers", c.clock)
	c.fresh()
}

func TestGoldenFrames(t *testing.T) {
	for name, open := range scenes() {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newConsole(t, Config{})
				open(c)
				for _, s := range sizes {
					c.size(s[0], s[1])
					golden(t, fmt.Sprintf("%s-%dx%d", strings.ReplaceAll(name, " ", "_"), s[0], s[1]), c.screen())
				}
			})
		})
	}
}

func golden(t *testing.T, name, frame string) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got := strings.Join(lines, "\n") + "\n"
	file := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not as in %s (-update writes it anew):\n%s", name, file, diff)
	}
}

// bombs are names that try to break the screen.
func bombs() []etcdcfg.Entry {
	list := []etcdcfg.Entry{
		{Path: "/data/" + strings.Repeat("日志交易", 30) + ".log", Topic: strings.Repeat("t", 249)},
		{Path: "/a", Topic: "b"},
		{Path: "/emoji/👍🏽/🇩🇪/👨‍👩‍👧/❤️/*.log", Topic: "e"},
		{Path: "/bidi/\u202etxt.exe\u2066/\u200b\ufeff", Topic: "f"},
	}
	return append(list, sampleEntries()...)
}

// every screen at every size: no line wider than the screen, as many lines as
// it has, and no escape but our own styles.
func TestNoLineIsWiderThanTheScreen(t *testing.T) {
	for name, open := range scenes() {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newConsole(t, Config{}, bombs()...)
				open(c)
				for w := 40; w <= 200; w += 7 {
					for h := 10; h <= 60; h += 9 {
						c.size(w, h)
						checkFrame(t, c, w, h)
					}
				}
			})
		})
	}
}

func checkFrame(t *testing.T, c *console, w, h int) {
	t.Helper()
	lines := strings.Split(c.root.View().Content, "\n")
	if err := c.root.env.keep.err(); err != nil {
		t.Fatalf("%v\n%s", err, c.root.env.keep.crash.Stack)
	}
	if len(lines) != h {
		t.Fatalf("%dx%d: %d lines", w, h, len(lines))
	}
	for i, l := range lines {
		if n := ansi.StringWidth(l); n > w {
			t.Fatalf("%dx%d: line %d is %d cells wide:\n%s", w, h, i, n, ansi.Strip(l))
		}
		harmless(t, withoutStyles(l))
	}
}

// withoutStyles drops colours and attributes, and nothing else.
func withoutStyles(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		end := i + 2
		for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == ';') {
			end++
		}
		if end == len(s) || s[end] != 'm' {
			return b.String() + s[i:]
		}
		s = s[end+1:]
	}
}

func TestResizeStorm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		for i := range 300 {
			c.size(20+i*7%181, 5+i*13%56)
			checkFrame(t, c, 20+i*7%181, 5+i*13%56)
		}
	})
}

// every key of every key map does something that leaves a whole screen.
func TestEveryKey(t *testing.T) {
	for name, open := range scenes() {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				probe := newConsole(t, Config{})
				open(probe)
				keys := append(append(keymap{}, probe.root.top().keys()...), globalKeys()...)
				for _, b := range keys {
					if b.help == "" {
						t.Errorf("%s has no help", b.act)
					}
					for _, k := range b.keys {
						if k == "ctrl+z" || b.act == actRaw || b.act == actAgain && name == "broken" {
							continue // hands the terminal over
						}
						for _, w := range [2]int{80, 120} {
							c := newConsole(t, Config{})
							open(c)
							c.size(w, 24)
							c.key(k)
							checkFrame(t, c, w, 24)
						}
					}
				}
			})
		})
	}
}

func TestKeysAreNotBoundTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, open := range scenes() {
			c := newConsole(t, Config{})
			open(c)
			seen := map[string]action{}
			for _, b := range c.root.top().keys() {
				for _, k := range b.keys {
					if other, ok := seen[k]; ok {
						t.Errorf("%s: %s is both %s and %s", name, k, other, b.act)
					}
					seen[k] = b.act
				}
			}
		}
	})
}

func TestFooterAndHelpComeFromTheKeyMap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.size(200, 60)
		footer := c.screen()
		for _, b := range entriesKeys() {
			if b.label != "" && !strings.Contains(footer, shownKey(b.keys[0])+" "+b.label) {
				t.Errorf("the footer lacks %s %s", b.shown(), b.label)
			}
		}
		c.key("?")
		help := ""
		for range 10 {
			help += c.screen()
			c.key("pgdown")
		}
		for _, b := range append(entriesKeys(), globalKeys()...) {
			if !strings.Contains(help, b.help) {
				t.Errorf("the help lacks %s: %s", b.shown(), b.help)
			}
		}
	})
}

func TestTooSmall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.size(59, 20)
		if s := c.screen(); !strings.Contains(s, "59x20") || !strings.Contains(s, "60x15") {
			t.Errorf("no sizes in %q", s)
		}
		c.key("q")
		if !c.quit {
			t.Error("q does not quit a small screen")
		}
	})
}
