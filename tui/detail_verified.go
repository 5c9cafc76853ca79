package tui

import (
	"fmt"
	"time"

	"logctl/agent/report"
)

// gone is what was gone before agents could read it, in one line; nothing where all was there.
func (s *detailScreen) gone() []string {
	if s.row == nil {
		return nil
	}
	p, ok := goneProblem(s.row)
	if !ok {
		return nil
	}
	text, log := p.reason+" on "+plural(len(p.agents), "agent"), ": their logs name files and ranges"
	if len(p.agents) == 1 {
		text, log = p.reason+" on "+p.agents[0], ": its log names files and ranges"
	}
	if !p.since.IsZero() {
		text += ", the last " + coarseAge(max(s.env.now().Sub(p.since), time.Second)) + " ago"
	}
	return []string{"  " + s.env.styles.warn.apply(clean("! "+text+log))}
}

// verified is what 'logctl verify' found last of the entry on its hosts, in one line: the
// worst first, else the oldest. Nothing where it never ran.
func (s *detailScreen) verified() []string {
	if s.row == nil {
		return nil
	}
	var show *report.Verified
	agent, n, bad := "", 0, 0
	for i := range s.row.tasks {
		t := &s.row.tasks[i]
		if t.cur == nil || t.cur.Verified == nil {
			continue
		}
		v := t.cur.Verified
		n++
		if v.Bad() {
			bad++
		}
		if show == nil || v.Bad() && !show.Bad() || v.Bad() == show.Bad() && v.At.Before(show.At) {
			show, agent = v, t.agent
		}
	}
	if show == nil {
		return nil
	}
	st := s.env.styles
	age := coarseAge(max(s.env.now().Sub(show.At), time.Second))
	text := "verified " + age + " ago"
	switch {
	case bad > 0:
		text += " on " + agent + ": " + show.Text()
		if bad > 1 {
			text += fmt.Sprintf(", and more on %s", plural(bad-1, "other agent"))
		}
		return []string{"  " + st.bad.apply(clean(text))}
	case n < len(s.row.tasks):
		text += fmt.Sprintf(" on %d of %s", n, plural(len(s.row.tasks), "agent"))
	}
	return []string{"  " + st.dim.apply(clean(text+": "+show.Text()))}
}
