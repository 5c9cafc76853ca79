package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

const (
	saveLimit   = 5 * time.Second
	appliedShow = time.Minute // how long the line about an edit stays
)

// edit is a change of the list that can be done again on another list.
type edit struct {
	note    string // for the history: "add /var/log/x.log"
	apply   func([]etcdcfg.Entry) ([]etcdcfg.Entry, error)
	raw     []byte   // the whole list as written by hand; apply is nil then
	touched []string // keys of entries whose fate is told after saving
	topic   string   // to offer for creation when it does not exist
}

// after is the list as it would be saved.
func (ed edit) after(base etcdcfg.Snapshot) (raw []byte, entries []etcdcfg.Entry, err error) {
	if ed.apply == nil {
		entries, err = etcdcfg.Parse(ed.raw)
		if err == nil {
			err = etcdcfg.Validate(entries)
		}
		return ed.raw, entries, err
	}
	if base.Err != nil {
		return nil, nil, errors.New("the list in etcd is not usable: repair it with E first")
	}
	entries, err = ed.apply(cloneEntries(base.Entries))
	if err == nil {
		err = etcdcfg.Validate(entries)
	}
	if err != nil {
		return nil, nil, err
	}
	raw, err = etcdcfg.Format(entries)
	return raw, entries, err
}

func cloneEntries(list []etcdcfg.Entry) []etcdcfg.Entry {
	out := make([]etcdcfg.Entry, len(list))
	for i, e := range list {
		out[i] = e.Clone()
	}
	return out
}

// savedMsg is the answer to an edit.
type savedMsg struct {
	ed     edit
	base   etcdcfg.Snapshot
	snap   etcdcfg.Snapshot
	err    error
	closes []screen  // to leave when it worked
	undo   *undoStep // the edit that was taken back; nil: this is no undo
}

// busy begins an edit, unless one is under way: it would be made from the list
// before that one, and end in a conflict with ourselves.
func (e *env) busy(note string) bool {
	if e.saving {
		e.complain("The edit before is still being saved: wait for its answer")
		return true
	}
	e.saving, e.edit = true, clean(note)
	return false
}

// save writes an edit on base; closes are left when it worked.
func (e *env) save(base etcdcfg.Snapshot, ed edit, closes ...screen) tea.Cmd {
	if e.readOnly || e.ports.entries == nil {
		e.complain("Read-only console: nothing can be changed here")
		return nil
	}
	raw, entries, err := ed.after(base)
	if err != nil {
		e.complain(err.Error())
		return nil
	}
	if e.busy(ed.note) {
		return nil
	}
	e.say("Saving ...")
	port, ctx := e.ports.entries, e.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, saveLimit)
		defer cancel()
		m := savedMsg{ed: ed, base: base, closes: closes}
		if ed.apply == nil {
			m.snap, m.err = port.SaveRaw(ctx, base, raw, ed.note)
		} else {
			m.snap, m.err = port.Save(ctx, base, entries, ed.note)
		}
		return m
	}
}

// see takes a view of the fleet. One that was made before our last edit gets the
// list of that edit, so that the next edit does not run into a conflict with
// ourselves.
func (e *env) see(v *fleetView) {
	if l := e.latest; l.Key == v.key && !v.at.After(e.latestAt) && v.list.ModRevision != 0 && v.list.ModRevision < l.ModRevision {
		c := *v
		c.list = l
		v = &c
	}
	e.view = v
}

// undoStep is an edit of ours that can be taken back.
type undoStep struct {
	before []byte // the list before it; nil: the key did not exist
	after  etcdcfg.Snapshot
	note   string
	older  *undoStep
}

// saved deals with the answer to an edit.
func (e *env) saved(m savedMsg) tea.Cmd {
	e.saving = false
	var conflict *etcdcfg.ConflictError
	var outcome *etcdcfg.OutcomeError
	switch {
	case m.err == nil:
	case errors.As(m.err, &outcome):
		e.complain("Perhaps saved, perhaps not: " + outcome.Err.Error())
		e.journal.add("edit", true, fmt.Sprintf("perhaps saved, perhaps not: %s: %v", m.ed.note, outcome.Err))
		return nil
	case errors.As(m.err, &conflict) && m.undo != nil:
		e.undo = nil
		e.complain("Not undone: somebody edited after you. H shows the history")
		return nil
	case errors.As(m.err, &conflict):
		e.journal.add("edit", true, fmt.Sprintf("conflict: %s (%v)", m.ed.note, m.err))
		e.request(reqDrop{m.closes})
		e.say("") // the screen says it, and its keys are needed now
		e.push(newConflictScreen(e, conflict, m.ed))
		return nil
	default:
		e.complain("Not saved: " + m.err.Error())
		e.journal.add("edit", true, fmt.Sprintf("not saved: %s: %v", m.ed.note, m.err))
		return nil
	}
	e.request(reqDrop{m.closes})
	e.feed.gotAnswer(m.snap)
	e.latest, e.latestAt = m.snap, e.now()
	e.see(e.view)
	e.journal.add("edit", false, fmt.Sprintf("%s (rev %d)", m.ed.note, m.snap.ModRevision))
	if m.snap.Key == e.view.key { // else another key was chosen meanwhile: its edits are not this one's
		e.remember(m)
		e.applied.start(m.snap, m.ed.touched, e.now())
	}
	if m.undo != nil {
		e.say(fmt.Sprintf("Undone, saved as rev %d", m.snap.ModRevision))
	} else {
		e.say(fmt.Sprintf("Saved as rev %d: %s (u undoes it)", m.snap.ModRevision, m.ed.note))
	}
	if m.ed.topic != "" && e.topics.known && e.topics.find(m.ed.topic) == nil {
		e.push(newTopicForm(e, m.ed.topic, fmt.Sprintf("The entry is saved, but topic %s does not exist. Create it now? Esc leaves it.", clean(m.ed.topic))))
	}
	return nil
}

// remember keeps what the next undo takes back. An edit that this one does not
// follow at once is out of reach: somebody edited between the two, and taking the
// older one back would take theirs back as well.
func (e *env) remember(m savedMsg) {
	if m.undo == nil {
		older := e.undo
		if older != nil && older.after.ModRevision != m.base.ModRevision {
			older = nil
		}
		e.undo = &undoStep{before: m.base.Raw, after: m.snap, note: m.ed.note, older: older}
		return
	}
	e.undo = m.undo.older
	if e.undo != nil {
		e.undo.after = m.snap
	}
}

// takeBack undoes the newest edit of this console.
func (e *env) takeBack() tea.Cmd {
	u := e.undo
	if u == nil {
		e.complain("Nothing to undo: no further edit of this console, or somebody edited since; H shows all")
		return nil
	}
	if u.after.Key != e.view.key {
		e.complain("Your last edit was of " + u.after.Key)
		return nil
	}
	raw := u.before
	if raw == nil {
		raw = []byte("[]\n")
	}
	ed := edit{note: "undo: " + u.note, raw: raw}
	port, ctx := e.ports.entries, e.ctx
	if port == nil || e.busy(ed.note) {
		return nil
	}
	e.say("Undoing ...")
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, saveLimit)
		defer cancel()
		m := savedMsg{ed: ed, base: u.after, undo: u}
		m.snap, m.err = port.SaveRaw(ctx, u.after, raw, ed.note)
		return m
	}
}

// appliedWatch tells after an edit which agents have taken it up.
type appliedWatch struct {
	rev     int64
	at      time.Time
	touched map[string]bool
	text    string
	bad     bool

	moved movedWatch // the last rewind
}

func (a *appliedWatch) start(s etcdcfg.Snapshot, touched []string, now time.Time) {
	a.rev, a.at, a.touched = s.ModRevision, now, map[string]bool{}
	for _, k := range touched {
		a.touched[k] = true
	}
	a.text, a.bad = fmt.Sprintf("rev %d saved, waiting for the agents", a.rev), false
}

// look brings the text up to date with the view.
func (a *appliedWatch) look(e *env) {
	v, age := e.view, e.now().Sub(a.at)
	switch {
	case a.rev == 0:
		a.text, a.bad = a.moved.look(v), false
		return
	case v.list.ModRevision > a.rev, age > appliedShow, v.list.ModRevision < a.rev && age > watchDelay:
		a.rev, a.text = 0, ""
		return
	case v.list.ModRevision < a.rev: // a view made before the answer
		return
	}
	notes := a.notes(v)
	a.bad = len(notes) > 0
	a.text = fmt.Sprintf("rev %d applied by %d/%s", a.rev, v.applied, plural(v.audience, "agent"))
	switch {
	case !v.saw:
		a.text = fmt.Sprintf("rev %d saved; who is on duty is not known", a.rev)
	case v.audience == 0:
		a.text = fmt.Sprintf("rev %d saved; no agent with this key is on duty", a.rev)
	}
	if len(notes) > 4 {
		notes = append(notes[:3], fmt.Sprintf("and %d more", len(notes)-3))
	}
	if len(notes) > 0 {
		a.text += "; " + strings.Join(notes, "; ")
	}
}

func (a *appliedWatch) notes(v *fleetView) []string {
	var notes []string
	late := 0
	for _, p := range v.pending {
		if p.listError != "" {
			notes = append(notes, clean(p.id)+": "+clean(p.listError))
		} else {
			late++
		}
	}
	if late > 0 && late <= 2 {
		for _, p := range v.pending {
			if p.listError == "" {
				notes = append(notes, clean(p.id)+": still at rev "+fmt.Sprint(p.revision))
			}
		}
	} else if late > 0 {
		notes = append(notes, plural(late, "agent")+" not yet")
	}
	for _, r := range v.entries {
		if !a.touched[r.key] {
			continue
		}
		for _, t := range r.trouble {
			notes = append(notes, clean(t.agent)+": "+clean(t.state))
		}
	}
	return notes
}
