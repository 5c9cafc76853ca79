package cli

import (
	"cmp"
	"context"
	"slices"
	"time"

	"logctl/internal/config"
	"logctl/internal/safe"
	"logctl/internal/verify"
)

// countedWindow is how far back the reports of an agent are looked for: it reports each two
// seconds, unless [agent] report_interval says otherwise.
const countedWindow = 10 * time.Minute

// countedWithin is how long verify waits for them.
const countedWithin = 10 * time.Second

// counted is what the agent of a host said of an entry of which something is missing.
type counted struct {
	Path       string    `json:"path"`
	Topic      string    `json:"topic"`
	Unreadable uint64    `json:"unreadable"` // bytes that were gone before the agent could read them
	Skipped    uint64    `json:"skipped"`    // lines knowingly not sent
	LagBytes   int64     `json:"lag_bytes"`  // bytes that are not acknowledged yet
	Since      time.Time `json:"since"`      // start of the agent: the counters begin there
}

// countedOf is what the agents of the host reported last of the entries that have holes.
func countedOf(reports map[string]*reported, host string, verdicts []verify.Verdict) []counted {
	var out []counted
	for _, r := range reports {
		if r.newest.Host != host {
			continue
		}
		for i := range r.newest.Tasks {
			t := &r.newest.Tasks[i]
			holed := slices.ContainsFunc(verdicts, func(v verify.Verdict) bool {
				return len(v.Missing) > 0 && v.Topic == t.Topic && (v.Entry == t.Path || v.Entry == "")
			})
			if holed && !t.Unknown {
				out = append(out, counted{t.Path, t.Topic, t.Unreadable, t.Skipped, t.LagBytes, r.newest.StartedAt})
			}
		}
	}
	slices.SortFunc(out, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Topic, b.Topic), a.Since.Compare(b.Since))
	})
	return out
}

// whatAgentCounted asks the reports what the agent of this host counted where something is
// missing. Where that cannot be had, it is said and is no failure.
func (a *app) whatAgentCounted(ctx context.Context, c *config.Config, host string, verdicts []verify.Verdict) []counted {
	if c.Agent.ReportTopic == "" || !slices.ContainsFunc(verdicts, func(v verify.Verdict) bool { return len(v.Missing) > 0 }) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, countedWithin)
	defer cancel()
	reports, err := readReports(ctx, kafkaConfig(c), c.Agent.ReportTopic, time.Now().Add(-countedWindow))
	if err != nil {
		safe.Fprintf(a.Err, "what the agent counted is not known: %v\n", err)
		return nil
	}
	return countedOf(reports, host, verdicts)
}

func (a *app) printCounted(list []counted) {
	for _, c := range list {
		safe.Fprintf(a.Out, "counted: %s to %s: since %s the agent counted %d bytes that were gone before they could be read and %d lines that it skipped; %d bytes are not acknowledged yet\n",
			c.Path, c.Topic, moment(c.Since), c.Unreadable, c.Skipped, c.LagBytes)
	}
}
