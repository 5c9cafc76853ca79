package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

const (
	historyShown = 100
	loadLimit    = 4 * time.Second
)

// historyScreen lists the changes of the collect key and what each one did.
type historyScreen struct {
	env     *env
	gen     int
	loading bool
	err     string
	key     string
	rev     int64 // of the list when they were asked for
	changes []etcdcfg.Change
	sel     int
	table   *table
	diffTop int
	page    int
	diff    diffCache
}

// diffCache keeps the difference that is shown: of a list of a thousand entries it takes
// longer than a frame may.
type diffCache struct {
	key   string
	rev   int64
	width int
	st    *styles
	lines []string
}

type historyMsg struct {
	gen     int
	changes []etcdcfg.Change
	err     error
}

func newHistoryScreen(e *env) *historyScreen {
	return &historyScreen{env: e, page: 5, table: newTable(
		column{id: "rev", title: "REV", right: true},
		column{id: "when", title: "WHEN", min: 14},
		column{id: "who", title: "WHO", max: 24, drop: 1},
		column{id: "note", title: "WHAT", flex: true, min: 20},
	)}
}

func (s *historyScreen) title() string         { return "history" }
func (s *historyScreen) keys() keymap          { return historyKeys() }
func (s *historyScreen) place() (action, bool) { return actEntries, false }

func (s *historyScreen) refresh() tea.Cmd {
	v := s.env.view
	// A list that was edited past logctl has no record: what counts is for which
	// list the records were asked for. After an error they are asked for again.
	same := s.gen != 0 && s.key == v.key && s.rev == v.list.ModRevision
	if s.env.ports.entries == nil || same && (s.loading || s.err == "") {
		return nil
	}
	if s.key != v.key {
		s.changes, s.sel, s.diffTop = nil, 0, 0
	}
	s.gen, s.loading, s.key, s.rev = s.env.next(), true, v.key, v.list.ModRevision
	gen, key, port, ctx := s.gen, v.key, s.env.ports.entries, s.env.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, loadLimit)
		defer cancel()
		list, err := port.History(ctx, key, historyShown)
		return historyMsg{gen, list, err}
	}
}

func (s *historyScreen) update(msg tea.Msg) tea.Cmd {
	if ask, ok := msg.(revertMsg); ok && ask.gen == s.gen {
		s.askRevert(ask)
		return nil
	}
	m, ok := msg.(historyMsg)
	if !ok || m.gen != s.gen {
		return nil
	}
	s.loading, s.err = false, ""
	if m.err != nil {
		s.err = clean(m.err.Error())
		return nil
	}
	selected := int64(0)
	if s.sel < len(s.changes) {
		selected = s.changes[s.sel].Revision
	}
	s.changes = m.changes
	s.sel = min(s.sel, max(len(s.changes)-1, 0))
	for i := range s.changes { // new ones come on top: what r reverts to must not change by itself
		if s.changes[i].Revision == selected {
			s.sel = i
		}
	}
	return nil
}

func (s *historyScreen) act(a action) tea.Cmd {
	switch a {
	case actBack:
		s.env.pop()
		return nil
	case actPageDetailUp:
		s.diffTop = max(s.diffTop-s.page/2, 0)
		return nil
	case actPageDetailDown:
		s.diffTop += s.page / 2
		return nil
	case actRevert:
		return s.revert()
	}
	if move(&s.sel, a, len(s.changes), 5) {
		s.diffTop = 0
	}
	return nil
}

// revert loads what the list was after the selected change. What etcd itself had counts,
// not what the record of the change says: others may write there.
func (s *historyScreen) revert() tea.Cmd {
	if s.sel >= len(s.changes) {
		return nil
	}
	c, base, port, ctx, gen := s.changes[s.sel], s.env.view.list, s.env.ports.entries, s.env.ctx, s.gen
	switch {
	case c.Revision == base.ModRevision:
		s.env.say("The list is already what it was after that change")
		return nil
	case port == nil:
		return nil
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, loadLimit)
		defer cancel()
		raw, err := port.ListAt(ctx, base.Key, c.Revision)
		return revertMsg{gen: gen, base: base, revision: c.Revision, raw: raw, err: err}
	}
}

// revertMsg is the list that a revert would write, or why there is none.
type revertMsg struct {
	gen      int
	base     etcdcfg.Snapshot
	revision int64
	raw      []byte
	err      error
}

// askRevert shows what a revert would change, and asks.
func (s *historyScreen) askRevert(m revertMsg) {
	e := s.env
	if m.err != nil {
		e.say("Not reverted: " + clean(m.err.Error()))
		return
	}
	if m.raw == nil {
		m.raw = []byte("[]")
	}
	note := fmt.Sprintf("revert to rev %d", m.revision)
	ask := newConfirm(e, "revert", []string{
		fmt.Sprintf("Make %s what it was at rev %d?", clean(m.base.Key), m.revision),
		"Changes made since then go away; they stay in the history.",
	}, func() tea.Cmd {
		port, ctx := e.ports.entries, e.ctx
		if port == nil || e.busy(note) {
			return nil
		}
		e.say("Saving ...")
		return func() tea.Msg {
			ctx, cancel := context.WithTimeout(ctx, saveLimit)
			defer cancel()
			saved := savedMsg{ed: edit{note: note, raw: m.raw}, base: m.base}
			saved.snap, saved.err = port.Revert(ctx, m.base, m.revision, note)
			return saved
		}
	})
	ask.diff = etcdcfg.Diff(m.base.Raw, m.raw)
	e.push(ask)
}

func (s *historyScreen) summary(int) string {
	switch {
	case s.err != "":
		return s.env.styles.bad.apply("History not loaded: " + s.err)
	case s.loading && len(s.changes) == 0:
		return "Loading ..."
	case len(s.changes) == 0:
		return "No change of " + clean(s.key) + " was made through logctl yet"
	}
	return fmt.Sprintf("%s of %s, newest first; below: what the selected one did", plural(len(s.changes), "change"), clean(s.key))
}

func (s *historyScreen) body(w, h int) []string {
	listH := max(h/3, 4)
	lines := s.table.render(s.env.styles, w, listH, tableRows{n: len(s.changes), sel: s.sel, row: s.row})
	for len(lines) < listH {
		lines = append(lines, "")
	}
	lines = append(lines, s.env.styles.dim.apply(rule(w)))
	if s.sel < len(s.changes) {
		c := s.changes[s.sel]
		diff := s.diffOf(c, w)
		switch {
		case c.Doubt != "":
			diff = append([]string{s.env.styles.bad.apply(cut("DOUBTFUL: "+clean(c.Doubt), w))}, diff...)
		case c.Omitted:
			diff = []string{s.env.styles.dim.apply("its lists were too large to be kept beside it, and etcd no longer has them")}
		}
		s.page = max(h-len(lines), 1)
		s.diffTop = max(min(s.diffTop, len(diff)-s.page), 0)
		lines = append(lines, diff[s.diffTop:]...)
	}
	return lines[:min(len(lines), h)]
}

func (s *historyScreen) diffOf(c etcdcfg.Change, w int) []string {
	d, st := &s.diff, s.env.styles
	if d.key != s.key || d.rev != c.Revision || d.width != w || d.st != st {
		*d = diffCache{s.key, c.Revision, w, st, colourDiff(st, etcdcfg.Diff(c.Before, c.After), w)}
	}
	return d.lines
}

// whenText is when a change was made, as far as that is known.
func whenText(at time.Time) string {
	if at.IsZero() {
		return "unknown"
	}
	return at.Local().Format("01-02 15:04:05")
}

func (s *historyScreen) row(i int) []cell {
	c := s.changes[i]
	note := cell{text: clean(c.Note)}
	if c.Doubt != "" {
		note = cell{text: "DOUBTFUL " + note.text, paint: s.env.styles.bad}
	}
	return []cell{
		{text: fmt.Sprint(c.Revision)}, {text: whenText(c.When)},
		{text: clean(c.Who)}, note,
	}
}
