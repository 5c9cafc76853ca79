package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"logctl/agent/state"
	"logctl/internal/safe"
)

// printStatus writes a status: as JSON one object a line when watching, else for
// people, on a terminal in place of the one before.
func (a *app) printStatus(s *statusReport, f *statusFlags) error {
	if f.output == "json" {
		if !f.watch {
			return a.printJSON(s)
		}
		return a.encodeJSON(s, "")
	}
	if f.output == "check" {
		return safe.Print(a.Out, safe.Clean(s.checkLine()), "\n")
	}
	var b strings.Builder
	s.write(&b)
	text := safe.Printed(b.String())
	switch {
	case f.watch && isTerminal(a.Out):
		return safe.Print(a.Out, "\x1b[H\x1b[2J", text)
	case f.watch:
		return safe.Print(a.Out, text, "\n")
	}
	return safe.Print(a.Out, text)
}

// write writes a status for people.
func (s *statusReport) write(b *strings.Builder) {
	safe.Fprintf(b, "%s  revision %s  %s  %s  etcd %s  kafka %s\n", s.Key, revisionText(s), plural(len(s.Entries), "entry", "entries"),
		s.agentsText(), s.Etcd.word(), s.Kafka.word())
	if len(s.Entries) > 0 {
		rows := [][]string{{"PATH", "TOPIC", "AGENTS", "STATE", "LINES/S", "BYTES/S", "LAG", "OLDEST"}}
		for _, e := range s.Entries {
			rows = append(rows, append([]string{e.Path, e.Topic, strconv.Itoa(e.Agents), e.stateText()}, e.Rates.columns()...))
		}
		safe.Fprintf(b, "\n%s", textTable(rows))
	}
	if len(s.Agents) > 0 {
		rows := [][]string{{"AGENT", "HOST", "VERSION", "REVISION", "TASKS", "LINES/S", "BYTES/S", "LAG", "OLDEST", "REPORT"}}
		for _, a := range s.Agents {
			age := "-"
			if a.Reported != nil {
				age = shortDuration(s.At.Sub(*a.Reported)) + " ago"
			}
			revision := strconv.FormatInt(a.Revision, 10)
			if a.doubtful {
				revision = "unknown"
			}
			if a.Reported == nil && a.Rates != nil {
				age = "unknown"
			}
			row := []string{a.ID, a.Host, a.Version, revision, strconv.Itoa(a.Tasks)}
			rows = append(rows, append(append(row, a.Rates.columns()...), age))
		}
		safe.Fprintf(b, "\n%s", textTable(rows))
	}
	b.WriteString("\n")
	for _, e := range s.Entries {
		if e.Rates != nil && e.Rates.DeletedOpen > 0 {
			safe.Fprintf(b, "%s: %s of deleted files are kept open until they are read\n", e.Path, shortBytes(e.Rates.DeletedOpen))
		}
	}
	for _, note := range s.Notes[:min(len(s.Notes), notesShown)] {
		safe.Fprintf(b, "%s\n", note)
	}
	if more := len(s.Notes) - notesShown; more > 0 {
		safe.Fprintf(b, "%d more like this: logctl status -o json\n", more)
	}
	problems, warnings := grouped(s.Problems), grouped(s.Warnings)
	if len(warnings) > 0 {
		safe.Fprintf(b, "%s:\n", plural(len(warnings), "warning", "warnings"))
		for _, p := range warnings {
			safe.Fprintf(b, "  %s\n", p.String())
		}
	}
	switch {
	case s.Healthy && len(warnings) > 0:
		b.WriteString("all works now\n")
		return
	case s.Healthy:
		b.WriteString("all is well\n")
		return
	}
	safe.Fprintf(b, "%s:\n", plural(len(problems), "problem", "problems"))
	for _, p := range problems {
		safe.Fprintf(b, "  %s\n", p.String())
	}
}

// notesShown is how many notes the table has.
const notesShown = 5

// agentsText counts the agents: those on duty, and those that should be when any is missing,
// with the name of the only one.
func (s *statusReport) agentsText() string {
	there, missing := 0, []*agentStatus(nil)
	for i := range s.Agents {
		a := &s.Agents[i]
		if a.OnDuty != nil && !*a.OnDuty {
			missing = append(missing, a)
			continue
		}
		there++
	}
	if len(missing) == 0 {
		return plural(there, "agent", "agents")
	}
	text := fmt.Sprintf("%d of %s", there, plural(len(s.Agents), "agent", "agents"))
	if a := missing[0]; len(missing) == 1 {
		text += "; " + a.ID + " " + string(a.State)
		if a.State == state.Lost && !a.heard.IsZero() {
			text += " since " + a.heard.Local().Format("15:04")
		}
	}
	return text
}

// namedAgents is how many agents a line names of those that have the same problem.
const namedAgents = 3

// grouped are the problems with those that many agents have with one entry in one line.
func grouped(list []agentProblem) []agentProblem {
	type kind struct {
		path, topic string
		state       state.Code
	}
	var out []agentProblem
	at, agents := map[kind]int{}, map[kind][]string{}
	for _, p := range list {
		k := kind{p.Path, p.Topic, p.State}
		if p.State == "" || p.Path == "" || p.Agent == "" {
			out = append(out, p)
			continue
		}
		if agents[k] = append(agents[k], p.Agent); len(agents[k]) == 1 {
			at[k] = len(out)
			out = append(out, p)
		}
	}
	for k, ids := range agents {
		text := strings.Join(ids[:min(len(ids), namedAgents)], ", ")
		if more := len(ids) - namedAgents; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		out[at[k]].Agent = text
	}
	return out
}

func revisionText(s *statusReport) string {
	switch {
	case !s.Etcd.OK:
		return "unknown"
	case s.Revision == 0:
		return "none (the key does not exist)"
	}
	return strconv.FormatInt(s.Revision, 10)
}

// word says whether a server answers.
func (s serverStatus) word() string {
	switch {
	case s.OK:
		return "ok"
	case s.Refuses:
		return "REFUSES"
	case s.Answers:
		return "NO REPORTS"
	}
	return "AWAY"
}

// stateText is the state of an entry over its agents: one word when they agree.
func (e entryStatus) stateText() string {
	if len(e.States) == 0 {
		if e.Disabled {
			return "paused"
		}
		return "-"
	}
	states := slices.Sorted(maps.Keys(e.States))
	if len(states) == 1 {
		return states[0]
	}
	var parts []string
	for _, st := range states {
		parts = append(parts, fmt.Sprintf("%d %s", e.States[st], st))
	}
	return strings.Join(parts, ", ")
}

// columns writes rates as four columns.
func (r *rates) columns() []string {
	if r == nil {
		return []string{"-", "-", "-", "-"}
	}
	if r.Unknown {
		return []string{"unknown", "unknown", "unknown", "unknown"}
	}
	lines, bytes := shortNumber(r.LinesPerSecond), shortBytes(int64(r.BytesPerSecond))
	if r.Silent {
		lines, bytes = "-", "-"
	}
	return []string{lines, bytes, shortBytes(r.LagBytes),
		shortDuration(time.Duration(r.DelayMS) * time.Millisecond)}
}

// shortNumber writes 950, 9.5k, 31.2k, 1.4M.
func shortNumber(v float64) string {
	switch {
	case v >= 999_950:
		return fmt.Sprintf("%.1fM", v/1e6)
	case v >= 999.5:
		return fmt.Sprintf("%.1fk", v/1e3)
	case v > 0 && v < 9.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// shortBytes writes bytes in units of 1024.
func shortBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB"} {
		if v /= 1024; v < 1023.95 {
			return fmt.Sprintf("%.1f %s", v, unit)
		}
	}
	return fmt.Sprintf("%.1f TiB", v/1024)
}

// shortDuration writes a duration in one or two units.
func shortDuration(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}
