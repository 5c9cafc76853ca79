package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// agentScreen lists the tasks of one agent, of the console's collect key.
type agentScreen struct {
	listState
	id    string
	agent *agentRow
	rows  []agentTask
	table *table
	seen  *fleetView
}

type agentTask struct {
	path, topic string
	task        *taskRow
}

func newAgentScreen(e *env, id string) *agentScreen {
	return &agentScreen{
		listState: newListState(e, "agent", "list", "path", "topic", "state", "lines", "bytes", "lag"), id: id,
		table: newTable(
			column{id: "path", title: "PATH", flex: true, min: 16, share: 4, path: true},
			column{id: "topic", title: "TOPIC", flex: true, min: 8, share: 7, max: 40, drop: 3},
			column{id: "state", title: "STATE", min: 10, max: 24},
			column{id: "files", title: "FILES", right: true, drop: 4},
			column{id: "lines", title: "LINES/S", right: true},
			column{id: "bytes", title: "BYTES/S", right: true, min: 7, drop: 5},
			column{id: "lag", title: "UNACKED", right: true},
			column{id: "total", title: "SENT", right: true, drop: 6},
			column{id: "skipped", title: "SKIPPED", right: true, drop: 2},
			column{id: "why", title: "WHY NOT MOVING", flex: true, min: 20, share: 4, drop: 1},
		),
	}
}

func (s *agentScreen) title() string          { return s.id }
func (s *agentScreen) keys() keymap           { return agentKeys() }
func (s *agentScreen) place() (action, bool)  { return actAgents, false }
func (s *agentScreen) update(tea.Msg) tea.Cmd { return nil }

func (s *agentScreen) refresh() tea.Cmd {
	if s.seen != s.env.view {
		s.arrange()
	}
	return nil
}

func (s *agentScreen) arrange() {
	v, selected := s.env.view, ""
	if s.sel < len(s.rows) {
		selected = s.rows[s.sel].path + "\x00" + s.rows[s.sel].topic
	}
	s.seen, s.agent, s.rows = v, nil, nil
	for i := range v.agents {
		if v.agents[i].id == s.id {
			s.agent = &v.agents[i]
		}
	}
	for i := range v.entries {
		e := &v.entries[i]
		for k := range e.tasks {
			t := &e.tasks[k]
			if t.agent == s.id && (s.filter == nil || s.filter.matchString(strings.Join([]string{e.entry.Path, e.entry.Topic, t.state}, " "))) {
				s.rows = append(s.rows, agentTask{e.entry.Path, e.entry.Topic, t})
			}
		}
	}
	s.order()
	s.sel = max(min(s.sel, len(s.rows)-1), 0)
	for i, r := range s.rows {
		if r.path+"\x00"+r.topic == selected {
			s.sel = i
		}
	}
}

// order sorts the rows, which stand in the order of the list.
func (s *agentScreen) order() {
	if s.sort == "list" {
		if s.desc {
			slices.Reverse(s.rows)
		}
		return
	}
	lag := func(r *agentTask) int64 {
		if r.task.cur == nil {
			return -1
		}
		return r.task.cur.LagBytes
	}
	slices.SortStableFunc(s.rows, func(a, b agentTask) int {
		n := 0
		switch s.sort {
		case "path":
			n = cmp.Compare(a.path, b.path)
		case "topic":
			n = cmp.Compare(a.topic, b.topic)
		case "state":
			n = cmp.Compare(rank(a.task.state), rank(b.task.state))
		case "lines":
			n = cmp.Compare(known(a.task.lines), known(b.task.lines))
		case "bytes":
			n = cmp.Compare(known(a.task.bytes), known(b.task.bytes))
		case "lag":
			n = cmp.Compare(lag(&a), lag(&b))
		}
		if s.desc {
			return -n
		}
		return n
	})
}

func (s *agentScreen) back() bool {
	if s.filter == nil {
		return false
	}
	s.filter = nil
	s.arrange()
	return true
}

func (s *agentScreen) act(a action) tea.Cmd {
	if s.common(a, len(s.rows), s.arrange) || s.sel >= len(s.rows) {
		return nil
	}
	switch a {
	case actCopy:
		return s.env.copyText(s.rows[s.sel].path, "the path")
	case actTail:
		s.env.request(reqStream{streamQuery{topic: s.rows[s.sel].topic}})
	case actMove:
		r := &s.rows[s.sel]
		if !r.task.present {
			s.env.startMove(etcdcfg.Entry{Path: r.path, Topic: r.topic}, nil, "")
			return nil
		}
		s.env.startMove(etcdcfg.Entry{Path: r.path, Topic: r.topic}, []string{s.id}, "")
	}
	return nil
}

func (s *agentScreen) summary(int) string {
	a, st := s.agent, s.env.styles
	if a == nil {
		return st.warn.apply("This agent is gone")
	}
	text := fmt.Sprintf("%s · pid %d · %s · %s", clean(a.host), a.pid, a.buildText(), plural(a.tasks, "task"))
	if !a.present {
		text += st.warn.apply(" · gone")
	}
	if len(a.doubts) > 0 {
		text += " · " + st.bad.apply("says what cannot be: "+clean(strings.Join(a.doubts, ", ")))
	}
	if a.listError != "" {
		text += " · " + st.bad.apply("list not applied: "+clean(a.listError))
	}
	if a.key != s.env.view.key && a.key != "" {
		text += " · collects by " + clean(a.key)
	}
	if n := len(a.warnings); n > 0 {
		text += " · " + st.warn.apply(plural(n, "warning")+" (!)")
	}
	return text + s.filterNote(len(s.rows), a.tasks)
}

func (s *agentScreen) body(w, h int) []string {
	if len(s.rows) == 0 && s.filter != nil {
		return []string{"", "  No task matches the filter; Esc clears it."}
	}
	if len(s.rows) == 0 {
		text := "It runs none of the entries of " + clean(s.env.view.key) + "."
		if s.agent != nil && s.agent.key != "" && s.agent.key != s.env.view.key {
			text += " Its key is " + clean(s.agent.key) + ": go back and press K."
		}
		out := []string{""}
		for _, l := range wrapWords(text, w-4) {
			out = append(out, "  "+l)
		}
		return out
	}
	s.page = h - 2
	return s.table.render(s.env.styles, w, h, tableRows{
		n: len(s.rows), sel: s.sel, row: s.cells, sorted: s.sort, down: s.desc,
	})
}

func (s *agentScreen) cells(i int) []cell {
	st, r := s.env.styles, &s.rows[i]
	t, value := r.task, st.plain
	statePaint := st.state(t.state)
	if t.stale > 0 || !t.present {
		value, statePaint = st.dim, st.dim
	}
	out := []cell{
		{text: clean(r.path), paint: value}, {text: clean(r.topic), paint: value}, {text: t.stateText(t.state), paint: statePaint}, {},
		{text: humanCount(t.lines), paint: value}, {text: bytesText(t.bytes), paint: value}, {}, {}, {}, {text: clean(whyNot(t, nil)), paint: st.dim},
	}
	if lag, _, ok := t.backlog(s.env.view.at); ok {
		out[6].text = lagText(lag, t.told == nil && t.cur != nil && t.cur.Unknown)
	}
	if c := t.cur; c != nil {
		out[3].text = itoa(c.Files)
		out[7].text = humanCount(float64(c.AckedLines))
		if c.Unknown {
			out[3].text, out[7].text = "unknown", "unknown"
		}
		if c.Skipped > 0 {
			out[8] = cell{text: humanCount(float64(c.Skipped)), paint: st.warn}
		}
	}
	return out
}
