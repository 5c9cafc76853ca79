package tui

import (
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
)

func asListError(err error) (*etcdcfg.ListError, bool) {
	var le *etcdcfg.ListError
	ok := errors.As(err, &le)
	return le, ok
}

func (s *entriesScreen) act(a action) tea.Cmd {
	if s.common(a, len(s.rows), s.arrange) {
		return nil
	}
	e, r := s.env, s.selected()
	switch a {
	case actAdd:
		return s.add()
	case actRaw:
		return e.editRaw(e.view.list, e.view.list.Raw)
	case actUndo:
		return e.takeBack()
	case actHistory:
		e.push(newHistoryScreen(e))
		return nil
	case actKeys:
		e.push(newKeyPicker(e))
		return nil
	case actWiden:
		e.feed.widen(!e.view.hour)
		return nil
	}
	switch {
	case r != nil:
	case e.view.list.Err != nil:
		e.complain("The list is not usable: repair it with E first")
		return nil
	default:
		if a != actOpen {
			e.complain("No entry is selected")
		}
		return nil
	}
	switch a {
	case actOpen:
		e.push(newDetailScreen(e, r.entry))
	case actTail:
		e.request(reqStream{streamQuery{topic: r.entry.Topic}})
	case actEdit:
		e.push(newEntryForm(e, &r.entry))
	case actMove:
		e.startMove(r.entry, e.runners(r.key), "")
	case actDelete:
		s.remove()
	case actPause:
		return s.pause()
	case actMark:
		if s.marked[r.key] {
			delete(s.marked, r.key)
		} else {
			s.marked[r.key] = true
		}
		move(&s.sel, actDown, len(s.rows), 1)
	case actCreate:
		if e.topics.known && e.topics.find(r.entry.Topic) != nil {
			e.say("Topic " + r.entry.Topic + " exists")
			return nil
		}
		e.push(newTopicForm(e, r.entry.Topic, "Create the topic of "+clean(r.entry.Path)))
	case actCopy:
		return e.copyText(r.entry.Path, "the path")
	}
	return nil
}

func (s *entriesScreen) add() tea.Cmd {
	v := s.env.view
	switch {
	case !v.haveList:
		s.env.complain("The list is not loaded yet: etcd does not answer")
	case v.list.Err != nil:
		s.env.complain("The list is not usable: repair it with E first")
	default:
		s.env.push(newEntryForm(s.env, nil))
	}
	return nil
}

// chosen are the marked entries, or the selected one.
func (s *entriesScreen) chosen() []etcdcfg.Entry {
	var out []etcdcfg.Entry
	for _, r := range s.env.view.entries {
		if s.marked[r.key] {
			out = append(out, r.entry)
		}
	}
	if len(out) == 0 {
		if r := s.selected(); r != nil {
			out = append(out, r.entry)
		}
	}
	return out
}

func namesOf(list []etcdcfg.Entry) string {
	if len(list) == 1 {
		return list[0].Path + " → " + list[0].Topic
	}
	return plural(len(list), "entry")
}

// remove asks, then deletes the chosen entries.
func (s *entriesScreen) remove() {
	list, e, base := s.chosen(), s.env, s.env.view.list
	gone := map[string]bool{}
	lines := []string{"Delete from " + clean(base.Key) + ":", ""}
	for i, x := range list {
		gone[x.Key()] = true
		if i < 6 {
			lines = append(lines, "  "+clean(x.Path)+" → "+clean(x.Topic))
		}
	}
	if len(list) > 6 {
		lines = append(lines, fmt.Sprintf("  and %d more", len(list)-6))
	}
	lines = append(lines, "", "The agents stop collecting. Files and what is in Kafka stay. u undoes it.")
	ed := edit{note: "delete " + namesOf(list), apply: func(in []etcdcfg.Entry) ([]etcdcfg.Entry, error) {
		out := make([]etcdcfg.Entry, 0, len(in))
		for _, x := range in {
			if !gone[x.Key()] {
				out = append(out, x)
			}
		}
		return out, nil
	}}
	e.push(newConfirm(e, "delete", lines, func() tea.Cmd {
		clear(s.marked)
		return e.save(base, ed)
	}))
}

// pause turns the chosen entries off, or on when all are off. Nothing is lost,
// so it does not ask.
func (s *entriesScreen) pause() tea.Cmd {
	list := s.chosen()
	off := false
	which := map[string]bool{}
	var touched []string
	for _, x := range list {
		off = off || !x.Disabled
		which[x.Key()] = true
		touched = append(touched, x.Key())
	}
	verb := "resume"
	if off {
		verb = "pause"
	}
	clear(s.marked)
	return s.env.save(s.env.view.list, edit{note: verb + " " + namesOf(list), touched: touched, apply: func(in []etcdcfg.Entry) ([]etcdcfg.Entry, error) {
		for i := range in {
			if which[in[i].Key()] {
				in[i].Disabled = off
			}
		}
		return in, nil
	}})
}

// click selects the row under the mouse.
func (s *entriesScreen) click(y int) tea.Cmd {
	line := 1
	for i := s.table.top; i < len(s.rows); i++ {
		n := 1 + len(s.notes(i))
		if y >= line && y < line+n {
			s.sel = i
			return nil
		}
		line += n
	}
	return nil
}

// whyNot says in one line why a task does not move, or that it does.
func whyNot(t *taskRow, f *report.File) string {
	word, text := t.state, t.text
	if f != nil && f.State != "" {
		word = f.State
	}
	if t.stale > 0 {
		return "the agent has been silent for " + coarseAge(t.stale) + "; these are its last values"
	}
	if !t.present {
		return "the agent is not on duty"
	}
	if text != "" {
		return text
	}
	switch word {
	case string(state.Idle):
		if f != nil && f.Acked < f.Read {
			return "all of it is read; " + bytesText(float64(f.Read-f.Acked)) + " wait for Kafka's acknowledgement"
		}
		if f != nil && f.Skipped > 0 && f.Acked <= f.Skipped {
			return bytesText(float64(f.Skipped)) + " skipped (from = end); nothing was written since"
		}
		return "all is sent; nothing new is being written"
	case string(state.Shipping):
		return ""
	case stateQueued:
		return "it waits for its turn to be read"
	case stateOlder:
		return "the file that had this name before is read first"
	case stateRotated:
		if f != nil && f.Acked >= f.Size {
			return "all of it is sent; another file has its name now"
		}
		return "another file has its name now"
	case stateDeleted:
		return "it was deleted; what was read of it is sent"
	}
	if row := state.Of(state.Code(word)); inTable(word) {
		return row.Meaning + " " + row.Do
	}
	return ""
}
