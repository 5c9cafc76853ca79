package tui

import (
	tea "charm.land/bubbletea/v2"
)

// eventsScreen lists what happened while the console was open, newest first.
type eventsScreen struct {
	env    *env
	filter *filter
	rows   []event
	seen   uint64
	total  int
	table  *table
	sel    int
	page   int
}

func newEventsScreen(e *env) *eventsScreen {
	return &eventsScreen{env: e, page: 10, table: newTable(
		column{id: "time", title: "TIME", min: 8},
		column{id: "kind", title: "ABOUT", min: 6},
		column{id: "text", title: "WHAT HAPPENED", flex: true, min: 20},
	)}
}

func (s *eventsScreen) title() string          { return "events" }
func (s *eventsScreen) keys() keymap           { return eventsKeys() }
func (s *eventsScreen) place() (action, bool)  { return actEvents, false }
func (s *eventsScreen) update(tea.Msg) tea.Cmd { return s.refresh() }

func (s *eventsScreen) refresh() tea.Cmd {
	list, version := s.env.journal.all()
	if version == s.seen && s.rows != nil {
		return nil
	}
	s.arrange(list, version)
	return nil
}

func (s *eventsScreen) arrange(list []event, version uint64) {
	grown, fresh := 0, len(list) // the newest ones have not been seen
	if s.seen != 0 && s.sel > 0 {
		fresh = len(list) - int(min(version-s.seen, uint64(len(list))))
	}
	s.seen, s.total, s.rows = version, len(list), make([]event, 0, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		if s.filter == nil || s.filter.matchString(list[i].kind+" "+list[i].text) {
			s.rows = append(s.rows, list[i])
			if i >= fresh {
				grown++
			}
		}
	}
	s.sel = max(min(s.sel+grown, len(s.rows)-1), 0)
}

func (s *eventsScreen) back() bool {
	if s.filter == nil {
		return false
	}
	s.filter, s.seen = nil, 0
	s.refresh()
	return true
}

func (s *eventsScreen) act(a action) tea.Cmd {
	if move(&s.sel, a, len(s.rows), s.page) {
		return nil
	}
	switch a {
	case actCopy:
		if s.sel < len(s.rows) {
			x := s.rows[s.sel]
			return s.env.copyText(x.at.Format("2006-01-02 15:04:05")+" "+x.kind+" "+x.text, "the line")
		}
	case actFilter:
		l := listState{env: s.env, filter: s.filter}
		l.ask(func() {
			s.filter = l.filter
			list, version := s.env.journal.all()
			s.seen = 0
			s.arrange(list, version)
		})
	}
	return nil
}

func (s *eventsScreen) summary(int) string {
	text := plural(len(s.rows), "event") + " since the console was opened, newest first"
	if s.filter != nil {
		text += "   " + s.env.styles.hit.apply("/"+clean(s.filter.text)) + " matches " + itoa(len(s.rows)) + " of " + itoa(s.total)
	}
	return text
}

func (s *eventsScreen) body(w, h int) []string {
	if len(s.rows) == 0 && s.total > 0 {
		return []string{"", "  No event matches the filter; Esc clears it."}
	}
	if len(s.rows) == 0 {
		return []string{"", "  Nothing happened yet."}
	}
	s.page = h - 2
	return s.table.render(s.env.styles, w, h, tableRows{n: len(s.rows), sel: s.sel, notes: func(i int) []string { return s.whole(i, w, h) }, row: func(i int) []cell {
		x, p, sign := s.rows[i], s.env.styles.plain, "  "
		if x.bad {
			p, sign = s.env.styles.bad, "✗ "
		}
		return []cell{{text: s.env.stamp(x.at), paint: s.env.styles.dim}, {text: x.kind}, {text: sign + x.text, paint: p}}
	}})
}

// whole is the text of the selected event, below it, when its row has no room for it.
func (s *eventsScreen) whole(i, w, h int) []string {
	if i != s.sel {
		return nil
	}
	about, at := 6, 8
	for k := range s.rows {
		about, at = max(about, cells(s.rows[k].kind)), max(at, cells(s.env.stamp(s.rows[k].at)))
	}
	const indent = 5
	text := s.rows[i].text
	if cells(text) <= w-about-at-10 { // lead, gaps and the sign before the text
		return nil
	}
	lines := wrapWords(text, w-indent)
	for k, l := range lines {
		lines[k] = spaces(indent) + s.env.styles.dim.apply(l)
	}
	return lines[:min(len(lines), max(h-3, 0))]
}
