package cli

import (
	"context"
	"slices"
	"time"

	"logctl/agent/report"
	"logctl/consumer"
	"logctl/etcdcfg"
)

// reportWait is how long the next report is waited for: a little more than the default
// time between two reports of an agent.
const reportWait = 3 * time.Second

// doubtClock measures the clock of this host against the brokers' when the reports look as
// they do where the two differ, and has them read again, and judged, by the brokers' clock.
// Else every agent would seem not to report.
func (d *statusDesk) doubtClock(ctx context.Context, f *facts) {
	if f.kafkaErr != nil || f.noReports || d.topic == "" || !clocksMayDiffer(f.reports, f.at) {
		return
	}
	if len(f.reports) == 0 && !slices.ContainsFunc(etcdcfg.OnDuty(f.presences), func(p etcdcfg.Presence) bool { return f.at.Sub(p.Started) >= reportLate }) {
		return // nobody is there who should have reported by now
	}
	skew := d.measureClock(ctx)
	if skew.Abs() < report.ClockLimit {
		return
	}
	reports, err := readReports(ctx, d.kafka, d.topic, f.at.Add(-skew-d.flags.window))
	if err != nil {
		return // what was read before is judged
	}
	f.clock, f.at, f.reports = skew, f.at.Add(-skew), reports
}

// clocksMayDiffer says whether no report is of now, or one is of the future. Reports are
// timed by the brokers' clock (report.Parse).
func clocksMayDiffer(reports map[string]*reported, now time.Time) bool {
	newest := time.Time{}
	for _, r := range reports {
		if r.newest.At.After(newest) {
			newest = r.newest.At
		}
	}
	age := now.Sub(newest)
	return age > report.ClockLimit || age < -report.ClockLimit
}

// measureClock waits for the next report of any agent, which the broker stamps as it comes,
// and returns how far the clock of this host is ahead of that. It is 0 when none comes, or
// the topic has the times of the agents.
func (d *statusDesk) measureClock(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, reportWait)
	defer cancel()
	r, err := consumer.Open(ctx, consumer.Config{Kafka: d.kafka, Topics: []string{d.topic}, From: consumer.Newest(), Follow: true, Linger: -1})
	if err != nil {
		return 0 // that Kafka is away is said elsewhere
	}
	defer func() { _ = r.Close() }()
	records, err := r.Next(ctx)
	if err != nil || len(records) == 0 {
		return 0
	}
	if last := &records[len(records)-1]; last.TimeType == consumer.LogAppendTime {
		return d.now().Sub(last.Time)
	}
	return 0
}
