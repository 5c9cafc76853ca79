package cli

import (
	"fmt"
	"strings"
	"time"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

// rates are numbers from two reports; nil fields of their owner mean "not known".
type rates struct {
	LinesPerSecond float64 `json:"lines_per_s"`
	BytesPerSecond float64 `json:"bytes_per_s"`
	LagBytes       int64   `json:"lag_bytes"`
	DelayMS        int64   `json:"oldest_unacked_ms"`
	DeletedOpen    int64   `json:"deleted_open,omitempty"` // bytes of deleted files that are kept open
	Unreadable     int64   `json:"unreadable,omitempty"`   // bytes that were gone before they could be read, since the agents started
	Unknown        bool    `json:"unknown,omitempty"`      // a part of them is said in numbers that cannot be
	Silent         bool    `json:"silent,omitempty"`       // no report of now tells the rates; what waits is as of the presences, or of the last report
}

func (r *rates) add(o rates) {
	r.LinesPerSecond += o.LinesPerSecond
	r.BytesPerSecond += o.BytesPerSecond
	r.LagBytes = safe.Sum(r.LagBytes, o.LagBytes)
	r.DelayMS = max(r.DelayMS, o.DelayMS)
	r.DeletedOpen = safe.Sum(r.DeletedOpen, o.DeletedOpen)
	r.Unreadable = safe.Sum(r.Unreadable, o.Unreadable)
	r.Silent = r.Silent && o.Silent
	r.Unknown = r.Unknown || o.Unknown || r.LagBytes == safe.MaxNumber
}

// addRates adds what one agent tells of an entry.
func (e *entryStatus) addRates(r rates) {
	if e.Rates == nil {
		e.Rates = &rates{Silent: true}
	}
	e.Rates.add(r)
}

// waiting takes what waits from a presence, where reports cannot be read.
func (b *board) waiting(t etcdcfg.TaskState) {
	r := rates{LagBytes: t.Lag, Silent: true}
	if !t.Oldest.IsZero() {
		r.DelayMS = max(0, b.f.at.Sub(t.Oldest).Milliseconds())
	}
	e := b.entry(t.Path, t.Topic)
	e.addRates(r)
}

// doubts tells of numbers and times that cannot be. They were left out.
func (b *board) doubts(agent, says string, list []string) {
	if len(list) > 0 {
		b.s.problem(agentProblem{Agent: agent, What: fmt.Sprintf("%s what cannot be: %s; that is shown as unknown. Perhaps somebody else writes in its name: see who may, docs/security.md", says, strings.Join(list, ", "))})
	}
}

// numbers adds up what the tasks of an agent report.
func (b *board) numbers(a *agentStatus, rep *reported) {
	b.doubts(a.ID, "reports", rep.newest.Doubts)
	at := rep.newest.At.UTC()
	a.Rates = &rates{Silent: true}
	silent := b.freshReport(a.ID) == nil
	if !at.IsZero() {
		a.Reported = &at
	}
	for _, t := range rep.newest.Tasks {
		r := rates{Silent: silent, LagBytes: t.LagBytes, DelayMS: t.OldestUnackedMS, DeletedOpen: t.DeletedOpen,
			Unreadable: int64(t.Unreadable), Unknown: t.Unknown || at.IsZero()}
		first := rep.first[taskKey(t)]
		if seconds := at.Sub(first.at).Seconds(); seconds > 0 && !r.Unknown && !silent {
			r.LinesPerSecond = float64(t.AckedLines-first.task.AckedLines) / seconds
			r.BytesPerSecond = float64(t.AckedBytes-first.task.AckedBytes) / seconds
		}
		a.Rates.add(r)
		if !b.told[a.ID+"\x00"+taskKey(t)] { // which is newer
			b.entry(t.Path, t.Topic).addRates(r)
		}
		if t.SkippedBytes > 0 {
			b.s.Notes = append(b.s.Notes, fmt.Sprintf("%s: %s -> %s: %s skipped (from = end): they stood there when the entry was first followed, and are not sent; logctl positions rewind '%s' %s --agent %s sends them",
				a.ID, t.Path, t.Topic, shortBytes(t.SkippedBytes), t.Path, t.Topic, a.ID))
		}
		if t.Unreadable > 0 {
			b.s.warn(agentProblem{Agent: a.ID, Path: t.Path, Topic: t.Topic, Since: t.UnreadableAt, What: goneText(int64(t.Unreadable), t.UnreadableAt)})
		}
		if limit := b.d.flags.maxDelay; limit > 0 && t.OldestUnackedMS > limit.Milliseconds() {
			b.s.problem(agentProblem{Agent: a.ID, Path: t.Path, Topic: t.Topic,
				What: fmt.Sprintf("the oldest line waits for %s", shortDuration(time.Duration(t.OldestUnackedMS)*time.Millisecond))})
		}
		if b.d.lag > 0 && t.LagBytes > b.d.lag {
			b.s.problem(agentProblem{Agent: a.ID, Path: t.Path, Topic: t.Topic, What: "behind by " + shortBytes(t.LagBytes)})
		}
	}
}

// goneText says that bytes were gone before they could be read, and where more is said.
func goneText(n int64, at time.Time) string {
	text := shortBytes(n) + " were gone before they could be read"
	if !at.IsZero() {
		text += ", the last of them seen " + moment(at)
	}
	return text + "; the agent's log names files and ranges"
}
