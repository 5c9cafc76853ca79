package tui

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	statepkg "logctl/agent/state"
	"logctl/etcdcfg"
)

const time1s = time.Second

// agentsScreen lists the agents, those gone for a while too.
type agentsScreen struct {
	listState
	table    *table
	rows     []agentRow
	versions []versionCount // of the agents on duty, the most frequent first
	seen     *fleetView
}

func newAgentsScreen(e *env) *agentsScreen {
	return &agentsScreen{
		listState: newListState(e, "agents", "agent", "host", "state", "lines", "bytes", "lag", "revision"),
		table: newTable(
			column{id: "agent", title: "AGENT", flex: true, min: 10, max: 40},
			column{id: "host", title: "HOST", max: 30, drop: 5},
			column{id: "version", title: "VERSION", max: 16, drop: 7},
			column{id: "up", title: "UP", right: true, drop: 6},
			column{id: "key", title: "COLLECT KEY", flex: true, min: 12, share: 5, max: 40, drop: 8},
			column{id: "revision", title: "REV", right: true, min: 4},
			column{id: "tasks", title: "TASKS", right: true},
			column{id: "state", title: "STATE", min: 10, max: 24},
			column{id: "lines", title: "LINES/S", right: true},
			column{id: "bytes", title: "BYTES/S", right: true, min: 7, drop: 4},
			column{id: "lag", title: "UNACKED", right: true, drop: 3},
			column{id: "kafka", title: "KAFKA", max: 22, drop: 2},
			column{id: "report", title: "REPORT", min: 6, drop: 1},
		),
	}
}

func (s *agentsScreen) title() string          { return "agents" }
func (s *agentsScreen) keys() keymap           { return agentsKeys() }
func (s *agentsScreen) place() (action, bool)  { return actAgents, false }
func (s *agentsScreen) update(tea.Msg) tea.Cmd { return nil }

func (s *agentsScreen) refresh() tea.Cmd {
	if s.seen != s.env.view {
		s.arrange()
	}
	return nil
}

func (s *agentsScreen) back() bool {
	if s.filter == nil {
		return false
	}
	s.filter = nil
	s.arrange()
	return true
}

func (s *agentsScreen) arrange() {
	v := s.env.view
	s.seen = v
	selected := ""
	if s.sel < len(s.rows) {
		selected = s.rows[s.sel].id
	}
	s.versions = versionsOf(v.agents)
	s.rows = make([]agentRow, 0, len(v.agents))
	for _, r := range v.agents {
		if s.filter == nil || s.filter.matchString(strings.Join([]string{r.id, r.host, r.version, r.key, r.state, r.kafka}, " ")) {
			s.rows = append(s.rows, r)
		}
	}
	s.order()
	for i := range s.rows {
		if s.rows[i].id == selected {
			s.sel = i
		}
	}
	s.sel = max(min(s.sel, len(s.rows)-1), 0)
}

func (s *agentsScreen) order() {
	less := func(a, b *agentRow) bool { return a.id < b.id }
	switch s.sort {
	case "host":
		less = func(a, b *agentRow) bool { return a.host < b.host }
	case "state":
		less = func(a, b *agentRow) bool { return rank(a.state) < rank(b.state) }
	case "lines":
		less = func(a, b *agentRow) bool { return known(a.lines) < known(b.lines) }
	case "bytes":
		less = func(a, b *agentRow) bool { return known(a.bytes) < known(b.bytes) }
	case "lag":
		less = func(a, b *agentRow) bool { return a.lag < b.lag }
	case "revision":
		less = func(a, b *agentRow) bool { return a.revision < b.revision }
	}
	sort.SliceStable(s.rows, func(i, j int) bool {
		if s.desc {
			return less(&s.rows[j], &s.rows[i])
		}
		return less(&s.rows[i], &s.rows[j])
	})
}

func (s *agentsScreen) act(a action) tea.Cmd {
	if s.common(a, len(s.rows), s.arrange) || s.sel >= len(s.rows) {
		return nil
	}
	r, e := s.rows[s.sel], s.env
	switch a {
	case actOpen:
		e.push(newAgentScreen(e, r.id))
	case actKeys:
		if r.key == "" {
			e.complain("The agent's collect key is not known: it is not on duty")
			return nil
		}
		e.useKey(r.key)
		e.request(reqHome{actEntries})
	case actCopy:
		return e.copyText(r.id, "the agent's id")
	}
	return nil
}

func (s *agentsScreen) summary(int) string {
	v, st := s.env.view, s.env.styles
	switch {
	case !v.saw && v.duty.err != "":
		return st.bad.apply("Not known who is on duty: " + v.duty.err)
	case !v.saw:
		return "Waiting for the agents' presences ..."
	}
	gone, silent, bad := 0, 0, 0
	for i := range v.agents {
		a := &v.agents[i]
		switch {
		case a.duty != etcdcfg.DutyOn:
		case !a.present:
			gone++
		case a.reported && !a.fresh:
			silent++
		case a.bad > 0 || a.listError != "":
			bad++
		}
	}
	text := plural(v.present, "agent") + " on duty"
	if len(v.absent) > 0 {
		text += st.bad.apply(fmt.Sprintf(" · ✗ %d missing", len(v.absent)))
	}
	if gone > 0 {
		text += st.warn.apply(fmt.Sprintf(" · ! %d gone", gone))
	}
	if silent > 0 {
		text += st.warn.apply(fmt.Sprintf(" · ! %d silent", silent))
	}
	if bad > 0 {
		text += st.bad.apply(fmt.Sprintf(" · ✗ %d in trouble", bad))
	}
	if differ := versionsText(s.versions); differ != "" {
		text += st.warn.apply(" · ! " + differ)
	}
	text += s.filterNote(len(s.rows), len(v.agents))
	if v.duty.err != "" {
		text += "   " + st.warn.apply("as of "+s.env.stamp(v.duty.since)+": "+v.duty.err)
	}
	return text
}

func (s *agentsScreen) body(w, h int) []string {
	if len(s.rows) == 0 {
		if s.filter != nil {
			return []string{"", "  No agent matches the filter; Esc clears it."}
		}
		if !s.env.view.saw {
			return nil
		}
		return []string{"", "  No agent is on duty. Start one on each host:", "", "    logctl agent --etcd ... --kafka ..."}
	}
	s.page = h - 2
	return s.table.render(s.env.styles, w, h, tableRows{
		n: len(s.rows), sel: s.sel, row: s.cells, notes: s.notes, sorted: s.sort, down: s.desc,
	})
}

func (s *agentsScreen) notes(i int) []string {
	r := &s.rows[i]
	if r.listError == "" || !r.present {
		return nil
	}
	return []string{"     " + s.env.styles.bad.apply("└ list not applied: "+clean(r.listError))}
}

// upText is how long an agent runs, in whole minutes: seconds would draw the screen
// again every second.
func upText(d time.Duration) string {
	if d < time.Minute { // also when its clock is ahead of ours
		return "<1m"
	}
	return humanAge(d)
}

func (s *agentsScreen) cells(i int) []cell {
	st, v, r := s.env.styles, s.env.view, &s.rows[i]
	value := st.plain
	if !r.present || r.reported && !r.fresh {
		value = st.dim
	}
	version := value
	if r.present && len(s.versions) > 1 && r.version != s.versions[0].version {
		version = st.warn
	}
	up, rev, revPaint := "", "", value
	if !r.started.IsZero() && r.present {
		up = upText(v.at.Sub(r.started))
	}
	if r.revision > 0 {
		rev = strconv.FormatInt(r.revision, 10)
	}
	if len(r.doubts) > 0 && r.revision == 0 {
		rev = "unknown"
	}
	if r.behind {
		rev, revPaint = "! "+rev, st.warn
	}
	state, rep := mark(r.state)+" "+r.state, ""
	if r.bad > 0 {
		state += fmt.Sprintf(" (%d)", r.bad)
	}
	if r.tasks == 0 {
		state = "· no tasks"
	}
	statePaint := st.state(r.state)
	switch {
	case r.duty != etcdcfg.DutyOn:
		word := string(statepkg.Lost)
		if r.duty == etcdcfg.DutyAwaited {
			word = string(statepkg.Awaited)
		}
		state, statePaint = mark(word)+" "+word, st.bad
		if at := r.lostSince(); !at.IsZero() {
			state += " since " + s.env.stamp(at)
		}
	case len(r.twins) > 0:
		state, statePaint = "✗ two with this id", st.bad
	case !r.present:
		state, statePaint = "· gone", st.dim
		if !r.leftAt.IsZero() {
			state = "· gone " + coarseAge(v.at.Sub(r.leftAt))
		}
	case !r.reported:
		rep = "none yet"
	case !r.fresh:
		rep = "! " + coarseAge(r.age)
		if r.tasks > 0 {
			state, statePaint = "? "+strings.TrimPrefix(state, mark(r.state)+" "), st.dim
		}
	default:
		rep = "● now"
	}
	kafka, kafkaPaint := clean(r.kafka), value
	if kafka != "" && kafka != "ok" {
		kafka, kafkaPaint = "✗ "+kafka, st.bad
	}
	lag := ""
	if r.reported {
		lag = lagText(r.lag, r.unknown)
	}
	return []cell{
		{text: clean(r.id), paint: value}, {text: clean(r.host), paint: value}, {text: clean(r.version), paint: version}, {text: up, paint: value}, {text: clean(r.key), paint: value}, {text: rev, paint: revPaint},
		{text: strconv.Itoa(r.tasks), paint: value}, {text: state, paint: statePaint}, {text: humanCount(r.lines), paint: value}, {text: bytesText(r.bytes), paint: value},
		{text: lag, paint: value}, {text: kafka, paint: kafkaPaint}, {text: rep, paint: value},
	}
}
