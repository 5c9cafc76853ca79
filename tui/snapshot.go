package tui

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

const (
	snapshotLimit  = 3 * time.Second        // how long the first data may take
	snapshotSettle = 300 * time.Millisecond // without news before a screen counts as complete
)

// SnapshotScreens names the screens that Snapshot knows.
func SnapshotScreens() []string {
	return []string{"entries", "agents", "topics", "events", "help", "stream TOPIC [FROM]", "entry PATH", "agent ID", "history"}
}

// Snapshot draws one screen as plain text of at most width x height cells, after
// waiting up to 3 s for its data. It needs no terminal and changes nothing.
// screen is one of SnapshotScreens; a colon may stand for the first space.
func Snapshot(ctx context.Context, cfg Config, screen string, width, height int) (string, error) {
	if width < minWidth || height < minHeight {
		return "", fmt.Errorf("size %dx%d: at least %dx%d is needed", width, height, minWidth, minHeight)
	}
	cfg.StateDir = ""
	return snapshot(ctx, cfg, livePorts(cfg), screen, width, height)
}

func snapshot(ctx context.Context, cfg Config, p ports, screen string, width, height int) (string, error) {
	inner, cancel := context.WithCancel(ctx)
	keep := &keeper{stop: cancel}
	cfg.Theme = ThemeNone
	r := newRoot(inner, cfg, p, keep, nil)
	r.env.readOnly = cfg.ReadOnly
	r.env.feed.start(inner)
	d := &driver{root: r, msgs: make(chan tea.Msg, 64), keep: keep, ctx: inner}
	d.run(r.Init())
	d.run2(r.Update(tea.WindowSizeMsg{Width: width, Height: height}))
	err := d.open(screen)
	if err == nil {
		lines, _ := r.lines()
		var text strings.Builder
		for _, l := range lines {
			text.WriteString(strings.TrimRight(ansi.Strip(string(l)), " ") + "\n")
		}
		cancel()
		keep.wait(leaveLimit)
		if cerr := keep.err(); cerr != nil {
			return "", cerr
		}
		return text.String(), ctx.Err()
	}
	cancel()
	keep.wait(leaveLimit)
	return "", err
}

// driver runs a model without a terminal.
type driver struct {
	root *root
	msgs chan tea.Msg
	keep *keeper
	ctx  context.Context
}

// run starts a command; its message comes back over msgs.
func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	d.keep.spawn(func() {
		msg := cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for _, c := range batch {
				d.run(c)
			}
			return
		}
		if msg == nil {
			return
		}
		select {
		case d.msgs <- msg:
		case <-d.ctx.Done():
		}
	})
}

func (d *driver) run2(_ tea.Model, cmd tea.Cmd) { d.run(cmd) }

// open shows a screen and waits until its data is there and calm.
func (d *driver) open(screen string) error {
	name, arg, _ := strings.Cut(strings.Replace(strings.TrimSpace(screen), ":", " ", 1), " ")
	if name == "entry" || name == "agent" {
		d.settle()
		if err := d.pick(name, arg); err != nil {
			return err
		}
	} else if name != "entries" {
		c, ok := findCommand(name)
		if !ok || !slices.Contains([]string{"agents", "topics", "events", "stream", "history", "help"}, c.names[0]) || name == "stream" && arg == "" {
			return fmt.Errorf("screen %q: want one of %s", screen, strings.Join(SnapshotScreens(), ", "))
		}
		if err := c.run(d.root.env, strings.TrimSpace(arg)); err != nil {
			return err
		}
	}
	d.run2(d.root.Update(feedMsg{}))
	d.settle()
	return nil
}

// pick opens the detail of an entry or an agent.
func (d *driver) pick(name, arg string) error {
	e := d.root.env
	e.view = e.feed.view()
	if name == "agent" {
		for i := range e.view.agents {
			if e.view.agents[i].id == arg {
				e.push(newAgentScreen(e, arg))
				return nil
			}
		}
		return fmt.Errorf("no agent %q", arg)
	}
	for i := range e.view.entries {
		if e.view.entries[i].entry.Path == arg {
			e.push(newDetailScreen(e, e.view.entries[i].entry))
			return nil
		}
	}
	return fmt.Errorf("no entry with the path %q in %s", arg, e.view.key)
}

// settle handles messages until there is data and none came for a while.
func (d *driver) settle() {
	limit := time.NewTimer(snapshotLimit)
	defer limit.Stop()
	for {
		calm := time.NewTimer(snapshotSettle)
		select {
		case msg := <-d.msgs:
			d.run2(d.root.Update(msg))
		case <-calm.C:
			if d.ready() {
				return
			}
		case <-limit.C:
			calm.Stop()
			return
		case <-d.ctx.Done():
			calm.Stop()
			return
		}
		calm.Stop()
	}
}

// ready reports whether the top screen has what it shows.
func (d *driver) ready() bool {
	e := d.root.env
	v := e.feed.view()
	switch s := d.root.top().(type) {
	case *topicsScreen:
		return e.topics.known || e.topics.err != ""
	case *streamScreen:
		return s.win.counts.Seen > 0 || s.info.bad
	case *historyScreen:
		return !s.loading
	case *textScreen:
		return true
	}
	rates := v.reports.err != "" || e.ports.reports == nil || !math.IsNaN(v.lines)
	return (v.haveList || v.etcd.err != "") && (rates || v.audience == 0 && v.duty.known) && (v.kafka.known || e.ports.topics == nil)
}
