package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// after sends msg after d, unless the console ends before.
func (e *env) after(d time.Duration, msg tea.Msg) tea.Cmd {
	return func() tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return msg
		case <-e.ctx.Done():
			return nil
		}
	}
}

// wrap makes a command one that the keeper waits for and whose panic ends the
// console in order.
func (r *root) wrap(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	keep := r.env.keep
	return func() (msg tea.Msg) {
		keep.enter()
		defer keep.leave()
		defer keep.guard()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i, c := range batch {
				batch[i] = r.wrap(c)
			}
		}
		return msg
	}
}
