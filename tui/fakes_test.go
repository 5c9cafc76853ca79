package tui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	goleak.VerifyTestMain(m)
}

// bubble runs a test with its own time, which stands still while anything can
// run: after each message the console is driven until all its commands wait.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// day is the moment at which the fakes stand.
var day = time.Date(2026, 3, 4, 18, 31, 4, 0, time.UTC)

// fakeStore keeps lists as etcd would.
type fakeStore struct {
	had     map[int64][]byte // what etcd itself had at a revision, where the history says otherwise
	mu      sync.Mutex
	key     string
	rev     int64
	raw     []byte
	changes []etcdcfg.Change
	keys    []string
	err     error         // of every call
	slow    chan struct{} // when set, edits wait for it
	asked   int           // calls of History
	snaps   func(etcdcfg.Snapshot)
}

func newFakeStore(t testing.TB, entries ...etcdcfg.Entry) *fakeStore {
	t.Helper()
	raw, err := etcdcfg.Format(entries)
	if err != nil {
		t.Fatal(err)
	}
	return &fakeStore{key: "collect_log_conf", rev: 42, raw: raw, keys: []string{"collect_log_conf", "collect_log_10.0.0.7_conf"}}
}

func (f *fakeStore) snapshot() etcdcfg.Snapshot {
	s := etcdcfg.Snapshot{Key: f.key, Raw: f.raw, ModRevision: f.rev, Revision: f.rev}
	if f.rev == 0 {
		return s
	}
	s.Entries, s.Err = etcdcfg.Parse(f.raw)
	if s.Err == nil {
		s.Err = etcdcfg.Validate(s.Entries)
	}
	return s
}

func (f *fakeStore) Watch(ctx context.Context, key string, onSnapshot func(etcdcfg.Snapshot), onState func(error)) error {
	f.mu.Lock()
	f.key = key
	s := f.snapshot()
	f.snaps = onSnapshot
	f.mu.Unlock()
	onState(nil)
	onSnapshot(s)
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeStore) SaveRaw(_ context.Context, base etcdcfg.Snapshot, raw []byte, note string) (etcdcfg.Snapshot, error) {
	if f.slow != nil {
		<-f.slow
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return etcdcfg.Snapshot{}, f.err
	}
	if base.ModRevision != f.rev {
		return etcdcfg.Snapshot{}, &etcdcfg.ConflictError{Base: base, Theirs: f.snapshot(), Mine: raw}
	}
	f.changes = append([]etcdcfg.Change{{Revision: f.rev + 1, Who: "ann@ops", Note: note, When: day, Before: f.raw, After: raw}}, f.changes...)
	f.raw, f.rev = raw, f.rev+1
	return f.snapshot(), nil
}

func (f *fakeStore) Save(ctx context.Context, base etcdcfg.Snapshot, entries []etcdcfg.Entry, note string) (etcdcfg.Snapshot, error) {
	raw, err := etcdcfg.Format(entries)
	if err != nil {
		return etcdcfg.Snapshot{}, err
	}
	return f.SaveRaw(ctx, base, raw, note)
}

func (f *fakeStore) History(context.Context, string, int) ([]etcdcfg.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.changes, f.err
}

func (f *fakeStore) ListAt(_ context.Context, _ string, revision int64) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if raw, ok := f.had[revision]; ok {
		return raw, nil
	}
	for _, c := range f.changes {
		if c.Revision == revision {
			return c.After, nil
		}
	}
	return nil, etcdcfg.ErrNoRevision
}

func (f *fakeStore) Revert(ctx context.Context, base etcdcfg.Snapshot, revision int64, note string) (etcdcfg.Snapshot, error) {
	for _, c := range f.changes {
		if c.Revision == revision {
			return f.SaveRaw(ctx, base, c.After, note)
		}
	}
	return etcdcfg.Snapshot{}, etcdcfg.ErrNoRevision
}

func (f *fakeStore) Keys(context.Context) ([]string, error) { return f.keys, f.err }

// other edits the list as another console would.
func (f *fakeStore) other(raw string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.raw, f.rev = []byte(raw), f.rev+1
}

// fakeAgents answers commands.
type fakeAgents struct {
	mu    sync.Mutex
	asked []etcdcfg.Command
	reply func(agent string, c etcdcfg.Command) (etcdcfg.Answer, error)
}

func (f *fakeAgents) WatchPresences(ctx context.Context, _ func([]etcdcfg.Presence), _ func(error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeAgents) Ask(_ context.Context, agent string, c etcdcfg.Command) (etcdcfg.Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, c)
	return f.reply(agent, c)
}

// fakeTopics is a small cluster.
type fakeTopics struct {
	mu      sync.Mutex
	list    []kafka.Topic
	brokers int
	err     error
	created []string
	slow    chan struct{} // when set, creating waits for it
}

func (f *fakeTopics) Topics(context.Context) ([]kafka.Topic, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]kafka.Topic(nil), f.list...), f.err
}

func (f *fakeTopics) Brokers(context.Context) ([]kafka.Broker, error) {
	return make([]kafka.Broker, f.brokers), f.err
}

func (f *fakeTopics) Create(_ context.Context, name string, partitions int32, replication int16, _ map[string]string) error {
	if f.slow != nil {
		<-f.slow
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.created = append(f.created, fmt.Sprintf("%s/%d/%d", name, partitions, replication))
	f.list = append(f.list, fakeTopic(name, int(partitions), 0))
	return nil
}

func (f *fakeTopics) Explain(err error) string { return err.Error() }

func fakeTopic(name string, partitions int, end int64) kafka.Topic {
	t := kafka.Topic{Name: name, Bytes: end * 150}
	for i := range partitions {
		t.Partitions = append(t.Partitions, kafka.Partition{ID: int32(i), Leader: 1, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}, Newest: end})
	}
	return t
}

// fakeStreams hands out readers that read from a channel.
type fakeStreams struct {
	feed  chan []*rec
	parts []partStat
	mu    sync.Mutex
	asked []streamQuery
	err   error // of opening
}

func (f *fakeStreams) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeStreams) CheckFrom(from string) error {
	if from == "bad" {
		return errors.New("start: not understood")
	}
	return nil
}

func (f *fakeStreams) CheckPartitions(string) error { return nil }

func (f *fakeStreams) Open(_ context.Context, q streamQuery, _ func(streamNotice)) (streamReader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, q)
	if f.err != nil {
		return nil, f.err
	}
	return &fakeReader{f}, nil
}

type fakeReader struct{ f *fakeStreams }

func (r *fakeReader) Next(ctx context.Context) ([]*rec, error) {
	select {
	case list := <-r.f.feed:
		return list, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *fakeReader) Partitions() []partStat { return r.f.parts }
func (r *fakeReader) Close() error           { return nil }

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
		if !keep.wait(5 * time.Second) {
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
		fl.addReports(reports, at)
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
