package agent

import (
	"slices"

	"logctl/agent/state"
)

// changesNamed is how many entries that changed together, for the same reason, are named
// in the log one by one; of more of them, only the first is.
const changesNamed = 3

// change is a task whose state changed.
type change struct {
	task *task
	now  state.State
	was  state.Code
}

// tell writes a log line for each change of a task's state. An outage changes all tasks at
// once: that is one line with their number.
func (s *supervisor) tell() {
	_, tasks, _ := s.list()
	var changes []change
	for _, t := range tasks {
		if t == nil {
			continue
		}
		if now, was, changed := t.tracker.Change(); changed {
			changes = append(changes, change{t, now, was})
		}
	}
	for len(changes) > 0 {
		first := changes[0]
		same := func(c change) bool { return c.now.Code == first.now.Code && c.now.Detail == first.now.Detail }
		n := 0
		for _, c := range changes {
			if same(c) {
				n++
			}
		}
		for _, c := range changes {
			if !same(c) {
				continue
			}
			if n > changesNamed {
				c.write("entries", n)
				break
			}
			c.write()
		}
		changes = slices.DeleteFunc(changes, same)
	}
}

func (c change) write(more ...any) {
	args := append([]any{"state", c.now.Code, "was", c.was}, more...)
	if c.now.Path != "" {
		args = append(args, "file", c.now.Path)
	}
	if c.now.Detail != "" {
		args = append(args, "reason", c.now.Detail)
	}
	if c.now.Well() {
		c.task.log.Info("state of an entry changed", args...)
		return
	}
	c.task.log.Warn("state of an entry changed", args...)
}
