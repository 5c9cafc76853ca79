package agent

import (
	"os"
	"sync/atomic"
	"time"

	"logctl/agent/report"
)

// unbounded warns of an agent that may read what it likes; "" when it may not.
func (a *Agent) unbounded() string {
	if os.Geteuid() != 0 || len(a.cfg.AllowPaths) > 0 {
		return ""
	}
	return "the agent runs as root without allow_paths: whoever may edit the entries in etcd decides which files are read; set [agent] allow_paths, for example /var/log/**"
}

// skew is how far the clock of this host is ahead of the broker's, 0 when that is not known.
func (a *Agent) skew() time.Duration {
	if a.reporter == nil {
		return 0
	}
	skew, _ := a.reporter.Skew()
	return skew
}

// warnings are what an operator should know of this agent though all of its tasks work. They
// are rounded, so that a presence changes seldom.
func (a *Agent) warnings() []string {
	var out []string
	if text := a.unbounded(); text != "" {
		out = append(out, text)
	}
	if skew := a.skew(); skew.Abs() >= report.ClockLimit {
		step := 10 * time.Second
		if skew.Abs() > 5*time.Minute {
			step = time.Minute
		}
		out = append(out, report.ClockText(skew.Round(step))+", about: set the one that is wrong (chronyc tracking, timedatectl)")
	}
	return out
}

// peakRate is the most that was acknowledged in a second between two reports, bytes.
type peakRate struct {
	best atomic.Int64

	at    time.Time // of the report before; of the reporter's goroutine
	acked uint64
}

// note takes a report.
func (p *peakRate) note(r *report.Report) {
	var acked uint64
	for i := range r.Tasks {
		acked += r.Tasks[i].AckedBytes
	}
	if d := r.At.Sub(p.at); !p.at.IsZero() && d >= time.Second && acked > p.acked {
		p.best.Store(max(p.best.Load(), int64(float64(acked-p.acked)/d.Seconds())))
	}
	p.at, p.acked = r.At, acked
}

// Load is the peak so far, bytes a second; 0: nothing was acknowledged yet.
func (p *peakRate) Load() int64 { return p.best.Load() }
