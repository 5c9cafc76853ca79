package tui

import (
	"fmt"
	"time"

	"logctl/agent/report"
)

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
