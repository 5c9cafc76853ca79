package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/safe"
)

// applied says which agents follow an edit.
type applied struct {
	Agents  int            `json:"agents"` // on duty for the key
	Applied int            `json:"applied"`
	Missing []agentProblem `json:"missing"`
}

// agentProblem is something that an agent, or one task of it, cannot do.
type agentProblem struct {
	Agent string     `json:"agent,omitempty"`
	Path  string     `json:"path,omitempty"`
	Topic string     `json:"topic,omitempty"`
	State state.Code `json:"state,omitempty"` // of the task or agent, when it is that which is wrong
	What  string     `json:"what"`
}

// String returns the problem as a line for people.
func (p agentProblem) String() string {
	var where []string
	if p.Agent != "" {
		where = append(where, p.Agent)
	}
	if p.Path != "" {
		where = append(where, p.Path+" -> "+p.Topic)
	}
	return strings.Join(append(where, p.What), ": ")
}

// appliedBy counts the agents of a collect key that apply a revision.
func appliedBy(list []etcdcfg.Presence, key string, revision int64) *applied {
	out := &applied{Missing: []agentProblem{}}
	for _, p := range list {
		if p.CollectKey != key {
			continue
		}
		out.Agents++
		switch {
		case p.Revision >= revision:
			out.Applied++
		case p.ListError != "":
			out.Missing = append(out.Missing, agentProblem{Agent: p.ID, What: p.ListError})
		default:
			out.Missing = append(out.Missing, agentProblem{Agent: p.ID, What: fmt.Sprintf("is at revision %d", p.Revision)})
		}
	}
	return out
}

// waitApplied waits until every agent of the key applies a revision, or the time is
// over, and says how it stands.
func (a *app) waitApplied(ctx context.Context, d *entriesDesk, revision int64, within time.Duration) (*applied, error) {
	timed, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last *applied
	err := d.WatchPresences(timed, func(list []etcdcfg.Presence) {
		if last = appliedBy(list, d.key, revision); len(last.Missing) == 0 {
			cancel()
		}
	}, nil)
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case last == nil:
		return nil, fmt.Errorf("etcd did not tell within %v which agents apply revision %d; ask with 'logctl status'", within, revision)
	}
	safe.Fprintf(a.Err, "revision %d is applied by %d of %s\n", revision, last.Applied, plural(last.Agents, "agent", "agents"))
	for _, p := range last.Missing {
		safe.Fprintf(a.Err, "  %s\n", p)
	}
	return last, nil
}
