package agent

import (
	"sync"
	"time"

	"logctl/agent/ship"
)

// closedTopics keeps who wants to read although nothing can be sent to the topic: nothing
// is read then, because a chunk and a goroutine for each of 5,000 entries take 100 MB, and
// what cannot be sent is better left in its file. The zero value is empty.
//
// When the topic opens, few of them begin at a time, for the same reason:
//
//	           the topic is closed           it opens                a place is free
//	reading ──────────────────────▶ waiting ──────────▶ in opening ──────────────────▶ reading
type closedTopics struct {
	mu      sync.Mutex // held over no call
	waiting map[string]map[*pumps]struct{}
	opening []*pumps // their topics have opened
	active  int      // places taken
}

const (
	// openingMost is how many pumps begin at the same time when topics open.
	openingMost = 32
	// openingPlace is how long a pump has its place at most: what it reads may hang, and so may
	// its topic, and neither may keep others waiting.
	openingPlace = 400 * time.Millisecond
)

// wait notes that the pumps are to be woken when the topic opens.
func (c *closedTopics) wait(topic string, p *pumps) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[string]map[*pumps]struct{}{}
	}
	if c.waiting[topic] == nil {
		c.waiting[topic] = map[*pumps]struct{}{}
	}
	c.waiting[topic][p] = struct{}{}
}

// leave takes back what wait noted.
func (c *closedTopics) leave(topic string, p *pumps) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.waiting[topic], p); len(c.waiting[topic]) == 0 {
		delete(c.waiting, topic)
	}
}

// changed wakes who waits for a topic when it is open. ship calls it, after each change of
// a topic, with no lock held.
func (c *closedTopics) changed(st ship.TopicStatus) {
	if st.Closed {
		return
	}
	c.mu.Lock()
	for p := range c.waiting[st.Topic] {
		c.opening = append(c.opening, p)
	}
	delete(c.waiting, st.Topic)
	c.mu.Unlock()
	c.fill()
}

// fill has pumps begin while there is a place.
func (c *closedTopics) fill() {
	for {
		c.mu.Lock()
		if c.active >= openingMost || len(c.opening) == 0 {
			c.mu.Unlock()
			return
		}
		p := c.opening[0]
		if c.opening = c.opening[1:]; len(c.opening) == 0 {
			c.opening = nil
		}
		c.active++
		c.mu.Unlock()
		left := sync.OnceFunc(func() {
			c.mu.Lock()
			c.active--
			c.mu.Unlock()
		})
		late := make(chan struct{})
		timer := time.AfterFunc(openingPlace, func() { close(late); left(); c.fill() })
		if !p.start(func() { p.acked(late); timer.Stop(); left(); c.fill() }) {
			timer.Stop()
			left()
		}
	}
}

// acked waits until what was read is acknowledged, or it is late: a place that was given
// back as soon as a chunk is on its way would let thousands be on their way.
func (p *pumps) acked(late <-chan struct{}) {
	for _, s := range p.task.streamList() {
		select {
		case <-s.window.rests():
		case <-late:
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// blockedLocked says whether nothing may be read because the topic is closed; then a pump is
// started when it opens. p.mu is held.
func (p *pumps) blockedLocked() bool {
	t := p.task
	topic, closed := t.entry.Topic, &t.shared.closed
	if !t.shared.producer.Topic(topic).Closed {
		t.counters.blocked.Store(0)
		return false
	}
	closed.wait(topic, p)
	if !t.shared.producer.Topic(topic).Closed { // opened meanwhile, and may not have woken this one
		closed.leave(topic, p)
		t.counters.blocked.Store(0)
		return false
	}
	return true
}

// oldest is when the oldest line was read that is not acknowledged, or since when one waits
// in its file because the topic is closed; zero: there is none. lag is how many bytes wait.
func (t *task) oldest(streams []*stream, lag int64) time.Time {
	oldest := oldestUnacked(streams)
	if since := t.counters.blocked.Load(); since != 0 && lag > 0 {
		if at := time.Unix(0, since); oldest.IsZero() || at.Before(oldest) {
			return at
		}
	}
	return oldest
}
