package report

import (
	"fmt"
	"time"

	"logctl/agent/state"
)

// DefaultTopic is the Kafka topic that reports go to unless configured.
const DefaultTopic = "logctl-reports"

// Report is what an agent tells others about itself, as JSON, every report
// interval. Counters are cumulative since StartedAt, so that rates come from two
// reports of the same start. Whoever may write to the topic can put anything into its
// fields: they are safe.Untrusted.
type Report struct {
	Agent      string    `json:"agent"`
	Host       string    `json:"host"`
	Version    string    `json:"version"`
	At         time.Time `json:"at"`
	StartedAt  time.Time `json:"started_at"`
	Revision   int64     `json:"revision"` // etcd revision of the applied list
	Kafka      string    `json:"kafka"`    // state of the Kafka side in words; "ok" when well
	CollectKey string    `json:"collect_key,omitempty"`
	Etcd       string    `json:"etcd,omitempty"` // why etcd is not followed, or the presence does not stand there, in words; empty when well
	Twin       string    `json:"twin,omitempty"` // what another process that goes by the same id says of itself; empty: there is none
	// ClockSkewMS is how far the clock of the host is ahead of the broker's, milliseconds; behind:
	// below zero. 0: not off, or not known.
	ClockSkewMS int64  `json:"clock_skew_ms,omitempty"`
	Tasks       []Task `json:"tasks"`

	Doubts []string `json:"-"` // found by Parse: fields that cannot be true, with their values; they are zero here
}

// skewMost is the largest difference of clocks that is believed, milliseconds: a century.
const skewMost = 100 * 365 * 24 * 60 * 60 * 1000

// Skew is ClockSkewMS where it is worth a word and can be, else 0.
func (r *Report) Skew() time.Duration {
	if r.ClockSkewMS > skewMost || r.ClockSkewMS < -skewMost {
		return 0
	}
	skew := time.Duration(r.ClockSkewMS) * time.Millisecond
	if skew.Abs() < ClockLimit {
		return 0
	}
	return skew
}

// Task is one running entry in a Report.
type Task struct {
	Path            string     `json:"path"`
	Topic           string     `json:"topic"`
	State           state.Code `json:"state"`
	Error           string     `json:"error,omitempty"`   // the reason in full, with what to do
	Since           time.Time  `json:"since,omitzero"`    // of the state
	File            string     `json:"file,omitempty"`    // the file that the state is about; empty: the task as a whole
	Files           int        `json:"files"`             // files known
	Lines           uint64     `json:"lines"`             // lines read
	Bytes           uint64     `json:"bytes"`             // bytes read
	AckedLines      uint64     `json:"acked_lines"`       // lines acknowledged by Kafka
	AckedBytes      uint64     `json:"acked_bytes"`       // bytes acknowledged by Kafka
	LagBytes        int64      `json:"lag_bytes"`         // sizes of the files minus their acked positions
	OldestUnackedMS int64      `json:"oldest_unacked_ms"` // age of the oldest line read and not acked, milliseconds
	NotPlain                   // what did not go its plain way
	TopFiles        []File     `json:"top_files"`          // the ten files with most lag
	Rules           Ruled      `json:"rules,omitzero"`     // what the entry's rules did with lines
	Verified        *Verified  `json:"verified,omitempty"` // what 'logctl verify' found last; nil: it never ran

	Unknown bool `json:"-"` // found by Parse: a number of it cannot be true, so that none of them is known
}

// NotPlain counts what was not sent, not yet, or not as one record: cumulative since the
// agent started, but for DeletedOpen and SkippedBytes, which are of this moment. Its fields
// stand in the task's JSON object.
type NotPlain struct {
	Split        uint64 `json:"split"`                  // records that are parts of lines too long for one record
	Skipped      uint64 `json:"skipped"`                // lines knowingly not sent (filters not counted)
	DeletedOpen  int64  `json:"deleted_open,omitempty"` // bytes of deleted files that are kept open, because they are not read yet
	Unreadable   uint64 `json:"unreadable"`             // bytes that were gone before they could be read
	SkippedBytes int64  `json:"skipped_bytes"`          // bytes that stood in files when the entry was first followed, and are not sent (from = end)

	UnreadableAt time.Time `json:"unreadable_at,omitzero"` // when the last of Unreadable were noticed
}

// Ruled counts what the rules of an entry did, cumulative since the agent started.
type Ruled struct {
	Filtered uint64 `json:"filtered,omitempty"` // records that its filters left out
	Unparsed uint64 `json:"unparsed,omitempty"` // lines that are not in its format, and went as they are
}

// File is one file of a Task.
type File struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`              // bytes
	Read    int64  `json:"read"`              // position up to which it was read, bytes
	Acked   int64  `json:"acked"`             // position up to which Kafka acknowledged, bytes
	Skipped int64  `json:"skipped,omitempty"` // of these, bytes at the head that were never sent (from = end)
	State   string `json:"state"`

	Unknown bool `json:"-"` // found by Parse: a number of it cannot be true, so that none of them is known
}

// Parse reads a report as it stands in a record of the report topic. What cannot be true
// in it is not believed: see Report.Doubts. At is corrected where the report says that the
// clock of its host is off.
func Parse(data []byte) (Report, error) {
	r, err := parse(data)
	if err != nil {
		return Report{}, fmt.Errorf("parse report: %w", err)
	}
	if r.Agent == "" {
		return Report{}, fmt.Errorf("parse report: no agent id")
	}
	r.At = r.At.Add(-r.Skew())
	return r, nil
}
