package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"

	"logctl/agent/report"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
	"logctl/internal/safe"
)

// ErrNotTerminal is returned by Run when input or output is no terminal. The
// same things can be had as text from Snapshot and from the commands for
// scripts.
var ErrNotTerminal = errors.New("the console needs a terminal: use logctl tui --snapshot entries for one screen as text, or logctl tail-topic TOPIC for records")

// ErrSignal is returned by Run when a signal ended it.
var ErrSignal = errors.New("the console was ended by a signal")

// leaveLimit is how long leaving may wait for what is still running.
const leaveLimit = 1500 * time.Millisecond

// killAfter is how long a program may take to end in order.
const killAfter = time.Second

// Config is what the console works with.
type Config struct {
	CollectKey  string         // key of the entries; {hostname} and {ip} make the console ask which one
	Store       *etcdcfg.Store // nil: no etcd
	Admin       *kafka.Admin   // nil: no Kafka
	Kafka       kafka.Config   // for streams and reports
	ReportTopic string         // "" is report.DefaultTopic
	ReadOnly    bool           // refuse every change; give a Store made WithReadOnly as well
	Theme       string         // see CheckTheme
	MaxRecord   int64          // of streams: larger records are passed over, bytes; 0: consumer.DefaultMaxRecord
	MaxMemory   int64          // of streams, bytes; 0: consumer.DefaultMaxMemory
	Mouse       bool           // wheel and click; the terminal's own selection then needs Shift
	StateDir    string         // for settings that are remembered and crash files; "" keeps none
	Log         *slog.Logger   // nil logs nothing
	Version     string
	Start       string // screen to open with: entries, agents, topics, events, or stream TOPIC; "" is entries

	// HoldInterrupts keeps SIGINT from ending ctx until release is called: while an
	// editor has the terminal its Ctrl-C goes to all programs there. May be nil.
	HoldInterrupts func() (release func())

	In  io.Reader // nil is the terminal
	Out io.Writer // nil is the terminal; anything else is taken for one of 120x40
}

// Run shows the console until the user leaves it or ctx ends. It returns nil
// when the user left, ErrNotTerminal, ErrSignal, ctx's error, or a *CrashError;
// the terminal is as it was before in each case.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Out == nil && (!term.IsTerminal(int(os.Stdout.Fd())) || !term.IsTerminal(int(os.Stdin.Fd()))) {
		return ErrNotTerminal
	}
	if err := CheckTheme(cfg.Theme); err != nil {
		return err
	}
	return run(ctx, cfg, livePorts(cfg))
}

// run is Run on any ports.
func run(ctx context.Context, cfg Config, p ports) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	was := log.Writer()
	log.SetOutput(io.Discard) // nothing may be written over the screen
	defer log.SetOutput(was)

	signals, stopSignals := withSignals(ctx)
	defer stopSignals()
	inner, cancel := context.WithCancel(signals)
	defer cancel()
	keep := &keeper{dir: cfg.StateDir, stop: cancel}
	keep.told, keep.hold = signals, cfg.HoldInterrupts
	r := newRoot(inner, cfg, p, keep, os.Environ())
	watchQuit(inner, keep)
	r.env.feed.start(inner)

	opts := []tea.ProgramOption{
		tea.WithoutSignalHandler(), tea.WithFPS(30),
	}
	if !r.colour {
		opts = append(opts, tea.WithColorProfile(plainProfile(os.Environ())))
	}
	if cfg.In != nil {
		opts = append(opts, tea.WithInput(cfg.In))
	}
	if cfg.Out != nil {
		opts = append(opts, tea.WithOutput(cfg.Out), tea.WithWindowSize(120, 40))
	}
	program := tea.NewProgram(r, opts...)
	left := make(chan struct{})
	keep.spawn(func() { endWith(inner, keep, program, left) })
	_, err := program.Run()
	close(left)
	cancel()
	all := keep.wait(leaveLimit)
	if !all {
		cfg.Log.Warn("console left with calls still running")
	}
	if serr := r.env.prefs.save(); serr != nil {
		cfg.Log.Warn("console settings not remembered", "err", serr)
	}
	return errors.Join(endOf(ctx, signals, keep, err), r.env.unsaved())
}

// endOf is what Run returns for the way the program ended.
func endOf(ctx, signals context.Context, keep *keeper, err error) error {
	switch cerr := keep.err(); {
	case cerr != nil:
		return cerr
	case ctx.Err() != nil:
		return ctx.Err()
	case signals.Err() != nil:
		return ErrSignal
	case err != nil && !errors.Is(err, tea.ErrProgramKilled):
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// endWith ends a program in order when ctx ends, by force when it does not answer.
// Force alone would close the terminal's reader while it is still reading, and give up
// the terminal before the program takes it back from an editor.
func endWith(ctx context.Context, keep *keeper, p *tea.Program, left <-chan struct{}) {
	select {
	case <-left:
		return
	case <-ctx.Done():
	}
	keep.waitForTerminal()
	select {
	case <-left:
		return
	default:
	}
	force := time.AfterFunc(killAfter, p.Kill)
	defer force.Stop()
	p.Quit()
	<-left
}

// newRoot makes the model with its home screen.
func newRoot(ctx context.Context, cfg Config, p ports, keep *keeper, environ []string) *root {
	e := &env{
		ctx: ctx, ports: p, keep: keep, readOnly: cfg.ReadOnly, version: cfg.Version,
		keyTmpl: cfg.CollectKey, now: time.Now, applied: &appliedWatch{}, focused: true,
		prefs: loadPrefs(cfg.StateDir), journal: &journal{}, reportTopic: cfg.ReportTopic,
	}
	if e.reportTopic == "" {
		e.reportTopic = report.DefaultTopic
	}
	if cfg.Log != nil {
		l := cfg.Log
		e.journal.log = func(x event) { l.Info("console event", "about", x.kind, "trouble", x.bad, "text", x.text) }
	}
	key := cfg.CollectKey
	if key == "" {
		key = etcdcfg.DefaultKey
	}
	if placeholder(key) {
		if known := e.prefs.keys(); len(known) > 0 {
			key = known[0]
		}
	}
	e.feed = newFeed(p, keep, e.journal, key, e.now)
	e.view = e.feed.view()
	r := &root{env: e, theme: cfg.Theme, mouse: cfg.Mouse, seal: safe.NewSeal(), dark: cfg.Theme != ThemeLight}
	if r.theme == "" {
		r.theme = ThemeAuto
	}
	r.plain = noColour(environ)
	r.colour = r.theme != ThemeNone && !r.plain
	e.styles = newStyles(r.seal, r.dark, r.colour)
	r.stack = []screen{newEntriesScreen(e)}
	if placeholder(e.view.key) {
		r.stack = append(r.stack, newKeyPicker(e))
	}
	r.start(cfg.Start)
	return r
}

// start opens another screen than the home screen first.
func (r *root) start(name string) {
	name, arg, _ := strings.Cut(strings.TrimSpace(name), " ")
	if name == "" || name == "entries" {
		return
	}
	if c, ok := findCommand(name); ok {
		if err := c.run(r.env, strings.TrimSpace(arg)); err != nil {
			r.env.complain(err.Error())
		}
		return
	}
	r.env.complain(fmt.Sprintf("No screen %q", name))
}

// noColour reports whether NO_COLOR is set to anything but nothing, as
// no-color.org asks.
func noColour(environ []string) bool {
	for _, v := range environ {
		if value, ok := strings.CutPrefix(v, "NO_COLOR="); ok && value != "" {
			return true
		}
	}
	return false
}

// plainProfile draws without colour: with bold and reverse, or with nothing on a
// terminal that knows neither.
func plainProfile(environ []string) colorprofile.Profile {
	for _, v := range environ {
		if v == "TERM=dumb" {
			return colorprofile.NoTTY
		}
	}
	return colorprofile.ASCII
}
