package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// conflictScreen lets the user choose when somebody else saved first.
type conflictScreen struct {
	textScreen
	con  *etcdcfg.ConflictError
	ed   edit
	view int
}

func newConflictScreen(e *env, con *etcdcfg.ConflictError, ed edit) *conflictScreen {
	s := &conflictScreen{con: con, ed: ed}
	s.env, s.name, s.actions, s.keeps = e, "conflict", conflictKeys(), true
	s.look()
	return s
}

func (s *conflictScreen) look() {
	con := s.con
	switch s.view {
	case 0:
		s.head = "difference: - theirs, + mine"
		diff := etcdcfg.Diff(con.Theirs.Raw, con.Mine)
		s.show(nil, diff)
	case 1:
		s.head = fmt.Sprintf("theirs: rev %d", con.Theirs.ModRevision)
		s.show(plainLines(con.Theirs.Raw), "")
	case 2:
		s.head = "mine: not saved"
		s.show(plainLines(con.Mine), "")
	case 3:
		s.head = fmt.Sprintf("base: rev %d, what my edit started from", con.Base.ModRevision)
		s.show(plainLines(con.Base.Raw), "")
	}
	s.head += fmt.Sprintf(" · Somebody saved rev %d before you; nothing of yours is written yet", con.Theirs.ModRevision)
}

func plainLines(raw []byte) []string {
	if raw == nil {
		return []string{" (the key does not exist)"}
	}
	lines := cleanLines(string(raw))
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return lines
}

func (s *conflictScreen) act(a action) tea.Cmd {
	switch a {
	case actTheirs, actBack:
		s.env.request(reqDrop{[]screen{s}})
		if a == actTheirs {
			s.env.say(fmt.Sprintf("Kept theirs (rev %d); your edit is dropped", s.con.Theirs.ModRevision))
		}
	case actAgain:
		return s.env.propose(s.con.Theirs, s.ed, s)
	case actMine:
		return s.env.propose(s.con.Theirs, edit{note: s.ed.note + " (over rev " + fmt.Sprint(s.con.Theirs.ModRevision) + ")", raw: s.con.Mine, touched: s.ed.touched, topic: s.ed.topic}, s)
	case actSwitch:
		s.view = (s.view + 1) % 4
		s.look()
	default:
		return s.textScreen.act(a)
	}
	return nil
}
