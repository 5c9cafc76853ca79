package tui

import (
	"context"
	"fmt"
	"sort"

	tea "charm.land/bubbletea/v2"
)

// picker chooses one of several things, or some of them.
type picker struct {
	env     *env
	name    string
	head    string
	parent  action
	items   []pickItem
	several bool
	sel     int
	table   *table
	chosen  func(p *picker) tea.Cmd // Enter; p.sel, or the marked items
	onMsg   func(p *picker, msg tea.Msg) bool
	load    tea.Cmd // run when shown first
	page    int
}

type pickItem struct {
	text, note string // cleaned
	value      string
	on         bool
}

func newPicker(e *env, name, head string) *picker {
	return &picker{env: e, name: name, head: head, page: 10, table: newTable(
		column{id: "item", title: "", flex: true, min: 10}, column{id: "note", title: "", flex: true, min: 4, drop: 1})}
}

func (s *picker) title() string         { return s.name }
func (s *picker) keys() keymap          { return pickerKeys() }
func (s *picker) place() (action, bool) { return s.parent, false }
func (s *picker) summary(int) string    { return s.head }

func (s *picker) refresh() tea.Cmd {
	cmd := s.load
	s.load = nil
	return cmd
}

func (s *picker) update(msg tea.Msg) tea.Cmd {
	if s.onMsg != nil {
		s.onMsg(s, msg)
	}
	return nil
}

func (s *picker) act(a action) tea.Cmd {
	if move(&s.sel, a, len(s.items), s.page) {
		return nil
	}
	switch a {
	case actBack:
		s.env.request(reqDrop{[]screen{s}})
	case actMark:
		if s.several && s.sel < len(s.items) {
			s.items[s.sel].on = !s.items[s.sel].on
		}
	case actOpen:
		if len(s.items) == 0 {
			return nil
		}
		s.env.request(reqDrop{[]screen{s}})
		return s.chosen(s)
	}
	return nil
}

func (s *picker) body(w, h int) []string {
	s.page = h - 2
	return s.table.render(s.env.styles, w, h, tableRows{n: len(s.items), sel: s.sel, row: func(i int) []cell {
		it, sign := s.items[i], ""
		if s.several {
			sign = "[ ] "
			if it.on {
				sign = "[x] "
			}
		}
		return []cell{{text: sign + it.text}, {text: it.note, paint: s.env.styles.dim}}
	}})
}

type keysMsg struct {
	gen  int
	keys []string
	err  string
}

// newKeyPicker lists the collect keys that exist and the agents that use each.
func newKeyPicker(e *env) *picker {
	head := "Choose the collect key to look at"
	if placeholder(e.keyTmpl) {
		head = "The collect key " + clean(e.keyTmpl) + " stands for one key for each host: choose one"
	}
	p := newPicker(e, "collect keys", head)
	gen := e.next()
	found := map[string]bool{}
	fill := func() {
		users := map[string]int{}
		for i := range e.view.agents {
			if a := &e.view.agents[i]; a.present && a.key != "" {
				users[a.key]++
				found[a.key] = true
			}
		}
		selected := e.view.key
		if p.sel < len(p.items) {
			selected = p.items[p.sel].value
		}
		names := make([]string, 0, len(found))
		for k := range found {
			names = append(names, k)
		}
		sort.Strings(names)
		p.items = p.items[:0]
		for i, k := range names {
			note := "no agent"
			if n := users[k]; n > 0 {
				note = "used by " + plural(n, "agent")
			}
			if k == selected {
				p.sel = i
			}
			p.items = append(p.items, pickItem{text: clean(k), note: note, value: k})
		}
		p.sel = max(min(p.sel, len(p.items)-1), 0)
	}
	for _, k := range e.knownKeys() {
		found[k] = true
	}
	fill()
	p.onMsg = func(_ *picker, msg tea.Msg) bool {
		m, ok := msg.(keysMsg)
		if !ok || m.gen != gen {
			return false
		}
		if m.err != "" {
			p.head = fmt.Sprintf("%s (those in etcd are not known: %s)", head, m.err)
		}
		for _, k := range m.keys {
			if !placeholder(k) {
				found[k] = true
			}
		}
		fill()
		return true
	}
	p.chosen = func(p *picker) tea.Cmd {
		e.useKey(p.items[p.sel].value)
		return nil
	}
	if port := e.ports.entries; port != nil {
		ctx := e.ctx
		p.load = func() tea.Msg {
			ctx, cancel := context.WithTimeout(ctx, loadLimit)
			defer cancel()
			keys, err := port.Keys(ctx)
			m := keysMsg{gen: gen, keys: keys}
			if err != nil {
				m.err = clean(err.Error())
			}
			return m
		}
	}
	return p
}
