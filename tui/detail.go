package tui

import (
	"fmt"
	"math"
	"sort"

	tea "charm.land/bubbletea/v2"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
)

// detailScreen is one entry on all agents, file by file.
type detailScreen struct {
	listState
	key   string
	entry etcdcfg.Entry
	row   *entryRow       // nil when the entry is gone
	known map[string]bool // keys of the list when the entry was seen last
	table *table
	slim  *table // on narrow screens: the reason goes below its row
	rows  []fileRow
	files int // before the filter
	seen  *fleetView
}

// fileRow is one file of one agent, or the agent's task when it has no file.
type fileRow struct {
	task  *taskRow
	file  *report.File
	rate  float64 // bytes acknowledged a second
	why   string
	state string
}

func newDetailScreen(e *env, entry etcdcfg.Entry) *detailScreen {
	return &detailScreen{
		listState: newListState(e, "detail", "lag", "agent", "path", "rate", "size"),
		key:       entry.Key(), entry: entry,
		table: newTable(
			column{id: "agent", title: "AGENT", min: 6, max: 24},
			column{id: "path", title: "FILE", flex: true, min: 14, share: 4, path: true},
			column{id: "state", title: "STATE", min: 10, max: 22},
			column{id: "size", title: "SIZE", right: true, drop: 4},
			column{id: "read", title: "READ", right: true, drop: 5},
			column{id: "acked", title: "ACKED", right: true, drop: 3},
			column{id: "lag", title: "UNACKED", right: true},
			column{id: "rate", title: "ACKED/S", right: true, min: 7, drop: 2},
			column{id: "why", title: "WHY NOT MOVING", flex: true, min: 20, share: 4, drop: 1},
		),
		slim: newTable(
			column{id: "agent", title: "AGENT", flex: true, min: 6, max: 24},
			column{id: "path", title: "FILE", flex: true, min: 14, path: true},
			column{id: "state", title: "STATE", flex: true, min: 10, max: 22},
			column{id: "size", title: "SIZE", right: true},
			column{id: "read", title: "READ", right: true, drop: 2},
			column{id: "acked", title: "ACKED", right: true, drop: 1},
			column{id: "lag", title: "UNACKED", right: true},
			column{id: "rate", title: "ACKED/S", right: true, min: 7, drop: 3},
		),
	}
}

func (s *detailScreen) title() string          { return s.entry.Path }
func (s *detailScreen) keys() keymap           { return detailKeys() }
func (s *detailScreen) place() (action, bool)  { return actEntries, false }
func (s *detailScreen) update(tea.Msg) tea.Cmd { return nil }

func (s *detailScreen) refresh() tea.Cmd {
	if s.seen != s.env.view {
		s.arrange()
	}
	return nil
}

func (s *detailScreen) back() bool {
	if s.filter == nil {
		return false
	}
	s.filter = nil
	s.arrange()
	return true
}

func (s *detailScreen) arrange() {
	v := s.env.view
	s.seen = v
	if s.row = s.find(v); s.row == nil {
		return // the last rows stay, marked in the summary
	}
	s.key, s.entry = s.row.key, s.row.entry
	s.known = make(map[string]bool, len(v.entries))
	for i := range v.entries {
		s.known[v.entries[i].key] = true
	}
	selected := ""
	if s.sel < len(s.rows) {
		selected = s.rows[s.sel].id()
	}
	s.rows, s.files = s.rows[:0], 0
	for i := range s.row.tasks {
		for _, r := range filesOf(&s.row.tasks[i]) {
			s.files++
			path := ""
			if r.file != nil {
				path = r.file.Path
			}
			if s.filter == nil || s.filter.matchString(r.task.agent+" "+path+" "+r.state+" "+r.why) {
				s.rows = append(s.rows, r)
			}
		}
	}
	s.order()
	s.sel = max(min(s.sel, len(s.rows)-1), 0)
	if len(s.rows) == 0 || s.rows[s.sel].id() == selected {
		return // also when generations of a file have the same name
	}
	for i := range s.rows {
		if s.rows[i].id() == selected {
			s.sel = i
			return
		}
	}
}

// find looks for the entry, also when its topic was changed: one that is new and has
// its path.
func (s *detailScreen) find(v *fleetView) *entryRow {
	var moved *entryRow
	for i := range v.entries {
		e := &v.entries[i]
		if e.key == s.key {
			return e
		}
		if e.entry.Path == s.entry.Path && s.known != nil && !s.known[e.key] {
			moved = e
		}
	}
	return moved
}

// filesOf are the rows of a task.
func filesOf(t *taskRow) []fileRow {
	if t.cur == nil || len(t.cur.TopFiles) == 0 {
		return []fileRow{{task: t, rate: math.NaN(), state: t.state, why: whyNot(t, nil)}}
	}
	out := make([]fileRow, 0, len(t.cur.TopFiles))
	for i := range t.cur.TopFiles {
		f := &t.cur.TopFiles[i]
		r := fileRow{task: t, file: f, rate: fileRate(t, f), state: f.State, why: whyNot(t, f)}
		if r.state == "" {
			r.state = t.state
		}
		if r.rate > 0 && r.state == string(state.Idle) { // all was read when it was looked at, and more comes
			r.state, r.why = string(state.Shipping), ""
		}
		out = append(out, r)
	}
	return out
}

// fileRate is the bytes of a file that were acknowledged a second; NaN unknown. A
// path can stand for several files after a rotation: the one meant is the furthest
// one that was not further before than it is now.
func fileRate(t *taskRow, f *report.File) float64 {
	if t.prev == nil || t.interval <= 0 {
		return math.NaN()
	}
	best := int64(-1)
	for i := range t.prev.TopFiles {
		if b := &t.prev.TopFiles[i]; b.Path == f.Path && b.Acked <= f.Acked {
			best = max(best, b.Acked)
		}
	}
	if best < 0 {
		return math.NaN()
	}
	return float64(f.Acked-best) / t.interval.Seconds()
}

func (r *fileRow) lag() int64 {
	if r.file == nil {
		if r.task.cur != nil {
			return r.task.cur.LagBytes
		}
		return 0
	}
	return max(r.file.Size-r.file.Acked, 0)
}

// id tells rows apart, as far as names do.
func (r *fileRow) id() string { return r.task.agent + "\x00" + r.path() }

func (r *fileRow) path() string {
	if r.file == nil {
		return ""
	}
	return r.file.Path
}

func (s *detailScreen) order() {
	less := func(a, b *fileRow) bool { return a.task.agent < b.task.agent }
	switch s.sort {
	case "path":
		less = func(a, b *fileRow) bool { return a.path() < b.path() }
	case "lag":
		less = func(a, b *fileRow) bool { return a.lag() < b.lag() }
	case "rate":
		less = func(a, b *fileRow) bool { return known(a.rate) < known(b.rate) }
	case "size":
		less = func(a, b *fileRow) bool { return a.file != nil && b.file != nil && a.file.Size < b.file.Size }
	}
	sort.SliceStable(s.rows, func(i, j int) bool {
		if s.desc {
			return less(&s.rows[j], &s.rows[i])
		}
		return less(&s.rows[i], &s.rows[j])
	})
}

func (s *detailScreen) act(a action) tea.Cmd {
	if s.common(a, len(s.rows), s.arrange) {
		return nil
	}
	switch a {
	case actTail:
		s.env.request(reqStream{streamQuery{topic: s.entry.Topic}})
	case actEdit:
		s.env.push(newEntryForm(s.env, &s.entry))
	case actMove:
		if s.sel >= len(s.rows) || !s.rows[s.sel].task.present {
			s.env.startMove(s.entry, nil, "")
			return nil
		}
		file := ""
		if f := s.rows[s.sel].file; f != nil {
			file = f.Path
		}
		s.env.startMove(s.entry, []string{s.rows[s.sel].task.agent}, file)
	case actCopy:
		if s.sel < len(s.rows) && s.rows[s.sel].file != nil {
			return s.env.copyText(s.rows[s.sel].file.Path, "the path")
		}
		return s.env.copyText(s.entry.Path, "the path")
	}
	return nil
}

func (s *detailScreen) summary(w int) string {
	st := s.env.styles
	if s.row == nil {
		return st.warn.apply("This entry is no longer in the list; these are its last values")
	}
	r := s.row
	of := fmt.Sprintf("%d/%s", r.running, plural(r.of, "agent"))
	if !s.env.view.saw {
		of = plural(r.running, "agent")
	}
	text := fmt.Sprintf("→ %s   %s · runs on %s   %s lines/s · %s · unacked %s", clean(r.entry.Topic), st.state(r.state).apply(mark(r.state)+" "+r.state),
		of, humanCount(r.lines), perSecondText(r.bytes), humanBytes(float64(r.lag)))
	if r.lagAge >= time1s {
		text += " for " + coarseAge(r.lagAge)
	}
	text += s.filterNote(len(s.rows), s.files)
	files, listed := 0, 0
	for _, t := range r.tasks {
		if t.cur != nil {
			files += t.cur.Files
			listed += len(t.cur.TopFiles)
		}
	}
	if files > listed {
		text += st.dim.apply(fmt.Sprintf("   %s, the most behind shown", plural(files, "file")))
	}
	return text
}

func (s *detailScreen) body(w, h int) []string {
	head := append(append(s.options(), s.gone()...), s.verified()...)
	if len(s.rows) == 0 && s.filter != nil {
		return append(head, "", "  No file matches the filter; Esc clears it.")
	}
	if len(s.rows) == 0 {
		return append(head, "", "  No agent has taken this entry up yet.")
	}
	s.page = h - len(head) - 2
	t, rows := s.table, tableRows{n: len(s.rows), sel: s.sel, row: s.cells, sorted: s.sort, down: s.desc}
	if w < narrow {
		t, rows.notes = s.slim, s.notes
	}
	return append(head, t.render(s.env.styles, w, h-len(head), rows)...)
}

// notes says below a row why its file does not move: always when something is wrong
// with it, else for the selected one.
func (s *detailScreen) notes(i int) []string {
	r := &s.rows[i]
	if r.why == "" || i != s.sel && severity(r.state) < sevWait {
		return nil
	}
	paint := s.env.styles.dim
	if severity(r.state) >= sevWait {
		paint = s.env.styles.state(r.state)
	}
	return []string{"     " + paint.apply("└ "+clean(r.why))}
}

// options are the entry's settings that are not the usual ones, in one line.
func (s *detailScreen) options() []string {
	e, text := s.entry, ""
	add := func(name, value string) {
		if value != "" {
			text += "  " + s.env.styles.dim.apply(name) + " " + clean(value)
		}
	}
	add("from", e.From)
	add("exclude", fmtList(e.Exclude))
	add("rotated", fmtList(e.Rotated))
	add("encoding", e.Encoding)
	add("format", e.Format)
	add("multiline", e.Multiline.String())
	add("include", fmtList(e.IncludeLines))
	add("exclude lines", fmtList(e.ExcludeLines))
	add("labels", fmtLabels(e.Labels))
	if e.Poll {
		add("poll", "on")
	}
	if text == "" {
		return nil
	}
	return []string{text}
}

func (s *detailScreen) cells(i int) []cell {
	st, r := s.env.styles, &s.rows[i]
	value := st.plain
	if r.task.stale > 0 || !r.task.present {
		value = st.dim
	}
	out := []cell{{text: clean(r.task.agent), paint: value}, {text: clean(r.path()), paint: value}, {text: r.task.stateText(r.state), paint: st.state(r.state)}}
	if r.file == nil {
		return append(out, cell{}, cell{}, cell{}, cell{}, cell{}, cell{text: clean(r.why), paint: st.warn})
	}
	f := r.file
	if f.Unknown {
		unknown := cell{text: "unknown", paint: st.warn}
		return append(out, unknown, unknown, unknown, unknown, unknown, cell{text: clean(r.why), paint: st.dim})
	}
	return append(out,
		cell{text: humanBytes(float64(f.Size)), paint: value}, cell{text: humanBytes(float64(f.Read)), paint: value}, cell{text: humanBytes(float64(max(f.Acked-f.Skipped, 0))), paint: value}, // what was skipped was never sent
		cell{text: humanBytes(float64(r.lag())), paint: value}, cell{text: bytesText(r.rate), paint: value}, cell{text: clean(r.why), paint: st.dim})
}
