package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/agent/report"
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
	warn   bool // everything works; somebody should know all the same
}

// Words of warnings, which are no states.
const (
	wordOverlap = "sent twice"
	wordWarning = "warning"
	// wordOldPresence is of an agent that etcd does not let announce itself.
	wordOldPresence = "not announced in etcd"
	wordGone        = "bytes gone"
)

// problemsOfView gathers the problems of a view, what matters most first. The same state of
// an entry on many agents is one problem.
func problemsOfView(v *fleetView) []problem {
	var out []problem
	for i := range v.agents {
		if p, ok := agentProblem(v, &v.agents[i]); ok {
			out = append(out, p)
		}
		out = append(out, agentWarnings(v, &v.agents[i])...)
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
	for i := range v.entries {
		if p, ok := goneProblem(&v.entries[i]); ok {
			out = append(out, p)
		}
	}
	for _, o := range v.overlaps {
		out = append(out, problem{warn: true, word: wordOverlap, title: o.A + " → " + o.Topic, entry: etcdcfg.Entry{Path: o.A, Topic: o.Topic}.Key(),
			reason: o.String(), do: etcdcfg.OverlapDo})
	}
	slices.SortStableFunc(out, func(a, b problem) int {
		if a.warn != b.warn {
			return map[bool]int{true: 1, false: -1}[a.warn]
		}
		return cmp.Compare(rank(b.word), rank(a.word))
	})
	return out
}

// agentWarnings are what an agent that works says of itself, and a clock that is off.
func agentWarnings(v *fleetView, r *agentRow) []problem {
	if r.key != v.key || !r.present {
		return nil
	}
	var out []problem
	for _, text := range r.warnings {
		out = append(out, problem{warn: true, word: wordWarning, title: r.id, agents: []string{r.id}, reason: text})
	}
	return out
}

// goneProblem tells of bytes of an entry that were gone before agents could read them.
func goneProblem(e *entryRow) (problem, bool) {
	p := problem{warn: true, word: wordGone, title: e.entry.Path + " → " + e.entry.Topic, entry: e.key,
		do: "The log of the agent names each file and range. Rotate later than the agent reads: by rename instead of copytruncate, with more generations kept (docs/following.md)."}
	var n uint64
	for i := range e.tasks {
		t := &e.tasks[i]
		if t.cur == nil || t.cur.Unreadable == 0 {
			continue
		}
		n += t.cur.Unreadable
		p.agents = append(p.agents, t.agent)
		if t.cur.UnreadableAt.After(p.since) {
			p.since = t.cur.UnreadableAt
		}
	}
	p.reason = bytesText(float64(n)) + " were gone before they could be read"
	return p, n > 0
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
	case r.etcd != "" && v.saw && r.present:
		p.word, p.reason = wordOldPresence, r.etcd
		p.do = "It works, and its reports tell how. What etcd has of it is old or missing until etcd takes it: see its quota, its alarms and the rights of the agent's user (docs/security.md)."
		return p, true
	case r.skew.Abs() >= report.ClockLimit && r.present:
		p.word, p.reason = string(state.ClockDiffers), report.ClockText(r.skew)
		p.do = "Set the clock that is wrong: chronyc tracking, timedatectl. Brokers refuse lines of a clock that is too far ahead."
		return p, true
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
// lost, 1 warning". bad is false when there are warnings only.
func problemsText(list []problem) (text string, bad bool) {
	type group struct {
		word   string
		n      int
		agents map[string]bool
		entry  bool
	}
	var groups []*group
	warnings, twice, gone := 0, 0, 0
	for i := range list {
		p := &list[i]
		if p.warn {
			warnings++
			switch p.word {
			case wordOverlap:
				twice++
			case wordGone:
				gone++
			}
			continue
		}
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
	if bad = len(parts) > 0; bad {
		text = plural(len(list)-warnings, "problem") + ": " + strings.Join(parts, ", ")
	}
	if warnings == 0 {
		return text, bad
	}
	more := plural(warnings, "warning")
	var kinds []string
	if gone > 0 {
		kinds = append(kinds, "bytes gone of "+plural(gone, "entry"))
	}
	if twice > 0 {
		kinds = append(kinds, plural(twice, "pair")+" of entries sent twice")
	}
	if len(kinds) > 0 {
		more += ": " + strings.Join(kinds, ", ")
	}
	if bad {
		more = " · " + more
	}
	return text + more, bad
}
