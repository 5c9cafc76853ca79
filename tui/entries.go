package tui

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// entriesScreen is the home screen: the entries of the collect key and what all
// agents make of them.
type entriesScreen struct {
	listState
	table  *table
	rows   []entryRow // shown, in order
	marked map[string]bool
	seen   *fleetView
	reset  string // key the widths belong to
}

func newEntriesScreen(e *env) *entriesScreen {
	return &entriesScreen{
		listState: newListState(e, "entries", "list", "path", "topic", "state", "lines", "bytes", "lag"),
		marked:    map[string]bool{},
		table: newTable(
			column{id: "path", title: "PATH", flex: true, min: 16, share: 4, path: true},
			column{id: "topic", title: "TOPIC", flex: true, min: 8, share: 8, max: 48},
			column{id: "agents", title: "AGENTS", right: true, drop: 4},
			column{id: "state", title: "STATE", min: 10, max: 24},
			column{id: "lines", title: "LINES/S", right: true, min: 6},
			column{id: "bytes", title: "BYTES/S", right: true, min: 7, drop: 3},
			column{id: "lag", title: "UNACKED", right: true, min: 7, drop: 2},
			column{id: "age", title: "AGE", right: true, drop: 6},
			column{id: "spark", title: "LAST 2 MIN", flex: true, min: 10, max: 60, drop: 5},
		),
	}
}

func (s *entriesScreen) title() string { return "entries" }

// keys of a list that cannot be used have what helps first: there is nothing to edit
// or to delete.
func (s *entriesScreen) keys() keymap {
	if v := s.env.view; v.haveList && v.list.Err != nil {
		return brokenKeys()
	}
	return entriesKeys()
}

func (s *entriesScreen) place() (action, bool)  { return actEntries, false }
func (s *entriesScreen) update(tea.Msg) tea.Cmd { return nil }

func (s *entriesScreen) refresh() tea.Cmd {
	if s.seen != s.env.view {
		s.arrange()
	}
	return s.env.loadTopics(false)
}

// arrange filters and sorts the view's rows, keeping the selection on its entry.
func (s *entriesScreen) arrange() {
	v := s.env.view
	s.seen = v
	if s.reset != v.key {
		s.reset = v.key
		s.table.reset()
		clear(s.marked)
	}
	selected := ""
	if r := s.selected(); r != nil {
		selected = r.key
	}
	s.rows = make([]entryRow, 0, len(v.entries))
	marked := s.marked
	s.marked = make(map[string]bool, len(marked)) // of entries that are still there
	for _, r := range v.entries {
		if marked[r.key] {
			s.marked[r.key] = true
		}
		if s.filter == nil || s.filter.matchString(r.entry.Path+" "+r.entry.Topic+" "+r.state) {
			s.rows = append(s.rows, r)
		}
	}
	s.order()
	for i := range s.rows {
		if s.rows[i].key == selected {
			s.sel = i
		}
	}
	s.sel = max(min(s.sel, len(s.rows)-1), 0)
}

func (s *entriesScreen) order() {
	less := func(a, b *entryRow) bool { return a.index < b.index }
	switch s.sort {
	case "path":
		less = func(a, b *entryRow) bool { return a.entry.Path < b.entry.Path }
	case "topic":
		less = func(a, b *entryRow) bool { return a.entry.Topic < b.entry.Topic }
	case "state":
		less = func(a, b *entryRow) bool { return rank(a.state) < rank(b.state) }
	case "lines":
		less = func(a, b *entryRow) bool { return known(a.lines) < known(b.lines) }
	case "bytes":
		less = func(a, b *entryRow) bool { return known(a.bytes) < known(b.bytes) }
	case "lag":
		less = func(a, b *entryRow) bool { return a.lag < b.lag }
	}
	sort.SliceStable(s.rows, func(i, j int) bool {
		if s.desc {
			return less(&s.rows[j], &s.rows[i])
		}
		return less(&s.rows[i], &s.rows[j])
	})
}

// known makes an unknown value sort below all others.
func known(v float64) float64 {
	if math.IsNaN(v) {
		return -1
	}
	return v
}

func (s *entriesScreen) selected() *entryRow {
	if s.sel < 0 || s.sel >= len(s.rows) {
		return nil
	}
	return &s.rows[s.sel]
}

// back clears the filter, then the marks.
func (s *entriesScreen) back() bool {
	switch {
	case s.filter != nil:
		s.filter = nil
	case len(s.marked) > 0:
		clear(s.marked)
	default:
		return false
	}
	s.arrange()
	return true
}

func (s *entriesScreen) summary(w int) string {
	e, st := s.env, s.env.styles
	v := e.view
	if !v.haveList {
		if v.etcd.known && v.etcd.err != "" {
			return st.bad.apply("etcd: " + v.etcd.err + " (trying again)")
		}
		return "Waiting for the list of " + clean(v.key) + " ..."
	}
	if v.list.Err != nil {
		return st.bad.apply("The list cannot be read: nothing of it is applied")
	}
	note := s.filterNote(len(s.rows), len(v.entries))
	if len(s.marked) > 0 {
		note += "   " + plural(len(s.marked), "entry") + " marked"
	}
	if e.applied.text != "" {
		paint := st.good
		if e.applied.bad {
			paint = st.warn
		}
		return paint.apply(e.applied.text) + note
	}
	left := plural(len(v.entries), "entry") + s.rates(v) + note
	if text, bad := problemsText(v.problems); text != "" {
		text = st.key.apply("!") + st.problem(bad).apply(" "+clean(text))
		if note != "" { // what is being done here comes first
			return plural(len(v.entries), "entry") + note + "   " + text
		}
		left = text + "   " + left
	}
	if v.etcd.err != "" {
		return left + "   " + st.warn.apply("list as of "+e.stamp(v.listAt)+", etcd is gone since "+e.stamp(v.etcd.since))
	}
	if v.reports.err != "" && math.IsNaN(v.lines) {
		return left + "   " + st.warn.apply(v.reports.err)
	}
	if v.reports.err != "" {
		return left + "   " + st.warn.apply("rates are old: no reports since "+e.stamp(v.reports.since))
	}
	room := min(w-cells(left)-20, 30)
	if room >= 10 {
		line := sparkline(v.spark, room)
		left = fit(left, w-room-13) + st.good.apply(line) + st.dim.apply("  "+strings.ToLower(trendTitle(v)))
	}
	return left
}

// trendTitle says which time the trends are of, in as many cells either way.
func trendTitle(v *fleetView) string {
	if v.hour {
		return "LAST HOUR "
	}
	return "LAST 2 MIN"
}

func (s *entriesScreen) rates(v *fleetView) string {
	if math.IsNaN(v.lines) {
		switch {
		case !v.saw && v.duty.err != "":
			return " · agents not known: " + v.duty.err
		case v.audience == 0 && v.saw:
			return " · no agent with this key is on duty"
		}
		if len(v.entries) > 0 && slices.ContainsFunc(v.agents, func(a agentRow) bool { return a.reported && a.key == v.key }) {
			return " · rates come with the next report"
		}
		return " · no reports yet"
	}
	unknown := ""
	if !v.saw && v.duty.err != "" {
		unknown = " · agents not known: " + v.duty.err
	}
	rates := fmt.Sprintf(" · %s lines/s · %s/s", humanCount(v.lines), humanBytes(v.bytes))
	if v.oldRates {
		rates = s.env.styles.dim.apply(rates + " (old)")
	}
	return rates + fmt.Sprintf(" · unacked %s", humanBytes(float64(v.lag))) + unknown
}

func (s *entriesScreen) body(w, h int) []string {
	v := s.env.view
	if v.haveList && v.list.Err != nil {
		return s.broken(w, h)
	}
	if v.haveList && len(v.entries) == 0 {
		return s.empty(w)
	}
	s.page = h - 2
	s.table.retitle("spark", trendTitle(v))
	return s.table.render(s.env.styles, w, h, tableRows{
		n: len(s.rows), sel: s.sel, row: s.row, notes: s.notes, sorted: s.sort, down: s.desc,
		marked: func(i int) bool { return s.marked[s.rows[i].key] },
	})
}

func (s *entriesScreen) empty(w int) []string {
	v := s.env.view
	text := "The key " + clean(v.key) + " has no entries: agents collect nothing."
	if v.list.ModRevision == 0 {
		text = "The key " + clean(v.key) + " does not exist yet: agents collect nothing."
	}
	lines := []string{"", "  " + cut(text, w-4), ""}
	if !s.env.readOnly {
		lines = append(lines, "  "+s.env.styles.key.apply("a")+" adds the first entry: a path and a topic.")
	}
	return append(lines, "  "+s.env.styles.key.apply("K")+" chooses another collect key.")
}

// broken shows what is wrong with a list that somebody edited by hand, and the text
// from a little above the first problem on.
func (s *entriesScreen) broken(w, h int) []string {
	v, st := s.env.view, s.env.styles
	lines := []string{"", "  " + st.bad.apply(fmt.Sprintf("✗ The list at rev %d is not usable.", v.list.ModRevision)) + " Agents keep the last good one."}
	if s.env.readOnly {
		lines = append(lines, "  "+st.key.apply("H")+" shows the changes.", "")
	} else {
		lines = append(lines, "  "+st.key.apply("E")+" repairs it in the editor; "+st.key.apply("H")+" shows the changes and reverts.", "")
	}
	at, first := map[int]bool{}, 0
	for _, p := range problemsOf(v.list.Err) {
		at[p.Line] = true
		if first == 0 {
			first = p.Line
		}
		for _, l := range wrapWords(clean(p.String()), w-6) {
			lines = append(lines, "    "+l)
		}
	}
	lines = append(lines, "")
	text := cleanLines(string(v.list.Raw))
	from := 0
	if len(lines)+len(text) > h {
		from = max(min(first-4, len(text)-1), 0)
	}
	for i, l := range text[from:] {
		num := fitRight(itoa(from+i+1), 5)
		if at[from+i+1] {
			lines = append(lines, st.bad.apply(num+" ✗ "+l))
		} else {
			lines = append(lines, st.dim.apply(num)+"   "+l)
		}
	}
	return lines[:min(len(lines), h)]
}

func (s *entriesScreen) row(i int) []cell {
	st, r := s.env.styles, &s.rows[i]
	value := st.plain
	if r.stale > 0 || r.entry.Disabled {
		value = st.dim
	}
	state := mark(r.state) + " " + r.state
	if !r.since.IsZero() && r.state == "idle" {
		if age := s.env.view.at.Sub(r.since); age >= time.Minute {
			state += " " + humanAge(age)
		}
	}
	if r.stale > 0 {
		state = "? stale " + coarseAge(r.stale) + ": " + r.state
	}
	lag, age := "", ""
	if r.known {
		lag = lagText(r.lag, r.unknown)
	}
	if r.lagAge >= time.Second {
		age = coarseAge(r.lagAge)
	}
	path := clean(r.entry.Path)
	if r.entry.Disabled {
		path += " (paused)"
	}
	return []cell{
		{text: path, paint: value}, {text: clean(r.entry.Topic), paint: value},
		{text: s.agents(r), paint: agentsPaint(st, r)},
		{text: state, paint: st.state(r.state)},
		{text: humanCount(r.lines), paint: value}, {text: bytesText(r.bytes), paint: value},
		{text: lag, paint: value}, {text: age, paint: st.warn},
		{draw: func(w int) string { return sparkline(r.spark, w) }, room: 60, paint: st.good},
	}
}

// agents is on how many agents of how many the entry runs.
func (s *entriesScreen) agents(r *entryRow) string {
	if !s.env.view.saw {
		return itoa(r.running) + "/?"
	}
	return fmt.Sprintf("%d/%d", r.running, r.of)
}

func agentsPaint(st *styles, r *entryRow) paint {
	if r.running < r.of && !r.entry.Disabled {
		return st.warn
	}
	return st.plain
}

// bytesText is a byte rate under a title that says what it is, "-" when unknown.
func bytesText(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return humanBytes(v)
}

// perSecondText is a byte rate, "-" when unknown.
func perSecondText(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return humanBytes(v) + "/s"
}

// coarseAge is an age in steps, so that a number that only grows older does not
// redraw the screen every second.
func coarseAge(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return humanAge(d)
	case d < time.Minute:
		return humanAge(d.Truncate(5 * time.Second))
	}
	return humanAge(d)
}

// notes are the agents in trouble, below the entry: two at most, or all that are
// of interest for the selected entry.
func (s *entriesScreen) notes(i int) []string {
	r := &s.rows[i]
	if len(r.trouble) == 0 {
		return nil
	}
	limit := 1
	if i == s.sel {
		limit = 3
	}
	var out []string
	for k, t := range r.trouble {
		if k == limit {
			out = append(out, "     "+s.env.styles.dim.apply(fmt.Sprintf("└ and %s more", plural(len(r.trouble)-k, "agent"))))
			break
		}
		text := "└ " + clean(t.agent) + "  " + clean(t.state)
		if strings.Contains(t.text, t.state) {
			text = "└ " + clean(t.agent) + "  " + clean(t.text)
		} else if t.text != "" {
			text += ": " + clean(t.text)
		}
		if !t.since.IsZero() {
			text += " since " + s.env.stamp(t.since)
		}
		out = append(out, "     "+s.env.styles.bad.apply(text))
	}
	return out
}

// problemsOf are the problems of a list error, or the error itself as one.
func problemsOf(err error) []etcdcfg.Problem {
	if le, ok := asListError(err); ok {
		return le.Problems
	}
	return []etcdcfg.Problem{{Entry: -1, Message: err.Error()}}
}
