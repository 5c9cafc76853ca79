package tui

import (
	"sort"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// prompt is the line at the foot of the screen where a filter, a search, a
// command or a value is typed.
type prompt struct {
	label    string
	input    textinput.Model
	onChange func(text string) error   // live; its error is shown, nil clears it
	onDone   func(text string) tea.Cmd // Enter
	onCancel func()                    // Esc
	complete func(text string) []string
	err      string
	choices  []string // what Tab goes through
	choice   int
}

func newInput(value string) textinput.Model {
	in := textinput.New()
	in.Prompt = ""
	in.SetVirtualCursor(false)
	in.SetValue(value)
	in.CursorEnd()
	in.Focus()
	return in
}

func newPrompt(label, value string) *prompt {
	return &prompt{label: label, input: newInput(value), choice: -1}
}

// key handles a key press; done tells that the prompt is over.
func (p *prompt) key(msg tea.KeyPressMsg) (cmd tea.Cmd, done bool) {
	switch msg.String() {
	case "esc":
		if p.onCancel != nil {
			p.onCancel()
		}
		return nil, true
	case "enter":
		if p.err != "" {
			return nil, false
		}
		if p.onDone != nil {
			cmd = p.onDone(p.input.Value())
		}
		return cmd, true
	case "tab":
		p.cycle(1)
		return nil, false
	case "shift+tab":
		p.cycle(-1)
		return nil, false
	case "backspace":
		if p.input.Value() == "" {
			if p.onCancel != nil {
				p.onCancel()
			}
			return nil, true
		}
	}
	before := p.input.Value()
	p.input, _ = p.input.Update(msg)
	if p.input.Value() != before {
		p.changed()
	}
	return nil, false
}

func (p *prompt) paste(text string) {
	text = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(strings.Trim(text, "\r\n"))
	p.input, _ = p.input.Update(tea.PasteMsg{Content: clean(text)})
	p.changed()
}

func (p *prompt) changed() {
	p.choices, p.choice = nil, -1
	p.check()
}

func (p *prompt) check() {
	p.err = ""
	if p.onChange == nil {
		return
	}
	if err := p.onChange(p.input.Value()); err != nil {
		p.err = clean(err.Error())
	}
}

// cycle puts the next completion in.
func (p *prompt) cycle(step int) {
	if p.complete == nil {
		return
	}
	if p.choices == nil {
		p.choices, p.choice = p.complete(p.input.Value()), -1
		if step < 0 {
			p.choice = 0
		}
	}
	if len(p.choices) == 0 {
		return
	}
	p.choice = (p.choice + step + len(p.choices)) % len(p.choices)
	p.input.SetValue(p.choices[p.choice])
	p.input.CursorEnd()
	p.check()
}

// line draws the prompt in w cells and tells where the cursor stands.
func (p *prompt) line(st *styles, w int) (text string, x int) {
	lead := " " + p.label
	room := max(w-cells(lead)-1, 4)
	tail := ""
	if p.err != "" {
		tail = cut("  "+p.err, room/2)
	} else if p.complete != nil {
		tail = cut("  "+strings.Join(p.complete(p.input.Value()), "  "), room/2)
	}
	field := max(room-cells(tail), 4)
	p.input.SetWidth(field - 1)
	x = cells(lead)
	if c := p.input.Cursor(); c != nil {
		x += c.X
	}
	paint := st.dim
	if p.err != "" {
		paint = st.bad
	}
	return st.key.apply(lead) + fit(plainInput(p.input.View()), field) + paint.apply(tail), min(x, max(w-1, 0))
}

// plainInput drops the input's own styles; its text was typed or pasted here.
func plainInput(view string) string { return clean(stripStyles(view)) }

// withPrefix returns the sorted words that begin with text.
func withPrefix(words []string, text string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, text) && w != text {
			out = append(out, w)
		}
	}
	sort.Strings(out)
	return out
}
