package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// env is what screens share. It belongs to the UI goroutine.
type env struct {
	ctx      context.Context
	ports    ports
	feed     *feed
	keep     *keeper
	journal  *journal
	styles   *styles
	prefs    *prefs
	readOnly bool
	version  string
	keyTmpl  string // the configured collect key, maybe with placeholders
	now      func() time.Time

	reportTopic string // of the agents' reports

	view     *fleetView // newest view of the fleet
	topics   topicsView // newest list of topics
	applied  *appliedWatch
	undo     *undoStep
	latest   etcdcfg.Snapshot // of our last edit
	latestAt time.Time        // when it was answered
	saving   bool             // an edit of ours has not been answered yet
	edit     string           // what it is
	failed   error            // why one was not saved while the console was being left
	creating bool             // so with a topic
	focused  bool             // false when the terminal says that nobody looks

	gen  int // last generation number given out
	reqs []any
}

// Requests of screens to the root, carried out right after the screen's update,
// so that keys typed meanwhile go where the user expects.
type (
	reqPush   struct{ s screen }
	reqPop    struct{ n int }
	reqHome   struct{ act action } // one of the five main screens
	reqStream struct{ q streamQuery }
	reqToast  struct {
		text string
		bad  bool
	}
	reqPrompt struct{ p *prompt }
	reqDo     struct{ cmd tea.Cmd }
	reqTheme  struct{ name string }
	reqQuit   struct{}
)

func (e *env) request(r any)   { e.reqs = append(e.reqs, r) }
func (e *env) push(s screen)   { e.request(reqPush{s}) }
func (e *env) pop()            { e.request(reqPop{1}) }
func (e *env) say(text string) { e.request(reqToast{text: text}) }
func (e *env) complain(text string) {
	e.request(reqToast{text: text, bad: true})
}

// stamp is a moment as the screens say it: a time of today, else with its day.
func (e *env) stamp(t time.Time) string { return stamp(t, e.now()) }

// next gives out a generation number, so that late answers can be told.
func (e *env) next() int {
	e.gen++
	return e.gen
}

// screen is one screen on the stack. All methods run on the UI goroutine and
// none does I/O; work goes into the returned commands.
type screen interface {
	title() string                      // its crumb
	keys() keymap                       // its own keys
	act(a action) tea.Cmd               // one of its keys was pressed
	update(msg tea.Msg) tea.Cmd         // any other message
	refresh() tea.Cmd                   // it came on top, or the fleet's view is new
	summary(w int) string               // the line below the header
	body(w, h int) []string             // at most h lines of at most w cells
	place() (parent action, modal bool) // the main screen it belongs to; modal: drawn over what is below
}

// typer is a screen that takes all keys itself while typing returns true.
type typer interface {
	typing() bool
	typed(msg tea.KeyPressMsg) tea.Cmd
	pasted(text string) tea.Cmd
}

// closer is told when a screen leaves the stack.
type closer interface{ close() }

// backer may use Esc for itself, to clear a filter for example; it tells whether
// it did.
type backer interface{ back() bool }

// holder may hold something that is saved nowhere else, and would be lost with it.
type holder interface{ holds() bool }

// hider is told when another screen covers it.
type hider interface{ hidden() }

// pointer is a screen with a text cursor, in cells of its body.
type pointer interface {
	cursor() (x, y int, ok bool)
}

// clicker takes mouse clicks: the line of its body that was clicked.
type clicker interface{ click(y int) tea.Cmd }
