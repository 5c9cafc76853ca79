package tui

import (
	"context"
	"fmt"
	"math"
	"sort"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/internal/kafka"
)

const (
	topicsPause = 3 * time.Second  // between looks while the screen is open
	topicsOld   = 10 * time.Second // older lists are read again for completion
)

// topicsView is the newest list of topics. It belongs to the UI goroutine.
type topicsView struct {
	known   bool
	at      time.Time // of the last look, whether it was answered or not
	good    time.Time // of the last look that was answered: the age of list and rates
	list    []kafka.Topic
	rates   map[string]float64
	err     string // of the last look
	loading bool
	gen     int
}

func (t *topicsView) names() []string {
	out := make([]string, 0, len(t.list))
	for i := range t.list {
		if !t.list[i].Internal {
			out = append(out, t.list[i].Name)
		}
	}
	return out
}

// internal reports whether a topic is left out until it is asked for: Kafka's own
// and the one of the agents' reports, whose offsets grow for ever while nothing
// happens.
func (e *env) internal(t *kafka.Topic) bool { return t.Internal || t.Name == e.reportTopic }

func (t *topicsView) find(name string) *kafka.Topic {
	for i := range t.list {
		if t.list[i].Name == name {
			return &t.list[i]
		}
	}
	return nil
}

type topicsMsg struct {
	gen  int
	at   time.Time
	list []kafka.Topic
	err  string
}

// loadTopics reads the list of topics again when it is old, or when forced.
func (e *env) loadTopics(force bool) tea.Cmd {
	t := &e.topics
	if e.ports.topics == nil || t.loading || !force && (t.known || t.err != "") && e.now().Sub(t.at) < topicsOld {
		return nil
	}
	t.loading, t.gen = true, e.next()
	gen, port, ctx, now := t.gen, e.ports.topics, e.ctx, e.now
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, loadLimit)
		defer cancel()
		list, err := port.Topics(ctx)
		m := topicsMsg{gen: gen, at: now(), list: list}
		if err != nil {
			m.err = clean(port.Explain(err))
		}
		return m
	}
}

// gotTopics takes an answer of loadTopics; it tells whether it was the newest.
func (e *env) gotTopics(m topicsMsg) bool {
	t := &e.topics
	if m.gen != t.gen {
		return false
	}
	t.loading = false
	if m.err != "" {
		t.err, t.at = m.err, m.at
		return true
	}
	rates := map[string]float64{}
	for i := range m.list {
		name := m.list[i].Name
		rates[name] = math.NaN()
		if old := t.find(name); old != nil && t.known {
			rates[name] = topicRate(old, &m.list[i], m.at.Sub(t.good))
		}
	}
	t.known, t.err, t.at, t.good, t.list, t.rates = true, "", m.at, m.at, m.list, rates
	return true
}

func topicRate(old, cur *kafka.Topic, d time.Duration) float64 {
	a, b := newestSum(old), newestSum(cur)
	if a < 0 || b < a || d <= 0 {
		return math.NaN()
	}
	return float64(b-a) / d.Seconds()
}

// newestSum adds the end offsets up, -1 when one is not known.
func newestSum(t *kafka.Topic) int64 {
	sum := int64(0)
	for _, p := range t.Partitions {
		if p.Newest < 0 {
			return -1
		}
		sum += p.Newest
	}
	return sum
}

// kept is the number of offsets between the oldest and the newest, -1 when not
// known: the number of records unless the topic is compacted.
func kept(t *kafka.Topic) int64 {
	sum := int64(0)
	for _, p := range t.Partitions {
		if p.Newest < 0 || p.Oldest < 0 {
			return -1
		}
		sum += p.Newest - p.Oldest
	}
	return sum
}

// topicsScreen lists the topics of the cluster.
type topicsScreen struct {
	listState
	table    *table
	rows     []*kafka.Topic
	internal bool
	beating  int // generation of the beat that reads the list again
}

type topicsBeat struct{ gen int }

func newTopicsScreen(e *env) *topicsScreen {
	return &topicsScreen{
		listState: newListState(e, "topics", "topic", "rate", "records", "partitions", "size"),
		table: newTable(
			column{id: "topic", title: "TOPIC", flex: true, min: 16},
			column{id: "partitions", title: "PARTITIONS", right: true},
			column{id: "replicas", title: "REPLICAS", right: true, drop: 2},
			column{id: "health", title: "STATE", min: 8, max: 30},
			column{id: "records", title: "RECORDS KEPT", right: true, drop: 1},
			column{id: "end", title: "END OFFSETS", right: true, drop: 3},
			column{id: "rate", title: "RECORDS/S", right: true},
			column{id: "size", title: "SIZE", right: true, drop: 4},
			column{id: "by", title: "ENTRIES", right: true, drop: 5},
		),
	}
}

func (s *topicsScreen) title() string         { return "topics" }
func (s *topicsScreen) keys() keymap          { return topicsKeys() }
func (s *topicsScreen) place() (action, bool) { return actTopics, false }
func (s *topicsScreen) hidden()               { s.beating = 0 }
func (s *topicsScreen) close()                { s.beating = 0 }

func (s *topicsScreen) refresh() tea.Cmd {
	s.arrange()
	if s.beating != 0 {
		return nil
	}
	s.beating = s.env.next()
	return tea.Batch(s.env.loadTopics(true), s.env.after(topicsPause, topicsBeat{s.beating}))
}

func (s *topicsScreen) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case topicsMsg:
		s.arrange()
	case topicsBeat:
		if m.gen == s.beating {
			return tea.Batch(s.env.loadTopics(true), s.env.after(topicsPause, topicsBeat{s.beating}))
		}
	}
	return nil
}

func (s *topicsScreen) back() bool {
	if s.filter == nil {
		return false
	}
	s.filter = nil
	s.arrange()
	return true
}

func (s *topicsScreen) arrange() {
	t := &s.env.topics
	selected := ""
	if s.sel < len(s.rows) {
		selected = s.rows[s.sel].Name
	}
	s.rows = s.rows[:0]
	for i := range t.list {
		x := &t.list[i]
		if (s.internal || !s.env.internal(x)) && (s.filter == nil || s.filter.matchString(x.Name)) {
			s.rows = append(s.rows, x)
		}
	}
	less := func(a, b *kafka.Topic) bool { return a.Name < b.Name }
	switch s.sort {
	case "rate":
		less = func(a, b *kafka.Topic) bool { return known(t.rates[a.Name]) < known(t.rates[b.Name]) }
	case "records":
		less = func(a, b *kafka.Topic) bool { return kept(a) < kept(b) }
	case "partitions":
		less = func(a, b *kafka.Topic) bool { return len(a.Partitions) < len(b.Partitions) }
	case "size":
		less = func(a, b *kafka.Topic) bool { return a.Bytes < b.Bytes }
	}
	sort.SliceStable(s.rows, func(i, j int) bool {
		if s.desc {
			return less(s.rows[j], s.rows[i])
		}
		return less(s.rows[i], s.rows[j])
	})
	for i := range s.rows {
		if s.rows[i].Name == selected {
			s.sel = i
		}
	}
	s.sel = max(min(s.sel, len(s.rows)-1), 0)
}

func (s *topicsScreen) act(a action) tea.Cmd {
	if s.common(a, len(s.rows), s.arrange) {
		return nil
	}
	e := s.env
	switch a {
	case actCreate:
		e.push(newTopicForm(e, "", "Create a topic"))
		return nil
	case actInternal:
		s.internal = !s.internal
		s.arrange()
		return nil
	case actRefresh:
		return e.loadTopics(true)
	}
	if s.sel >= len(s.rows) {
		return nil
	}
	t := s.rows[s.sel]
	switch a {
	case actOpen:
		e.request(reqStream{streamQuery{topic: t.Name}})
	case actPartitions:
		e.push(newPartitionsScreen(e, t))
	case actCopy:
		return e.copyText(t.Name, "the name")
	}
	return nil
}

func (s *topicsScreen) summary(int) string {
	t, st := &s.env.topics, s.env.styles
	under, listed := 0, 0
	for i := range t.list {
		if s.internal || !s.env.internal(&t.list[i]) {
			listed++
		}
	}
	text := plural(listed, "topic")
	for i := range t.list {
		if n, _ := underReplicated(&t.list[i]); n > 0 {
			under++
		}
	}
	if under > 0 {
		text += st.bad.apply(fmt.Sprintf(" · ✗ %d under-replicated", under))
	}
	if !s.internal {
		text += st.dim.apply(" · internal ones hidden (i)")
	}
	text += s.filterNote(len(s.rows), listed)
	switch {
	case t.err != "" && t.known:
		text += "   " + st.warn.apply("as of "+s.env.stamp(t.good)+": "+t.err)
	case t.err != "":
		text = st.bad.apply("Kafka: " + t.err + " (trying again)")
	case !t.known:
		text = "Asking Kafka ..."
	}
	return text
}

func (s *topicsScreen) body(w, h int) []string {
	if len(s.rows) == 0 {
		switch {
		case s.filter != nil:
			return []string{"", "  No topic matches the filter; Esc clears it."}
		case s.env.topics.known:
			return []string{"", "  The cluster has no topics. n creates one."}
		}
		return nil
	}
	s.page = h - 2
	return s.table.render(s.env.styles, w, h, tableRows{n: len(s.rows), sel: s.sel, row: s.cells, sorted: s.sort, down: s.desc})
}
