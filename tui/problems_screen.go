package tui

import (
	tea "charm.land/bubbletea/v2"
)

// problemsScreen lists what does not work. The selected problem is shown whole: the reason,
// what to do, and on which agents.
type problemsScreen struct {
	env   *env
	rows  []problem
	seen  *fleetView
	table *table
	sel   int
	page  int
}

const actNextProblem action = "next problem"

func newProblemsScreen(e *env) *problemsScreen {
	return &problemsScreen{env: e, page: 10, table: newTable(
		column{id: "state", title: "PROBLEM", min: 10, max: 26},
		column{id: "what", title: "WHAT", flex: true, min: 20, share: 4, path: true},
		column{id: "agents", title: "AGENTS", right: true, min: 6},
		column{id: "since", title: "SINCE", min: 8, drop: 1},
	)}
}

func (s *problemsScreen) title() string          { return "problems" }
func (s *problemsScreen) keys() keymap           { return problemsKeys() }
func (s *problemsScreen) place() (action, bool)  { return actEntries, false }
func (s *problemsScreen) update(tea.Msg) tea.Cmd { return nil }

func (s *problemsScreen) refresh() tea.Cmd {
	if s.seen == s.env.view {
		return nil
	}
	at := ""
	if s.sel < len(s.rows) {
		at = s.rows[s.sel].id()
	}
	s.seen, s.rows = s.env.view, s.env.view.problems
	for i := range s.rows {
		if s.rows[i].id() == at {
			s.sel = i
		}
	}
	s.sel = max(min(s.sel, len(s.rows)-1), 0)
	return nil
}

func (p *problem) id() string { return p.word + "\x00" + p.title }

func (s *problemsScreen) act(a action) tea.Cmd {
	if move(&s.sel, a, len(s.rows), s.page) || s.sel >= len(s.rows) {
		return nil
	}
	p := &s.rows[s.sel]
	switch a {
	case actNextProblem:
		s.sel = (s.sel + 1) % len(s.rows)
	case actOpen:
		if p.entry == "" {
			s.env.push(newAgentScreen(s.env, p.title))
			return nil
		}
		for i := range s.env.view.entries {
			if e := &s.env.view.entries[i]; e.key == p.entry {
				s.env.push(newDetailScreen(s.env, e.entry))
			}
		}
	case actCopy:
		return s.env.copyText(p.title+": "+p.word+": "+p.reason, "the problem")
	}
	return nil
}

func (s *problemsScreen) summary(int) string {
	if len(s.rows) == 0 {
		return s.env.styles.good.apply("No problems")
	}
	text, bad := problemsText(s.rows)
	return s.env.styles.problem(bad).apply(markOf(bad) + " " + clean(text))
}

func (s *problemsScreen) body(w, h int) []string {
	if len(s.rows) == 0 {
		return []string{"", "  Every entry works on every agent, and nobody is missing."}
	}
	s.page = h - 2
	return s.table.render(s.env.styles, w, h, tableRows{n: len(s.rows), sel: s.sel,
		notes: func(i int) []string { return s.whole(i, w, h) },
		row: func(i int) []cell {
			p, st := &s.rows[i], s.env.styles
			since := ""
			if !p.since.IsZero() {
				since = s.env.stamp(p.since)
			}
			return []cell{{text: markOf(!p.warn) + " " + p.word, paint: st.problem(!p.warn)}, {text: clean(p.title)}, {text: itoa(len(p.agents))}, {text: since, paint: st.dim}}
		}})
}

// markOf is the sign before a problem, or a warning.
func markOf(bad bool) string {
	if bad {
		return "✗"
	}
	return "!"
}

// agentsNamed is how many agents of a problem are named.
const agentsNamed = 12

// whole is what there is to say of the selected problem.
func (s *problemsScreen) whole(i, w, h int) []string {
	if i != s.sel {
		return nil
	}
	const indent = 5
	p, st := &s.rows[i], s.env.styles
	var out []string
	add := func(label, text string, paint paint) {
		if text == "" {
			return
		}
		for _, l := range wrapWords(label+clean(text), w-indent) {
			out = append(out, spaces(indent)+paint.apply(l))
		}
	}
	add("", p.reason, st.plain)
	add("to do: ", p.do, st.key)
	if p.entry != "" && len(p.agents) > 0 {
		names := p.agents
		more := ""
		if len(names) > agentsNamed {
			more = " and " + itoa(len(names)-agentsNamed) + " more"
			names = names[:agentsNamed]
		}
		text := ""
		for k, n := range names {
			if k > 0 {
				text += ", "
			}
			text += n
		}
		add("on: ", text+more, st.dim)
	}
	return out[:min(len(out), max(h-3, 0))]
}

func problemsKeys() keymap {
	return append(keymap{
		{act: actNextProblem, keys: []string{"!"}, label: "next", help: "the next problem"},
		{act: actOpen, keys: []string{"enter"}, label: "look", help: "the entry file by file, or the agent"},
		{act: actCopy, keys: []string{"y"}, label: "copy", help: "copy the problem with its reason"},
	}, moveKeys()...)
}
