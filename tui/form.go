package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// Kinds of form fields.
const (
	fieldText   = iota
	fieldChoice // one of choices; space, left and right go through them
	fieldList   // any number of texts: the last, empty one makes room for more
)

// field is one input of a form. A list has one field for each item.
type field struct {
	id      string
	label   string
	help    string
	kind    int
	input   textinput.Model
	given   string // the value the field was made with,
	shown   string // and what the input made of it: it knows no tabs and line ends
	choices []string
	choice  int
	suggest func(text string) []string // whole values that begin with text
	offered int                        // which suggestion is offered
	problem string
}

// value is what the field says: to the byte what it was made with unless that was
// changed.
func (f *field) value() string {
	switch {
	case f.kind == fieldChoice:
		return f.choices[f.choice]
	case f.untouched():
		return f.given
	}
	return f.input.Value()
}

// untouched reports whether a text field says what it was made with.
func (f *field) untouched() bool { return f.input.Value() == f.shown }

func textField(id, label, value, help string) *field {
	in := newInput(value)
	return &field{id: id, label: label, help: help, input: in, given: value, shown: in.Value()}
}

func choiceField(id, label, value, help string, choices ...string) *field {
	f := &field{id: id, label: label, help: help, kind: fieldChoice, choices: choices}
	for i, c := range choices {
		if c == value {
			f.choice = i
		}
	}
	return f
}

// form is a screen of fields with validation as one types.
type form struct {
	env    *env
	name   string
	head   string
	parent action
	fields []*field
	sel    int
	top    int
	dirty  bool
	bad    string                // a problem that belongs to no field
	check  func(f *form)         // sets the problems
	submit func(f *form) tea.Cmd // called when there are none
	peek   func(f *form) tea.Cmd // shows what would come of it; nil: nothing
	find   func(f *form) tea.Cmd // looks for values of its fields; nil: nothing
	renew  func() tea.Cmd        // reads again what check goes by; nil: nothing
	curX   int
	curY   int
}

const (
	actNextField action = "next field"
	actPrevField action = "previous field"
	actSubmit    action = "submit"
	actAccept    action = "accept"
	actOther     action = "other"
	actFind      action = "find logs"
)

func formKeys() keymap {
	return keymap{
		{act: actSubmit, keys: []string{"ctrl+s"}, label: "save", help: "go on; Enter on the last field does too"},
		{act: actNextField, keys: []string{"tab", "down", "enter"}, label: "next", help: "next field"},
		{act: actPrevField, keys: []string{"shift+tab", "up"}, label: "before", help: "field before"},
		{act: actAccept, keys: []string{"right"}, label: "take suggestion", help: "take the suggestion, at the end of the text"},
		{act: actOther, keys: []string{"ctrl+n"}, label: "other suggestion", help: "offer another one"},
		{act: actBack, keys: []string{"esc"}, label: "cancel", help: "leave without saving"},
	}
}

func (s *form) title() string         { return s.name }
func (s *form) place() (action, bool) { return s.parent, false }
func (s *form) typing() bool          { return true }
func (s *form) holds() bool           { return s.dirty }

// keys are those of every form, and of a look ahead where there is one.
func (s *form) keys() keymap {
	keys := formKeys()
	if s.peek != nil {
		keys = append(keys, binding{act: actPreview, keys: []string{"ctrl+p"}, label: "preview", help: "ask the agents what the entry would match and send; nothing is saved"})
	}
	if s.find != nil {
		keys = append(keys, binding{act: actFind, keys: []string{"ctrl+o"}, label: "find logs", help: "ask the agents which files at the path, a directory or a file, are one log, and take the entry for one"})
	}
	return keys
}
func (s *form) refresh() tea.Cmd {
	s.validate()
	if s.renew == nil {
		return nil
	}
	return s.renew()
}

func (s *form) update(msg tea.Msg) tea.Cmd {
	if _, ok := msg.(topicsMsg); ok {
		s.validate()
	}
	return nil
}

func (s *form) summary(int) string {
	if s.bad != "" {
		return s.env.styles.bad.apply("✗ " + s.bad)
	}
	return s.head
}

func (s *form) current() *field { return s.fields[s.sel] }

// blank reports whether a field of a list is the place for another text.
func (f *field) blank() bool {
	v := f.value()
	return v == "" || strings.TrimSpace(v) == "" && !f.untouched()
}

// get returns the value of a field without blanks around it, all those of a list but
// for blank ones; untouched reports whether all of them are as they were.
func (s *form) get(id string) string {
	for _, f := range s.fields {
		if f.id == id {
			return strings.TrimSpace(f.value())
		}
	}
	return ""
}

func (s *form) untouched(id string) bool {
	for _, f := range s.fields {
		if f.id == id && !f.untouched() {
			return false
		}
	}
	return true
}

func (s *form) all(id string) []string {
	var out []string
	for _, f := range s.fields {
		if f.id == id && !f.blank() {
			out = append(out, f.value())
		}
	}
	return out
}

// typed handles a key: those of the key map, else it is text.
func (s *form) typed(msg tea.KeyPressMsg) tea.Cmd {
	f := s.current()
	if b, ok := s.keys().find(msg.String()); ok {
		switch {
		case msg.String() == "enter" && s.sel == len(s.fields)-1:
			return s.act(actSubmit)
		case b.act == actAccept && (f.kind == fieldChoice || s.offer() == "" || f.input.Position() < len([]rune(f.input.Value()))):
		case b.act == actOther && s.offer() == "":
		default:
			return s.act(b.act)
		}
	}
	if f.kind == fieldChoice {
		switch msg.String() {
		case "space", "right", "l":
			f.choice = (f.choice + 1) % len(f.choices)
		case "left", "h":
			f.choice = (f.choice + len(f.choices) - 1) % len(f.choices)
		default:
			return nil
		}
		s.changed()
		return nil
	}
	before := f.input.Value()
	f.input, _ = f.input.Update(msg)
	if f.input.Value() != before {
		f.offered = 0
		s.changed()
	}
	return nil
}

// pasted puts text into the current field; lines pasted into a list are so many items.
func (s *form) pasted(text string) tea.Cmd {
	if s.current().kind == fieldChoice {
		return nil
	}
	lines := []string{strings.TrimRight(text, "\r\n")}
	if s.current().kind == fieldList {
		lines = slices.DeleteFunc(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), func(l string) bool { return strings.TrimSpace(l) == "" })
	}
	for i, l := range lines {
		if i > 0 {
			s.fields = slices.Insert(s.fields, s.sel+1, s.current().another())
			s.sel++
		}
		f := s.current()
		f.input, _ = f.input.Update(tea.PasteMsg{Content: l})
	}
	s.changed()
	return nil
}

func (s *form) changed() {
	s.dirty = true
	s.growLists()
	s.validate()
}

// another is an empty field of the same list.
func (f *field) another() *field {
	return &field{id: f.id, help: f.help, kind: fieldList, input: newInput(""), suggest: f.suggest}
}

// growLists keeps exactly one empty field at the end of each list.
func (s *form) growLists() {
	for i := 0; i < len(s.fields); i++ {
		f := s.fields[i]
		last := i == len(s.fields)-1 || s.fields[i+1].id != f.id
		if f.kind == fieldList && last && f.value() != "" {
			s.fields = slices.Insert(s.fields, i+1, f.another())
		}
	}
}

// fill puts texts into a field, or into all those of a list.
func (s *form) fill(id string, values ...string) {
	first := slices.IndexFunc(s.fields, func(f *field) bool { return f.id == id })
	if first < 0 {
		return
	}
	f := s.fields[first]
	if f.kind != fieldList {
		f.input.SetValue(strings.Join(values, " "))
		f.input.CursorEnd()
		return
	}
	last := first
	for last < len(s.fields) && s.fields[last].id == id {
		last++
	}
	list := listFields(id, f.label, values, f.help)
	for _, x := range list {
		x.suggest = f.suggest
	}
	s.fields = slices.Replace(s.fields, first, last, list...)
	s.sel = min(s.sel, len(s.fields)-1)
}

func (s *form) validate() {
	s.bad = ""
	for _, f := range s.fields {
		f.problem = ""
	}
	if s.check != nil {
		s.check(s)
	}
}

// blame puts a problem to the nth field of that id, as all counts them, or to the form.
func (s *form) blame(id string, n int, problem string) {
	problem = clean(problem)
	for _, f := range s.fields {
		if f.id != id || f.kind == fieldList && f.blank() {
			continue
		}
		if n > 0 {
			n--
			continue
		}
		if f.problem == "" {
			f.problem = problem
		}
		return
	}
	if s.bad == "" {
		s.bad = problem
	}
}

func (s *form) valid() bool {
	for _, f := range s.fields {
		if f.problem != "" {
			return false
		}
	}
	return s.bad == ""
}

func (s *form) act(a action) tea.Cmd {
	f := s.current()
	switch a {
	case actNextField:
		s.sel = (s.sel + 1) % len(s.fields)
	case actPrevField:
		s.sel = (s.sel + len(s.fields) - 1) % len(s.fields)
	case actAccept:
		f.input.SetValue(s.offer())
		f.input.CursorEnd()
		s.changed()
	case actOther:
		f.offered++
	case actBack:
		return s.leave()
	case actPreview:
		return s.peek(s)
	case actFind:
		return s.find(s)
	case actSubmit:
		s.validate()
		if !s.valid() {
			for i, x := range s.fields {
				if x.problem != "" {
					s.sel = i
					break
				}
			}
			s.env.complain("Not yet: see what is marked ✗")
			return nil
		}
		return s.submit(s)
	}
	return nil
}

// leave goes back, asking first when something typed would be lost.
func (s *form) leave() tea.Cmd {
	if !s.dirty {
		s.env.request(reqDrop{[]screen{s}})
		return nil
	}
	s.env.push(newConfirm(s.env, "drop it", []string{"Leave without saving? What you typed is lost."}, func() tea.Cmd {
		s.env.request(reqDrop{[]screen{s}})
		return nil
	}))
	return nil
}

// offer is the suggestion for the current field: a whole value that begins with
// what was typed, "" for none.
func (s *form) offer() string {
	f := s.current()
	if f.suggest == nil || f.kind == fieldChoice {
		return ""
	}
	list := f.suggest(f.input.Value())
	if len(list) == 0 {
		return ""
	}
	return list[f.offered%len(list)]
}
