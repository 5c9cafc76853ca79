package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/agent/state"
	"logctl/etcdcfg"
)

// problem is something that does not work until somebody acts: an entry in one state on
// some agents, or an agent.
type problem struct {
	word   string // the state
	entry  string // key of the entry; empty: an agent is the problem
	title  string // what it is about
	agents []string
	since  time.Time // of the first
	reason string    // in full, of the first agent
	do     string
}

// problemsOfView gathers the problems of a view, what matters most first. The same state of
// an entry on many agents is one problem.
func problemsOfView(v *fleetView) []problem {
	var out []problem
	for i := range v.agents {
		if p, ok := agentProblem(v, &v.agents[i]); ok {
			out = append(out, p)
		}
	}
	for i := range v.entries {
		e := &v.entries[i]
		at := map[string]int{}
		for _, t := range e.trouble {
			k, ok := at[t.state]
			if !ok {
				k = len(out)
				at[t.state] = k
				out = append(out, problem{word: t.state, entry: e.key, title: e.entry.Path + " → " + e.entry.Topic, since: t.since,
					reason: cmp.Or(t.text, state.Of(state.Code(t.state)).Meaning), do: state.Of(state.Code(t.state)).Do})
			}
			p := &out[k]
			p.agents = append(p.agents, t.agent)
			if !t.since.IsZero() && (p.since.IsZero() || t.since.Before(p.since)) {
				p.since = t.since
			}
		}
	}
	slices.SortStableFunc(out, func(a, b problem) int { return cmp.Compare(rank(b.word), rank(a.word)) })
	return out
}

// agentProblem is what is wrong with an agent itself.
func agentProblem(v *fleetView, r *agentRow) (problem, bool) {
	if r.key != v.key && (r.key != "" || r.duty != etcdcfg.DutyAwaited) {
		return problem{}, false
	}
	p := problem{title: r.id, agents: []string{r.id}}
	switch {
	case r.duty == etcdcfg.DutyLost:
		p.word, p.since = string(state.Lost), r.lostSince()
	case r.duty == etcdcfg.DutyAwaited:
		p.word = string(state.Awaited)
	case len(r.twins) > 0:
		p.word, p.reason = string(state.Twice), strings.Join(r.twins, " and ")
	case r.listError != "" && r.present && v.list.Err == nil:
		p.word, p.reason = "list not applied", r.listError
		p.do = "Look at the entry in the list: this version of the agent, or its host, cannot use it."
		return p, true
	case len(r.doubts) > 0:
		p.word, p.reason = "unknown numbers", "it says what cannot be: "+strings.Join(r.doubts, ", ")
		p.do = "Perhaps somebody else writes in its name: look who may write its presence and its reports (docs/security.md)."
		return p, true
	default:
		return problem{}, false
	}
	row := state.Of(state.Code(p.word))
	p.reason, p.do = cmp.Or(p.reason, row.Meaning), row.Do
	return p, true
}

// lostSince is when a lost agent was heard of last, as far as that is known.
func (r *agentRow) lostSince() time.Time {
	if !r.leftAt.IsZero() {
		return r.leftAt
	}
	return r.heard
}

// problemsText is the problems in one line: "3 problems: 2 topic missing on 10 agents, 1 agent
// lost".
func problemsText(list []problem) string {
	if len(list) == 0 {
		return ""
	}
	type group struct {
		word   string
		n      int
		agents map[string]bool
		entry  bool
	}
	var groups []*group
	for i := range list {
		p := &list[i]
		k := slices.IndexFunc(groups, func(g *group) bool { return g.word == p.word })
		if k < 0 {
			k = len(groups)
			groups = append(groups, &group{word: p.word, agents: map[string]bool{}, entry: p.entry != ""})
		}
		groups[k].n++
		for _, a := range p.agents {
			groups[k].agents[a] = true
		}
	}
	parts := make([]string, 0, len(groups))
	for _, g := range groups {
		text := fmt.Sprintf("%d %s", g.n, g.word)
		switch {
		case g.entry && len(g.agents) > 1:
			text += " on " + plural(len(g.agents), "agent")
		case !g.entry && g.word == string(state.Twice):
			text = g.word
		case !g.entry:
			text = plural(g.n, "agent") + " " + g.word
		}
		parts = append(parts, text)
	}
	return plural(len(list), "problem") + ": " + strings.Join(parts, ", ")
}
