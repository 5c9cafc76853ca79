package agent

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"logctl/agent/positions"
	"logctl/agent/ship"
	"logctl/agent/state"
	"logctl/agent/tail"
	"logctl/agent/transform"
	"logctl/etcdcfg"
)

// times are the delays of tasks; tests make them short.
type times struct {
	restart time.Duration // before a task that failed starts again
	settle  time.Duration // wait for the acknowledgements of a replaced task with another topic
	event   time.Duration // wait of the last multi-line event of a file for more lines
}

func defaultTimes() times {
	return times{restart: 5 * time.Second, settle: 3 * time.Second, event: 2 * time.Second}
}

// sender is what a task needs of ship.Producer.
type sender interface {
	Send(ctx context.Context, b *ship.Bundle) error
	MaxRecord(topic string) int
	Topic(topic string) ship.TopicStatus
	Forget(topic string)
}

// shared is what all tasks of an agent use together.
type shared struct {
	address     address                                           // record headers beside labels
	spread      bool                                              // the lines of a file go to several partitions
	await       func(ctx context.Context, topics ...string) error // until it is known what an earlier run had stored there; nil: nobody knows
	maxLine     int
	longLines   tail.LongLines
	interval    time.Duration
	allowed     func(path string) error // nil: every path
	expressions *transform.Expressions  // of all entries
	within      func(dir string) bool   // whether anything below a directory is allowed; nil: everywhere
	producer    sender
	cluster     func() state.State // why no broker answers; nil: not known
	registry    *positions.Registry
	watcher     *tail.Watcher
	rounds      *tail.Rounds
	deleted     *tail.Deleted
	times       times
	lobby       lobby
	closed      closedTopics
	parcels     parcels
	log         *slog.Logger
}

// task runs one entry: it follows the entry's files and ships their lines.
type task struct {
	entry    etcdcfg.Entry
	shared   *shared
	log      *slog.Logger
	counters *counters
	door     door
	segments sync.Pool // of *segment, for the windows of all streams

	after   []*task      // tasks of the same path that must have ended before this one reads; nil then
	inherit func() error // gives this source the positions of a predecessor; called once, before reading
	cancel  context.CancelFunc
	ended   chan struct{} // closed when run returned

	saving sync.Mutex // of saveNew; before mu

	mu       sync.Mutex
	set      *tail.Set // nil before the start and after the end
	gone     goneBytes // as last reported
	first    *tail.Set // it is looked at for the first time; nil otherwise
	streams  map[tail.FileID]*stream
	finished []tail.Finished // generations to forget once nothing of them is on its way
	failure  error           // why it is not running, nil when it is
	waits    bool            // for the tasks before it
	detached bool            // its positions belong to a successor: acknowledgements no longer move them

	tracker state.Tracker
	backlog int64     // bytes waiting, as last announced; of the goroutine that announces
	kept    time.Time // when housekeep last did something; of the looks at files, which come one after the other
}

func newTask(sh *shared, e etcdcfg.Entry, c *counters) *task {
	return &task{
		entry: e, shared: sh, counters: c,
		door:    door{lobby: &sh.lobby},
		log:     sh.log.With("entry", e.Path, "topic", e.Topic),
		ended:   make(chan struct{}),
		streams: map[tail.FileID]*stream{},
	}
}

// await waits for the tasks before this one.
func (t *task) await(ctx context.Context) {
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.waits = false
	}()
	for _, before := range t.after {
		<-before.ended
	}
	// Now that none of them takes positions over any more, it can be told whether this
	// one will.
	inherits := !t.shared.registry.Known(t.entry.Key())
	for _, before := range t.after {
		if same := t.entry.Key() == before.entry.Key(); same || inherits {
			before.settle(ctx, same)
		}
	}
}

func (t *task) open(pumps *pumps) (*tail.Set, error) {
	e, sh := t.entry, t.shared
	sh.producer.MaxRecord(e.Topic) // looks the topic up: that it is missing must show before there is a line
	cfg := tail.Config{
		Path: e.Path, Exclude: e.Exclude, Rotated: e.Rotated, From: tail.FromEnd,
		FirstStart: !sh.registry.Known(e.Key()) && sh.registry.SetAside() == "",
		Poll:       e.Poll, Interval: sh.interval,
		MaxLine:   func() int { return min(sh.maxLine, sh.producer.MaxRecord(e.Topic)) },
		LongLines: sh.longLines, Newline: newline(e.Encoding), DropBOM: isUTF8(e.Encoding),
		Allowed: sh.allowed, AllowedDir: sh.within, Watcher: sh.watcher, Deleted: sh.deleted, Log: t.log,
		Earlier: tail.Earlier{Since: sh.registry.Since(e.Key()), Saved: sh.registry.States(e.Key()), Memory: sh.registry.Memory(e.Key())},
		Hooks:   tail.Hooks{OnReady: pumps.wake, OnLook: t.housekeep},
	}
	if e.From == etcdcfg.FromBeginning {
		cfg.From = tail.FromBeginning
	}
	return tail.Open(cfg)
}

// isUTF8 tells whether text of that encoding is sent as it is.
func isUTF8(encoding string) bool {
	enc, err := etcdcfg.LookupEncoding(encoding)
	return enc == nil && err == nil
}

func newline(encoding string) tail.Newline {
	switch transform.CodeUnits(encoding) {
	case transform.UTF16LE:
		return tail.NewlineUTF16LE
	case transform.UTF16BE:
		return tail.NewlineUTF16BE
	default:
		return tail.NewlineLF
	}
}

func ruleSpec(e etcdcfg.Entry) transform.Spec {
	s := transform.Spec{Encoding: e.Encoding, Format: e.Format, Include: e.IncludeLines, Exclude: e.ExcludeLines}
	if m := e.Multiline; m != nil {
		s.Join = transform.Join{
			Preset: m.Preset, Start: m.Start, Continue: m.Continue, End: m.End, Negate: m.Negate,
			MaxLines: m.MaxLines, MaxBytes: m.MaxBytes, Wait: m.Timeout,
		}
	}
	return s
}

// leave parts from what an earlier life left behind when it failed. Its files are read
// again from the saved positions, which what it has on its way, or held, must not move:
// of a range that was never sent no acknowledgement comes.
func (t *task) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.streams {
		s.left = true
		s.held.give(&t.shared.lobby.events)
	}
	clear(t.streams)
}

// look notes that a Set is looked at for the first time, which may take as long as its
// file system does.
func (t *task) look(set *tail.Set) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first = set
}

func (t *task) follows(set *tail.Set) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set, t.first, t.failure, t.finished = set, nil, nil, nil
}

func (t *task) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set = nil
}

func (t *task) setFailure(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure, t.first = err, nil
}

// housekeep saves the states of new generations and forgets finished ones, at most once a
// second. It is called after each look at the files.
func (t *task) housekeep() {
	t.mu.Lock()
	set := t.set
	t.mu.Unlock()
	if now := time.Now(); set != nil && now.Sub(t.kept) >= housekeepPause {
		t.kept = now
		t.saveNew(set)
	}
}

// housekeepPause is a little less than the second between two scans, which would be
// missed half of the time else.
const housekeepPause = 900 * time.Millisecond

// saveNew notes the generations that were first seen since it was called last, and
// forgets those that are finished. The Set is asked without t.mu: acknowledgements and
// reports need that, and must not wait for a file system.
func (t *task) saveNew(set *tail.Set) {
	t.saving.Lock()
	defer t.saving.Unlock()
	// What is finished is asked for first: a generation that took its place is in
	// Unsaved by then, and saved before the old one is forgotten.
	finished := set.Forgotten()
	for _, st := range set.Unsaved() {
		t.shared.registry.Add(t.entry.Key(), st)
	}
	for _, n := range set.Learned() {
		t.shared.registry.Learn(t.entry.Key(), n)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finished = slices.DeleteFunc(append(t.finished, finished...), t.forget)
}

// forget drops a finished generation once nothing of it is on its way. t.mu is held.
func (t *task) forget(g tail.Finished) bool {
	if s := t.streams[g.ID]; s != nil {
		if s.unacked() {
			return false
		}
		s.held.give(&t.shared.lobby.events)
	}
	delete(t.streams, g.ID)
	if g.Ended != nil { // says that all of it was delivered, so not before that
		t.shared.registry.Remember(t.entry.Key(), *g.Ended)
	}
	t.shared.registry.Drop(t.entry.Key(), g.ID)
	return true
}

// streamOf returns the stream of a file, made at its first use. Only the holder of the
// file asks for it.
func (t *task) streamOf(f *tail.File, rules *transform.Rules) *stream {
	t.mu.Lock()
	s, set := t.streams[f.ID()], t.set
	t.mu.Unlock()
	if s != nil {
		return s
	}
	s = t.newStream(f)
	after := f.After()
	t.mu.Lock()
	s.before = t.streams[after]
	if rules != nil {
		s.pipe = transform.NewPipe(rules)
		if s.before != nil {
			s.elders = append(s.elders, s.before)
		}
		for _, older := range t.streams {
			if older.path == s.path {
				s.elders = append(s.elders, older)
			}
		}
		slices.SortFunc(s.elders, func(a, b *stream) int { return cmp.Compare(a.id.Gen, b.id.Gen) })
	}
	t.streams[f.ID()] = s
	t.mu.Unlock()
	if set != nil {
		// Generations found before this one must be known before anything of this one
		// is acknowledged: a later start takes what is older than that for delivered.
		// And a truncated generation whose copy this is must be forgotten by then: a
		// later start would have the copy go on where that one was delivered to.
		t.saveNew(set)
	}
	return s
}

func (t *task) newStream(f *tail.File) *stream {
	order := slices.Sorted(maps.Keys(t.entry.Labels))
	s := &stream{
		id: f.ID(), file: f, path: f.Path(), key: t.shared.address.host + ":" + f.Path(), start: f.State().Pos,
		headers: t.shared.address.of(f.Path(), f.Origin().Short(), t.entry.Labels, order),
		window:  window{used: &t.segments},
	}
	s.headers.describe(&t.entry, f.Path())
	stored, known := t.shared.registry.Stored(f.Origin().Short(), t.shared.registry.Topics(t.entry.Key())...)
	s.skip = newSkip(stored, known, t.shared.spread)
	return s
}

func (t *task) streamList() []*stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.streams))
}

// acknowledge moves the saved position of a file as far as it may.
func (t *task) acknowledge(s *stream, seg *segment) {
	// Both under the lock: a successor that saw the window empty takes over the positions.
	t.mu.Lock()
	defer t.mu.Unlock()
	st, moved := s.window.ack(seg)
	if moved && !t.detached && !s.left {
		t.shared.registry.Put(t.entry.Key(), st)
	}
}
