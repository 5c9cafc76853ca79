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
	Since time.Time  `json:"since,omitzero"` // of a warning: when it was noticed last
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

// appliedBy counts the agents on duty for a collect key that apply a revision.
func appliedBy(list []etcdcfg.Presence, key string, revision int64) *applied {
	out := &applied{Missing: []agentProblem{}}
	for _, p := range etcdcfg.OnDuty(list) {
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

// working adds the entries of an edit that do not work on an agent that applies it. A file
// that is yet to come is no fault.
func (out *applied) working(list []etcdcfg.Presence, key string, revision int64, edited map[string]bool) *applied {
	for _, p := range etcdcfg.OnDuty(list) {
		if p.CollectKey != key || p.Revision < revision {
			continue
		}
		for _, t := range p.Tasks {
			code := state.Code(t.State)
			if !edited[(etcdcfg.Entry{Path: t.Path, Topic: t.Topic}).Key()] || code.Severity() < state.Warn && code != state.Starting {
				continue
			}
			out.Missing = append(out.Missing, agentProblem{Agent: p.ID, Path: t.Path, Topic: t.Topic, State: code, What: reasonOf(code, t.Error)})
		}
	}
	return out
}

// reasonOf is a state with its reason, or with what it means where no reason is given.
func reasonOf(code state.Code, text string) string {
	text = strings.TrimPrefix(text, string(code)+": ")
	if text == "" || text == string(code) {
		row := state.Of(code)
		text = row.Meaning + " " + row.Do
	}
	return string(code) + ": " + text
}

// waitApplied waits until every agent of the key applies a revision and the edited entries
// work there, or the time is over, and says how it stands.
func (a *app) waitApplied(ctx context.Context, d *entriesDesk, revision int64, edited map[string]bool, within time.Duration) (*applied, error) {
	timed, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last *applied
	err := d.WatchPresences(timed, func(list []etcdcfg.Presence) {
		if last = appliedBy(list, d.key, revision).working(list, d.key, revision, edited); len(last.Missing) == 0 {
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

// editedBy are the keys of the entries that an edit added or changed.
func editedBy(before, after []etcdcfg.Entry) map[string]bool {
	old := map[string]etcdcfg.Entry{}
	for _, e := range before {
		old[e.Key()] = e
	}
	out := map[string]bool{}
	for _, e := range after {
		if was, ok := old[e.Key()]; !ok || !was.Equal(e) {
			out[e.Key()] = true
		}
	}
	return out
}
