package tui

import (
	"encoding/json"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

const actMove action = "move positions"

// Places that the form offers; the last part is the target of the command.
const (
	moveSkipped   = "what from = end skipped"
	moveBeginning = "the beginning"
	moveEnd       = "the end"
)

// newMoveForm asks where the positions of an entry are to go on, on some agents.
func newMoveForm(e *env, entry etcdcfg.Entry, agents []string, file string) *form {
	f := &form{env: e, name: "rewind", parent: actEntries,
		head: "Positions of " + clean(entry.Path) + " → " + clean(entry.Topic) + " on " + agentsText(agents)}
	f.fields = []*field{
		choiceField("to", "Go on at", moveSkipped, "Lines that were sent come once more. First you see how much that is; nothing moves before you say so.", moveSkipped, moveBeginning, moveEnd),
		textField("file", "Files", file, "A path or glob of single files of the entry; empty: all of them."),
	}
	f.submit = func(f *form) tea.Cmd {
		c := etcdcfg.Command{Kind: "rewind", Path: entry.Path, Topic: entry.Topic, File: f.get("file")}
		switch f.get("to") {
		case moveBeginning:
			c.To = "beginning"
		case moveEnd:
			c.Kind, c.To = "seek", "end"
		default:
			c.To = "skipped"
		}
		s := &moveScreen{env: e, entry: entry, agents: agents, command: c, gen: e.next()}
		s.command.DryRun = true
		e.request(reqDrop{[]screen{f}})
		e.push(s)
		return e.ask(s.gen, agents, s.command)
	}
	return f
}

func agentsText(agents []string) string {
	if len(agents) == 1 {
		return clean(agents[0])
	}
	return plural(len(agents), "agent")
}

// startMove opens the form, or says why that is no use.
func (e *env) startMove(entry etcdcfg.Entry, agents []string, file string) {
	switch {
	case e.readOnly || e.ports.agents == nil:
		e.complain("Read-only console: nothing can be changed here")
	case len(agents) == 0:
		e.complain("No agent on duty runs this entry; on the host of a stopped one: logctl positions")
	default:
		e.push(newMoveForm(e, entry, agents, file))
	}
}

// movePhase is how far a moveScreen is:
//
//	asking ──answers──▶ planned ──y──▶ moving ──answers──▶ moved
type movePhase int

const (
	moveAsking movePhase = iota
	movePlanned
	moveMoving
	moveMoved
)

// moveScreen shows what a command would move, asks, has it done and says what came of it.
type moveScreen struct {
	env     *env
	entry   etcdcfg.Entry
	agents  []string
	command etcdcfg.Command
	gen     int
	phase   movePhase
	answers []answered
	moves   []report.Positions // of all answers
	by      []string           // the agent of each
	top     int
	height  int
}

// moveScreenKeys are those of a moveScreen: there is something to confirm once only.
func moveScreenKeys(phase movePhase) keymap {
	keys := keymap{{act: actBack, keys: []string{"esc", "n", "q"}, label: "back", help: "back to the screen before"}}
	if phase == movePlanned {
		keys = append(keymap{{act: actYes, keys: []string{"y"}, label: "move", help: "move the positions", writes: true}}, keys...)
	}
	return append(keys, moveKeys()...)
}

func (s *moveScreen) title() string         { return "rewind" }
func (s *moveScreen) keys() keymap          { return moveScreenKeys(s.phase) }
func (s *moveScreen) refresh() tea.Cmd      { return nil }
func (s *moveScreen) place() (action, bool) { return actEntries, false }

func (s *moveScreen) update(msg tea.Msg) tea.Cmd {
	m, ok := msg.(askedMsg)
	if !ok || m.gen != s.gen {
		return nil
	}
	s.answers, s.moves, s.by = m.list, nil, nil
	for i := range s.answers {
		a := &s.answers[i]
		if a.err != nil {
			continue
		}
		var list []report.Positions
		if a.err = json.Unmarshal(a.result, &list); a.err == nil {
			for _, p := range list {
				s.moves, s.by = append(s.moves, p), append(s.by, a.agent)
			}
		}
	}
	if s.phase != moveMoving {
		s.phase = movePlanned
		return nil
	}
	s.phase = moveMoved
	n, again, first, _, peak := report.Moved(s.moves)
	s.env.journal.add("positions", false, fmt.Sprintf("%s of %s moved", plural(n, "position"), s.entry.Path))
	s.env.applied.rewound(s.entry, again+first, peak, s.env.now())
	return nil
}

func (s *moveScreen) act(a action) tea.Cmd {
	switch a {
	case actBack:
		s.env.pop()
	case actYes:
		if s.phase != movePlanned {
			return nil
		}
		s.phase, s.gen = moveMoving, s.env.next()
		s.command.DryRun = false
		return s.env.ask(s.gen, s.agents, s.command)
	default:
		move(&s.top, a, s.top+s.height+1, s.height)
	}
	return nil
}

func (s *moveScreen) summary(int) string {
	st := s.env.styles
	switch s.phase {
	case moveAsking:
		return "Asking " + agentsText(s.agents) + " what would move ..."
	case moveMoving:
		return "Moving: an agent waits until its lines on their way are acknowledged ..."
	case moveMoved:
		return st.good.apply(movedText(s.moves, "")) + s.failures()
	}
	return movedText(s.moves, "would be ") + s.failures()
}

func (s *moveScreen) failures() string {
	n := 0
	for _, a := range s.answers {
		if a.err != nil {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return s.env.styles.bad.apply(fmt.Sprintf("   ✗ %s did not", plural(n, "agent")))
}

// movedText sums up what moved, or would.
func movedText(list []report.Positions, would string) string {
	n, again, first, passed, peak := report.Moved(list)
	text := plural(n, "position") + " " + would + "moved"
	for _, x := range []struct {
		n    int64
		what string
	}{{first, "are sent for the first time"}, {again, "are sent once more"}, {passed, "are passed over"}} {
		if x.n > 0 {
			text += ", " + humanBytes(float64(x.n)) + " " + x.what
		}
	}
	if took := takes(again+first, peak); took > 0 {
		text += ", in about " + humanAge(took)
	}
	return text
}

// takes is how long bytes take at a rate of bytes a second, a second at least; 0 when that
// is not known, or nothing is sent.
func takes(bytes, rate int64) time.Duration {
	if bytes <= 0 || rate <= 0 {
		return 0
	}
	return max(time.Second, time.Duration(float64(bytes)/float64(rate)*float64(time.Second)))
}

func (s *moveScreen) body(w, h int) []string {
	st := s.env.styles
	var lines []string
	for _, a := range s.answers {
		if a.err != nil {
			for i, l := range wrapWords(clean(a.agent)+": "+clean(a.err.Error()), w-6) {
				lead := "  ✗ "
				if i > 0 {
					lead = "    "
				}
				lines = append(lines, st.bad.apply(lead+l))
			}
		}
	}
	for i, p := range s.moves {
		for _, m := range p.Moves {
			lines = append(lines, fmt.Sprintf("  %s  %s  %d → %d of %d", clean(s.by[i]), clean(m.Path), m.From, m.To, m.Size))
		}
	}
	if len(lines) == 0 && s.phase != moveAsking && s.phase != moveMoving {
		lines = append(lines, "  No position moves.")
	}
	if s.phase == movePlanned {
		lines = append(lines, "", "  "+st.key.apply("y")+" moves them    "+st.key.apply("Esc")+" back")
	}
	s.height = h
	s.top = max(min(s.top, len(lines)-h), 0)
	return lines[s.top:min(s.top+h, len(lines))]
}
