package cli

import (
	"fmt"
	"strings"
	"time"
)

// Exit codes of plugins, as Nagios, Icinga, Sensu and Zabbix agents take them:
// https://nagios-plugins.org/doc/guidelines.html
const (
	nagiosOK       = 0
	nagiosWarning  = 1
	nagiosCritical = 2
	nagiosUnknown  = 3
)

// nagios is the exit code of -o check: what does not work is critical, what is only late, or was
// gone before it could be read in the last hour, is a warning, and when neither server answers nothing is known.
func (s *statusReport) nagios() int {
	code := nagiosOK
	switch {
	case !s.Etcd.OK && !s.Kafka.OK:
		return nagiosUnknown
	case !s.Etcd.OK || !s.Kafka.OK:
		code = nagiosCritical
	}
	if len(s.fresh()) > 0 {
		code = max(code, nagiosWarning)
	}
	for _, p := range s.Problems {
		if code = max(code, nagiosWarning); p.State != "" || p.Agent == "" {
			code = nagiosCritical
		}
	}
	return code
}

// freshFor is how long a warning is one for -o check: what is gone stays counted for as long
// as the agent runs, and no alarm can stand for weeks.
const freshFor = time.Hour

// fresh are the warnings that are not old: of what is so now, or was lately.
func (s *statusReport) fresh() []agentProblem {
	var out []agentProblem
	for _, w := range s.Warnings {
		if w.State != "" || s.At.Sub(w.Since) < freshFor {
			out = append(out, w)
		}
	}
	return out
}

// checkLine is one line for people, and numbers for graphs behind the bar.
func (s *statusReport) checkLine() string {
	var total rates
	for _, e := range s.Entries {
		if e.Rates != nil {
			total.add(*e.Rates)
		}
	}
	there := 0
	for _, a := range s.Agents {
		if a.OnDuty != nil && *a.OnDuty {
			there++
		}
	}
	word := [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[s.nagios()]
	text := fmt.Sprintf("%s, %d of %s on duty", plural(len(s.Entries), "entry", "entries"), there, plural(len(s.Agents), "agent", "agents"))
	groups, one, many := grouped(s.Problems), "problem", "problems"
	if len(groups) == 0 {
		groups, one, many = grouped(s.fresh()), "warning", "warnings"
	}
	if n := len(groups); n > 0 {
		text = plural(n, one, many) + ": " + groups[0].String()
		if n > 1 {
			text += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	text = strings.NewReplacer("|", "/", "\n", " ").Replace(text)
	return fmt.Sprintf("LOGCTL %s - %s | problems=%d agents=%d lag=%dB oldest=%.1fs lines_per_s=%.1f", word, text,
		len(s.Problems), there, total.LagBytes, float64(total.DelayMS)/1e3, total.LinesPerSecond)
}
