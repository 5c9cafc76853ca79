package tui

import (
	tea "charm.land/bubbletea/v2"
)

// key sends a key press where it belongs: the prompt, a screen that is typed
// into, the screen's key map, the global one.
func (r *root) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	switch name {
	case "ctrl+c":
		return r.interrupt()
	case "ctrl+z":
		return tea.Suspend
	}
	if r.tooSmall() {
		if name == "q" {
			return r.quit()
		}
		return nil
	}
	if r.prompt != nil {
		return r.promptKey(msg)
	}
	top := r.top()
	if t, ok := top.(typer); ok && t.typing() {
		return t.typed(msg)
	}
	if b, ok := top.keys().find(name); ok {
		if b.writes && r.env.readOnly {
			r.env.complain("Read-only console: nothing can be changed here")
			return nil
		}
		return top.act(b.act)
	}
	b, ok := globalKeys().find(name)
	if !ok {
		return nil
	}
	return r.global(b.act)
}

func (r *root) promptKey(msg tea.KeyPressMsg) tea.Cmd {
	p := r.prompt
	cmd, done := p.key(msg)
	if done && r.prompt == p {
		r.prompt = nil
	}
	return cmd
}

func (r *root) paste(text string) tea.Cmd {
	if r.prompt != nil {
		r.prompt.paste(text)
		return nil
	}
	if t, ok := r.top().(typer); ok && t.typing() {
		return t.pasted(text)
	}
	return nil // a paste into a list is not a row of commands
}

// interrupt is Ctrl-C: it ends what is being typed, warns, and the second one
// ends the console. Ctrl-C is often meant as "copy" or "cancel".
func (r *root) interrupt() tea.Cmd {
	now := r.env.now()
	if now.Sub(r.lastCtlC) < againWithin {
		return r.quit()
	}
	r.lastCtlC = now
	if r.prompt != nil {
		if r.prompt.onCancel != nil {
			r.prompt.onCancel()
		}
		r.prompt = nil
	}
	hint := " (q does at once)"
	if t, ok := r.top().(typer); ok && t.typing() {
		hint = "; what is typed here is lost then"
	}
	r.env.say("Ctrl-C again within a second ends the console" + hint)
	return nil
}

func (r *root) global(a action) tea.Cmd {
	_, modal := r.top().place()
	switch a {
	case actHelp:
		r.env.push(newHelpScreen(r.env, r.top()))
	case actCommand:
		r.prompt = newCommandPrompt(r.env)
	case actBack:
		if b, ok := r.top().(backer); ok && b.back() {
			return nil
		}
		if len(r.stack) > 1 {
			return r.popScreens(1)
		}
	case actQuit:
		return r.quit()
	case actRedraw:
		return tea.ClearScreen
	case actNextProblem:
		if !modal {
			r.env.push(newProblemsScreen(r.env))
		}
	case actNextTab, actPrevTab:
		if !modal {
			return r.home(r.neighbour(a == actNextTab))
		}
	case actEntries, actAgents, actTopics, actStream, actEvents:
		if !modal {
			return r.home(a)
		}
	}
	return nil
}

// neighbour is the main screen beside the present one.
func (r *root) neighbour(forward bool) action {
	tabs := []action{actEntries, actAgents, actTopics, actStream, actEvents}
	if r.stream == nil {
		tabs = []action{actEntries, actAgents, actTopics, actEvents}
	}
	at := 0
	parent, _ := r.top().place()
	for i, t := range tabs {
		if t == parent {
			at = i
		}
	}
	if forward {
		return tabs[(at+1)%len(tabs)]
	}
	return tabs[(at+len(tabs)-1)%len(tabs)]
}

// wheel moves as the arrow keys do.
func (r *root) wheel(msg tea.MouseWheelMsg) tea.Cmd {
	a := actDown
	if msg.Button == tea.MouseWheelUp {
		a = actUp
	}
	var cmds []tea.Cmd
	for range 3 {
		if b, ok := r.top().keys().find(map[action]string{actUp: "up", actDown: "down"}[a]); ok {
			cmds = append(cmds, r.top().act(b.act))
		}
	}
	return tea.Batch(cmds...)
}
