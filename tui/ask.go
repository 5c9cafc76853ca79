package tui

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

const (
	askLimit = 30 * time.Second // for an agent to answer a command
	askMost  = 200              // agents that are asked at once
	askSide  = 16               // of which so many side by side
)

// answered is what one agent said to a command.
type answered struct {
	agent  string
	result json.RawMessage
	err    error
}

// askedMsg are the answers to a command, in the order of the agents.
type askedMsg struct {
	gen  int
	list []answered
}

// ask gives a command to agents through etcd; the answers come as an askedMsg.
func (e *env) ask(gen int, agents []string, c etcdcfg.Command) tea.Cmd {
	port, ctx := e.ports.agents, e.ctx
	agents = agents[:min(len(agents), askMost)]
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, askLimit)
		defer cancel()
		out := make([]answered, len(agents))
		slots := make(chan struct{}, askSide)
		var all sync.WaitGroup
		for i, id := range agents {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				out[i] = askOne(ctx, port, id, c)
			})
		}
		all.Wait()
		return askedMsg{gen: gen, list: out}
	}
}

func askOne(ctx context.Context, port AgentsPort, id string, c etcdcfg.Command) answered {
	a := answered{agent: id}
	answer, err := port.Ask(ctx, id, c)
	switch {
	case err != nil:
		a.err = err
	case answer.Error != "":
		a.err = errors.New(answer.Error)
	}
	a.result = answer.Result
	return a
}

// onDuty are the agents of the console's collect key that can be asked.
func (e *env) onDuty() []string {
	var out []string
	for i := range e.view.agents {
		if a := &e.view.agents[i]; a.present && a.key == e.view.key {
			out = append(out, a.id)
		}
	}
	return out
}

// runners are the agents on duty that have a task for an entry, those first that work.
func (e *env) runners(key string) []string {
	for i := range e.view.entries {
		r := &e.view.entries[i]
		if r.key != key {
			continue
		}
		tasks := slices.Clone(r.tasks)
		slices.SortStableFunc(tasks, func(a, b taskRow) int { return cmp.Compare(rank(a.state), rank(b.state)) })
		var out []string
		for _, t := range tasks {
			if t.present {
				out = append(out, t.agent)
			}
		}
		return out
	}
	return nil
}
