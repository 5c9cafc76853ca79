package cli

import (
	"os"
	"time"

	"logctl/agent"
	"logctl/agent/report"
	"logctl/etcdcfg"
	"logctl/internal/config"
	"logctl/internal/safe"
	"logctl/internal/verify"
)

// keepVerdicts leaves what was found of whole entries for the agent of this host. Where it
// has no data directory here, or one of another user, there is nobody to tell.
func (a *app) keepVerdicts(c *config.Config, entries []etcdcfg.Entry, verdicts []verify.Verdict, f verifyFlags) {
	dir, err := a.dataDir(c)
	if err != nil {
		return
	}
	if _, err := os.Stat(dir); err != nil {
		return
	}
	if err := agent.SaveVerified(dir, outcomes(entries, verdicts, time.Now().UTC(), f)); err != nil {
		safe.Fprintf(a.Err, "what was found cannot be kept for the console: %v: run verify as the agent's user\n", err)
	}
}

// outcomes sums verdicts up by entry.
func outcomes(entries []etcdcfg.Entry, verdicts []verify.Verdict, now time.Time, f verifyFlags) []report.Verified {
	var out []report.Verified
	for _, e := range entries {
		sum := report.Verified{Path: e.Path, Topic: e.Topic, At: now, Content: f.content}
		if f.since > 0 {
			sum.Since = now.Add(-f.since)
		}
		for _, v := range verdicts {
			if v.Entry != e.Path || v.Topic != e.Topic {
				continue
			}
			sum.Files++
			sum.Records += v.Records
			sum.Twice += v.Repeats
			sum.Disorder += v.Disorder
			sum.Altered += len(v.Altered)
			for _, h := range v.Missing {
				sum.Missing += h.Lines
				sum.Bytes += h.To - h.From
			}
		}
		if sum.Files > 0 {
			out = append(out, sum)
		}
	}
	return out
}
