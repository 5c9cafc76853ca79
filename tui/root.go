package tui

import (
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

const (
	toastFor    = 5 * time.Second
	againWithin = time.Second // a second Ctrl-C within this ends the console
	saveGrace   = time.Second // leaving waits this long for the answer to an edit
	minWidth    = 60
	minHeight   = 15
	narrow      = 100 // below this many columns panes stack
)

// root is the model: it knows the size, the global keys, the stack of screens
// and the line at the foot, and forwards the rest.
type root struct {
	env      *env
	theme    string
	mouse    bool
	stack    []screen
	stream   *streamScreen // looked at last, kept while another main screen is open
	w, h     int
	sized    bool
	toast    reqToast
	toastGen int
	prompt   *prompt
	lastCtlC time.Time
	quitting bool
	dark     bool
	colour   bool
	plain    bool // NO_COLOR
	frame    frameCache
	seal     *safe.Seal // of the styles
}

// Messages of the root.
type (
	feedMsg   struct{}
	toastMsg  struct{ gen int }
	minuteMsg struct{}
	leaveMsg  struct{}
)

// Init starts what runs as long as the console.
func (r *root) Init() tea.Cmd {
	cmds := []tea.Cmd{r.waitFeed(), r.nextMinute()}
	if r.theme == ThemeAuto && r.colour {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return r.wrap(tea.Batch(append(cmds, r.settle(r.top().refresh()))...))
}

func (r *root) top() screen { return r.stack[len(r.stack)-1] }

// Update handles one message. A panic in it ends the console in order.
func (r *root) Update(msg tea.Msg) (model tea.Model, cmd tea.Cmd) {
	defer r.env.keep.guard()
	model = r
	r.frame.stale = true
	cmd = r.wrap(r.settle(r.handle(msg)))
	return model, cmd
}

func (r *root) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		r.w, r.h, r.sized = msg.Width, msg.Height, true
		return nil
	case tea.KeyPressMsg:
		return r.key(msg)
	case tea.PasteMsg:
		return r.paste(msg.Content)
	case tea.BackgroundColorMsg:
		if r.theme != ThemeAuto {
			return nil // another one was chosen since it was asked for
		}
		r.dark = msg.IsDark()
		r.env.styles = newStyles(r.seal, r.dark, r.colour)
		return nil
	case tea.FocusMsg, tea.BlurMsg:
		_, r.env.focused = msg.(tea.FocusMsg)
		return r.top().update(msg)
	case tea.MouseWheelMsg:
		return r.wheel(msg)
	case tea.MouseClickMsg:
		if c, ok := r.top().(clicker); ok && msg.Y >= 2 {
			return c.click(msg.Y - 2)
		}
		return nil
	case feedMsg:
		r.env.see(r.env.feed.view())
		r.env.applied.look(r.env)
		return tea.Batch(r.waitFeed(), r.top().refresh())
	case toastMsg:
		if msg.gen == r.toastGen {
			r.toast = reqToast{}
		}
		return nil
	case minuteMsg:
		r.env.applied.look(r.env) // what it says of an edit ends although nothing else happens
		return r.nextMinute()
	case leaveMsg:
		return tea.Quit
	case savedMsg:
		return r.saved(msg)
	case editorMsg:
		return r.env.edited(msg)
	case createdMsg:
		return r.env.created(msg)
	case topicsMsg:
		if !r.env.gotTopics(msg) {
			return nil
		}
	}
	return r.forward(msg)
}

// forward gives an answer to all screens: each knows its own by generation.
func (r *root) forward(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, s := range r.stack {
		cmds = append(cmds, s.update(msg))
	}
	if r.stream != nil && !r.has(r.stream) {
		cmds = append(cmds, r.stream.update(msg))
	}
	return tea.Batch(cmds...)
}

func (r *root) has(s screen) bool {
	for _, x := range r.stack {
		if x == s {
			return true
		}
	}
	return false
}

// settle carries out what screens asked for until nothing is asked any more.
func (r *root) settle(cmd tea.Cmd) tea.Cmd {
	cmds := []tea.Cmd{cmd}
	for range 32 { // an end, should two screens ask each other for ever
		if len(r.env.reqs) == 0 {
			break
		}
		reqs := r.env.reqs
		r.env.reqs = nil
		for _, q := range reqs {
			cmds = append(cmds, r.carryOut(q))
		}
	}
	return tea.Batch(cmds...)
}

func (r *root) carryOut(q any) tea.Cmd {
	switch q := q.(type) {
	case reqPush:
		r.cover()
		r.stack = append(r.stack, q.s)
		return q.s.refresh()
	case reqPop:
		return r.popScreens(q.n)
	case reqDrop:
		return r.drop(q.screens)
	case reqHome:
		return r.home(q.act)
	case reqStream:
		return r.openStream(q.q)
	case reqToast:
		return r.showToast(q)
	case reqPrompt:
		r.prompt = q.p
		r.prompt.check()
	case reqDo:
		return q.cmd
	case reqTheme:
		return r.useTheme(q.name)
	case reqQuit:
		return r.quit()
	}
	return nil
}

// useTheme changes the colours; with ThemeAuto the terminal is asked again. Where
// the environment forbids colours there are none in any theme.
func (r *root) useTheme(name string) tea.Cmd {
	r.theme, r.colour = name, name != ThemeNone && !r.plain
	if name != ThemeAuto {
		r.dark = name != ThemeLight
	}
	r.env.styles = newStyles(r.seal, r.dark, r.colour)
	if name == ThemeAuto && r.colour {
		return tea.RequestBackgroundColor
	}
	return nil
}

func (r *root) cover() {
	if h, ok := r.top().(hider); ok {
		h.hidden()
	}
}

func (r *root) popScreens(n int) tea.Cmd {
	for range n {
		if len(r.stack) == 1 {
			break
		}
		s := r.top()
		r.stack = r.stack[:len(r.stack)-1]
		if s == screen(r.stream) {
			r.stream.hidden()
			continue // kept for key 4
		}
		if c, ok := s.(closer); ok {
			c.close()
		}
	}
	return r.top().refresh()
}

// home switches to one of the five main screens, unless what is being edited would be
// lost by it: Esc asks about that.
func (r *root) home(a action) tea.Cmd {
	for _, s := range r.stack {
		if h, ok := s.(holder); ok && h.holds() {
			r.env.complain("What you edit is not saved yet: save it, or leave it with Esc")
			return nil
		}
	}
	var cmds []tea.Cmd
	if a == actStream && r.stream == nil {
		cmds = append(cmds, r.showToast(reqToast{text: "No stream yet: choose a topic and press Enter"}))
		a = actTopics
	}
	// What the home screen asks for on the way must be carried out: it counts on answers.
	cmds = append(cmds, r.popScreens(len(r.stack)-1))
	switch a {
	case actAgents:
		cmds = append(cmds, r.pushNow(newAgentsScreen(r.env)))
	case actTopics:
		cmds = append(cmds, r.pushNow(newTopicsScreen(r.env)))
	case actEvents:
		cmds = append(cmds, r.pushNow(newEventsScreen(r.env)))
	case actStream:
		cmds = append(cmds, r.pushNow(r.stream))
	}
	return tea.Batch(cmds...)
}

func (r *root) pushNow(s screen) tea.Cmd {
	r.cover()
	r.stack = append(r.stack, s)
	return s.refresh()
}

// openStream shows a topic; the stream of another one is closed.
func (r *root) openStream(q streamQuery) tea.Cmd {
	if r.env.ports.streams == nil {
		return r.showToast(reqToast{text: "Kafka is not configured: there is nothing to stream from", bad: true})
	}
	if r.stream != nil && r.stream.query.topic == q.topic && q.from == "" {
		if !r.has(r.stream) {
			return r.pushNow(r.stream)
		}
		return nil
	}
	var cmd tea.Cmd
	if old := r.stream; old != nil {
		r.stream = nil
		old.close()
		cmd = r.drop([]screen{old}) // what Esc goes back to must not be a stream that stands still
	}
	if q.from == "" {
		q.from = "newest"
	}
	r.stream = newStreamScreen(r.env, q)
	return tea.Batch(cmd, r.pushNow(r.stream))
}

func (r *root) showToast(q reqToast) tea.Cmd {
	r.toastGen++
	r.toast = q
	gen := r.toastGen
	return r.env.after(toastFor, toastMsg{gen})
}

// quit ends the console. An edit that is being saved gets a moment for its answer;
// asked twice it ends at once.
func (r *root) quit() tea.Cmd {
	if r.quitting || !r.env.saving {
		r.quitting = true
		return tea.Quit
	}
	r.quitting = true
	r.env.say("An edit is still being saved: leaving when it is answered (q again: at once)")
	return r.env.after(saveGrace, leaveMsg{})
}

// saved deals with the answer to an edit. When the console is being left there is
// nobody to show a conflict or an error to: unsaved says it in the end.
func (r *root) saved(m savedMsg) tea.Cmd {
	cmd := r.env.saved(m)
	if !r.quitting {
		return cmd
	}
	r.env.failed = m.err
	return tea.Quit
}

// unsaved is what the shell is told of an edit that was not saved, or perhaps not,
// when the console was left; nil when there was none.
func (e *env) unsaved() error {
	var outcome *etcdcfg.OutcomeError
	switch {
	case e.saving, errors.As(e.failed, &outcome):
		return fmt.Errorf("the console was left before etcd answered: it is not known whether the last edit was saved (%s); 'logctl entries history' tells", e.edit)
	case e.failed != nil:
		return fmt.Errorf("the last edit was not saved (%s): %w", e.edit, e.failed)
	}
	return nil
}

func (r *root) waitFeed() tea.Cmd {
	e := r.env
	return func() tea.Msg {
		select {
		case <-e.feed.news:
			return feedMsg{}
		case <-e.ctx.Done():
			return nil
		}
	}
}

// nextMinute wakes the clock of the header up; it shows no seconds so that an
// idle console writes nothing.
func (r *root) nextMinute() tea.Cmd {
	now := r.env.now()
	return r.env.after(now.Truncate(time.Minute).Add(time.Minute).Sub(now)+10*time.Millisecond, minuteMsg{})
}
