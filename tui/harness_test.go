package tui

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// console is a model on fakes, driven by hand: commands run when the test says.
type console struct {
	t       testing.TB
	root    *root
	store   *fakeStore
	topics  *fakeTopics
	streams *fakeStreams
	clock   time.Time
	clip    string
	quit    bool
	inbox   chan tea.Msg
}

// newConsole makes a console with data in it, standing still at day.
func newConsole(t testing.TB, cfg Config, entries ...etcdcfg.Entry) *console {
	t.Helper()
	if len(entries) == 0 {
		entries = sampleEntries()
	}
	c := &console{
		t: t, clock: day, inbox: make(chan tea.Msg, 1000), store: newFakeStore(t, entries...),
		topics:  &fakeTopics{brokers: 3, list: []kafka.Topic{fakeTopic("app_log", 6, 1200), fakeTopic("nginx_log", 3, 188_446_744), fakeTopic("trade", 1, 0)}},
		streams: &fakeStreams{feed: make(chan []*rec)},
	}
	ctx, cancel := context.WithCancel(t.Context())
	keep := &keeper{dir: t.TempDir(), stop: cancel}
	if cfg.CollectKey == "" {
		cfg.CollectKey = "collect_log_conf"
	}
	if cfg.Theme == "" {
		cfg.Theme = ThemeDark
	}
	c.root = newRoot(ctx, cfg, ports{entries: c.store, topics: c.topics, streams: c.streams}, keep, nil)
	e := c.root.env
	e.now = func() time.Time { return c.clock }
	e.feed.now = e.now
	t.Cleanup(func() {
		cancel()
		if !keep.wait(testkit.Hang) {
			t.Error("goroutines still run")
		}
	})
	fl := e.feed.fleet
	fl.setList(c.store.snapshot(), c.clock)
	fl.setLink(&fl.etcd, "", c.clock)
	fl.setLink(&fl.kafka, "", c.clock)
	fl.setLink(&fl.reports, "", c.clock)
	fl.setLink(&fl.duty, "", c.clock)
	fl.setBrokers(3)
	c.send(topicsMsg{gen: e.topics.gen, at: c.clock, list: c.topics.list})
	c.agents(12)
	c.size(120, 40)
	return c
}

func sampleEntries() []etcdcfg.Entry {
	return []etcdcfg.Entry{
		{Path: "/var/log/nginx/access.log", Topic: "nginx_log"},
		{Path: "/var/log/app/*.json", Topic: "app_log", Labels: map[string]string{"team": "app"}},
		{Path: "/data/日志/交易.log", Topic: "trade", Encoding: "gbk"},
		{Path: "/var/log/old.log", Topic: "nginx_log", Disabled: true},
		{Path: "/srv/new/**/*.log", Topic: "no_such_topic", From: "beginning"},
	}
}

// agents lets n agents report every two seconds of the last two minutes.
func (c *console) agents(n int) {
	fl := c.root.env.feed.fleet
	entries := c.store.snapshot().Entries
	var list []etcdcfg.Presence
	for i := range n {
		id := fmt.Sprintf("web-%02d", i+1)
		p := etcdcfg.Presence{ID: id, Host: id + ".example", Version: "1.0.0", PID: 100 + i, Started: day.Add(-50 * time.Hour), CollectKey: "collect_log_conf", Revision: 42, Kafka: "ok"}
		if i == 11 {
			p.Revision = 41
		}
		for k, e := range entries {
			p.Tasks = append(p.Tasks, taskState(i, k, e))
		}
		list = append(list, p)
	}
	fl.setPresences(list, c.clock)
	for step := range 64 {
		at := c.clock.Add(time.Duration(step-63) * 2 * time.Second)
		var reports []report.Report
		for i := range n {
			r := report.Report{Agent: fmt.Sprintf("web-%02d", i+1), At: at, StartedAt: day.Add(-50 * time.Hour), Kafka: "ok", Revision: 42}
			for k, e := range entries {
				r.Tasks = append(r.Tasks, task(i, k, step, e))
			}
			reports = append(reports, r)
		}
		fl.addReports(reports, nil, at)
	}
	c.fresh()
}

func taskState(agent, k int, e etcdcfg.Entry) etcdcfg.TaskState {
	s := etcdcfg.TaskState{Path: e.Path, Topic: e.Topic, State: string(state.Shipping), Since: day.Add(-4 * time.Minute)}
	switch {
	case k == 1 && agent == 6:
		s.State, s.Error = string(state.PermissionDenied), "/var/log/app/a.json: permission denied"
	case k == 2:
		s.State = string(state.Idle)
	case k == 4:
		s.State, s.Error = string(state.TopicMissing), `topic "no_such_topic" does not exist`
	}
	return s
}

func task(agent, k, step int, e etcdcfg.Entry) report.Task {
	s := taskState(agent, k, e)
	t := report.Task{Path: e.Path, Topic: e.Topic, State: state.Code(s.State), Error: s.Error, Files: 1}
	if s.State == string(state.Shipping) {
		n := uint64(step * 5200 / (k + 1))
		t.Lines, t.Bytes, t.AckedLines, t.AckedBytes = n, n*149, n, n*149
		t.LagBytes, t.OldestUnackedMS = int64(100_000*k), int64(k*1500)
	}
	t.TopFiles = []report.File{{Path: "/var/log/file.log", Size: int64(t.Bytes) + t.LagBytes, Read: int64(t.Bytes), Acked: int64(t.AckedBytes), State: s.State}}
	return t
}

// fresh publishes a view and lets the console see it.
func (c *console) fresh() {
	e := c.root.env
	e.feed.current.Store(e.feed.fleet.build(c.clock))
	c.send(feedMsg{})
}

func (c *console) size(w, h int) { c.send(tea.WindowSizeMsg{Width: w, Height: h}) }

// send gives a message to the model and runs what it asks for, except waiting.
func (c *console) send(msg tea.Msg) {
	c.t.Helper()
	_, cmd := c.root.Update(msg)
	c.obey(cmd)
	if err := c.root.env.keep.err(); err != nil {
		c.t.Fatalf("%v\n%s", err, c.root.env.keep.crash.Stack)
	}
	c.settle()
}

// settle handles messages until every command waits for time or for news.
func (c *console) settle() {
	c.t.Helper()
	for {
		synctest.Wait()
		select {
		case msg := <-c.inbox:
			c.take(msg)
		default:
			return
		}
	}
}

// obey starts a command; its message comes back over the inbox.
func (c *console) obey(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	c.root.env.keep.spawn(func() {
		if msg := cmd(); msg != nil {
			c.inbox <- msg
		}
	})
}

func (c *console) take(msg tea.Msg) {
	switch m := msg.(type) {
	case tea.BatchMsg:
		for _, x := range m {
			c.obey(x)
		}
	case tea.QuitMsg:
		c.quit = true
	default:
		if s := fmt.Sprintf("%T", m); s == "tea.setClipboardMsg" {
			c.clip = fmt.Sprint(m)
			return
		}
		c.send(msg)
	}
}

// key presses keys by their names.
func (c *console) key(names ...string) {
	c.t.Helper()
	for _, n := range names {
		c.send(press(n))
	}
}

// text types text.
func (c *console) text(s string) {
	c.t.Helper()
	for _, r := range s {
		c.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func press(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft,
		"right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"backspace": tea.KeyBackspace, "f1": tea.KeyF1,
	}
	var mod tea.KeyMod
	base := name
	for _, m := range []struct {
		prefix string
		mod    tea.KeyMod
	}{{"ctrl+", tea.ModCtrl}, {"shift+", tea.ModShift}} {
		if len(base) > len(m.prefix) && base[:len(m.prefix)] == m.prefix {
			base, mod = base[len(m.prefix):], mod|m.mod
		}
	}
	if code, ok := codes[base]; ok {
		return tea.KeyPressMsg{Code: code, Mod: mod}
	}
	if base == "space" {
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " ", Mod: mod}
	}
	r := []rune(base)[0]
	if mod != 0 {
		return tea.KeyPressMsg{Code: r, Mod: mod}
	}
	return tea.KeyPressMsg{Code: r, Text: base}
}

// screen is what stands on the screen, as plain text.
func (c *console) screen() string { return ansi.Strip(c.root.View().Content) }
