package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"logctl/agent/positions"
	"logctl/etcdcfg"
)

// supervisor owns the tasks: it starts and stops them so that what runs becomes
// what the list wants.
type supervisor struct {
	shared *shared
	ctx    context.Context // of the tasks; set by begin, ends them all
	wg     sync.WaitGroup

	mu       sync.Mutex
	tasks    map[string]*task // running, by key of the entry
	wanted   []etcdcfg.Entry  // the list last applied
	revision int64            // of that list
	counters map[string]*counters
	last     map[string][]*task // stopped tasks of which something may be on its way, by key, oldest first
	topics   map[string]bool    // topics that ship was given
}

func newSupervisor(sh *shared) *supervisor {
	return &supervisor{
		shared: sh, tasks: map[string]*task{},
		counters: map[string]*counters{}, last: map[string][]*task{}, topics: map[string]bool{},
	}
}

// begin says what ends the tasks. It is called once, before apply.
func (s *supervisor) begin(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx = ctx
}

// apply makes the list with the given revision what runs. It does not wait: a task
// that replaces another of the same path waits for it by itself.
func (s *supervisor) apply(list []etcdcfg.Entry, revision int64) plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := make(map[string]etcdcfg.Entry, len(s.tasks))
	for k, t := range s.tasks {
		running[k] = t.entry
	}
	p := reconcile(running, list)
	s.wanted, s.revision = slices.Clone(list), revision
	for _, k := range p.stop {
		t := s.tasks[k]
		delete(s.tasks, k)
		t.log.Info("task stops")
		t.cancel()
		s.shared.registry.Leave(k) // or only replaced; then it does not matter
		// Those before it stay: it may have been stopped while it waited for them.
		s.last[k] = append(s.last[k], t)
	}
	for _, e := range p.start {
		s.start(e)
	}
	return p
}

// sweep forgets what is left of stopped tasks of which nothing is on its way any
// more, and tells ship of topics that nobody uses, so that it stops asking for them.
func (s *supervisor) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	used := map[string]bool{}
	for k, t := range s.tasks {
		used[k], used[t.entry.Topic] = true, true
	}
	for k, stopped := range s.last {
		stopped = slices.DeleteFunc(stopped, (*task).over)
		if s.last[k] = stopped; len(stopped) == 0 {
			delete(s.last, k)
			continue
		}
		used[k], used[stopped[0].entry.Topic] = true, true
	}
	for k := range s.counters {
		if !used[k] {
			delete(s.counters, k)
		}
	}
	for topic := range s.topics {
		if !used[topic] {
			s.shared.producer.Forget(topic)
			delete(s.topics, topic)
		}
	}
}

// start starts the task of an entry. s.mu is held.
func (s *supervisor) start(e etcdcfg.Entry) { s.startAfter(e, func() error { return nil }) }

// startAfter is start of a task that calls edit once before it reads, when nothing of those
// before it is on its way any more. s.mu is held.
func (s *supervisor) startAfter(e etcdcfg.Entry, edit func() error) {
	k := e.Key()
	c := s.counters[k]
	if c == nil {
		c = &counters{}
		s.counters[k] = c
	}
	t := newTask(s.shared, e, c)
	t.after = s.predecessors(e)
	t.waits = len(t.after) > 0
	s.topics[e.Topic] = true
	t.inherit = func() error {
		if err := s.inherit(t); err != nil {
			return err
		}
		return edit()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	t.cancel = cancel
	s.tasks[k] = t
	t.log.Info("task starts")
	s.wg.Add(1)
	t.run(ctx, s.wg.Done)
}

// predecessors are the stopped tasks that the task of an entry must wait for: those of
// the same path and topic, and those of topics of the path that are no longer in the
// list: it may have to take over their positions, or they be taking over its own at this
// moment, which the list before asked for. s.mu is held.
func (s *supervisor) predecessors(e etcdcfg.Entry) []*task {
	var out []*task
	for k, stopped := range s.last {
		if k == e.Key() || pathOf(k) == e.Path && !s.wantsLocked(k) {
			for _, t := range stopped {
				if !t.over() {
					out = append(out, t)
				}
			}
		}
	}
	return out
}

// inherit gives a source that was never followed the positions of the same path
// under a topic that is no longer in the list: its topic was changed, and what was
// shipped already must not be shipped again.
func (s *supervisor) inherit(t *task) error {
	reg, key := s.shared.registry, t.entry.Key()
	if reg.Known(key) {
		return nil
	}
	// Each of thousands of tasks asks, so that nothing is made of all the others.
	others := map[string]time.Time{}
	reg.EachKey(func(k string, updated time.Time) {
		if pathOf(k) == t.entry.Path && k != key {
			others[k] = updated
		}
	})
	from, latest := "", time.Time{}
	for k, updated := range others {
		if updated.After(latest) && !s.wants(k) {
			from, latest = k, updated
		}
	}
	if from == "" {
		return nil
	}
	for _, before := range t.after {
		if before.entry.Key() == from {
			before.detach()
		}
	}
	s.shared.log.Info("topic of an entry changed; its files go on where they were", "path", pathOf(key))
	return reg.Move(from, key)
}

// wants says whether the key is in the list, disabled or not.
func (s *supervisor) wants(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wantsLocked(key)
}

func (s *supervisor) wantsLocked(key string) bool {
	return slices.ContainsFunc(s.wanted, func(e etcdcfg.Entry) bool { return e.Key() == key })
}

// stop ends all tasks and waits until none reads, or until ctx ends. It returns those
// that do not come back: a file system does not answer them, and nothing can end such a
// call. They are left behind, with what they hold.
func (s *supervisor) stop(ctx context.Context) []*task {
	s.mu.Lock()
	for _, t := range s.tasks {
		t.cancel()
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.wg.Wait()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	return s.stuck()
}

// stuck returns the tasks that were told to end and have not.
func (s *supervisor) stuck() []*task {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []*task
	for _, t := range s.tasks {
		left = append(left, t)
	}
	for _, stopped := range s.last {
		left = append(left, stopped...)
	}
	return slices.DeleteFunc(left, (*task).hasEnded)
}

// list returns the wanted entries, which are not to be changed, with their tasks (nil for
// disabled ones) and the revision of the list.
func (s *supervisor) list() ([]etcdcfg.Entry, []*task, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tasks := make([]*task, len(s.wanted))
	for i, e := range s.wanted {
		if !e.Disabled {
			tasks[i] = s.tasks[e.Key()]
		}
	}
	return s.wanted, tasks, s.revision
}

// drain waits, once the readers have ended, until what they read is acknowledged, or
// until ctx ends, and returns of how many entries something is not.
func (s *supervisor) drain(ctx context.Context) int {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		n := s.unacked()
		if n == 0 {
			return 0
		}
		select {
		case <-ctx.Done():
			return n
		case <-tick.C:
		}
	}
}

// unacked counts the entries, also those that left the list, of which lines were read
// that are not acknowledged. What a successor has taken over, and sends too, does not
// count.
func (s *supervisor) unacked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := map[string]bool{}
	for k, t := range s.tasks {
		waiting[k] = t.owes()
	}
	for k, stopped := range s.last {
		waiting[k] = waiting[k] || slices.ContainsFunc(stopped, (*task).owes)
	}
	n := 0
	for _, owes := range waiting {
		if owes {
			n++
		}
	}
	return n
}

// holdBack takes cursors back to where lines are stored that no saved position covers,
// because others of their file are on their way to another partition.
func (s *supervisor) holdBack(cursors []positions.Cursor) {
	s.mu.Lock()
	tasks := make([]*task, 0, len(s.tasks))
	for _, t := range s.tasks {
		tasks = append(tasks, t)
	}
	for _, stopped := range s.last {
		tasks = append(tasks, stopped...)
	}
	s.mu.Unlock()
	for _, t := range tasks {
		for _, st := range t.streamList() {
			st.window.uncovered(func(at landing) {
				for i := range cursors {
					if c := &cursors[i]; c.Topic == at.topic && c.Partition == at.partition {
						c.Offset = min(c.Offset, max(at.offset, 0))
					}
				}
			})
		}
	}
}
