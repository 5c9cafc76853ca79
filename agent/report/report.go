package report

import (
	"encoding/json"
	"fmt"
	"time"
)

// DefaultTopic is the Kafka topic that reports go to unless configured.
const DefaultTopic = "logctl-reports"

// States of a task, in the words that operators read. A task is in one of them
// at any time; reports, presences and the console use the same words.
const (
	StateStarting         = "starting"
	StateShipping         = "shipping"
	StateIdle             = "idle"
	StateWaitingForFile   = "waiting for file"
	StatePermissionDenied = "permission denied"
	StateNotAllowed       = "not allowed"
	StateTopicMissing     = "topic missing"
	StateKafkaUnreachable = "kafka unreachable"
	StateBehind           = "behind"
	StateDisabled         = "disabled"
	StateFailed           = "failed"
)

// Report is what an agent tells others about itself, as JSON, every report
// interval. Counters are cumulative since StartedAt, so that rates come from two
// reports of the same start.
type Report struct {
	Agent     string    `json:"agent"`
	Host      string    `json:"host"`
	Version   string    `json:"version"`
	At        time.Time `json:"at"`
	StartedAt time.Time `json:"started_at"`
	Revision  int64     `json:"revision"` // etcd revision of the applied list
	Kafka     string    `json:"kafka"`    // state of the Kafka side in words; "ok" when well
	Tasks     []Task    `json:"tasks"`
}

// Task is one running entry in a Report.
type Task struct {
	Path            string `json:"path"`
	Topic           string `json:"topic"`
	State           string `json:"state"`
	Error           string `json:"error,omitempty"`
	Files           int    `json:"files"`             // files known
	Lines           uint64 `json:"lines"`             // lines read
	Bytes           uint64 `json:"bytes"`             // bytes read
	AckedLines      uint64 `json:"acked_lines"`       // lines acknowledged by Kafka
	AckedBytes      uint64 `json:"acked_bytes"`       // bytes acknowledged by Kafka
	LagBytes        int64  `json:"lag_bytes"`         // sizes of the files minus their acked positions
	OldestUnackedMS int64  `json:"oldest_unacked_ms"` // age of the oldest line read and not acked, milliseconds
	Split           uint64 `json:"split"`             // records that are parts of lines too long for one record
	Skipped         uint64 `json:"skipped"`           // lines knowingly not sent (filters not counted)
	Unreadable      uint64 `json:"unreadable"`        // bytes that were gone before they could be read (truncation)
	TopFiles        []File `json:"top_files"`         // the ten files with most lag
}

// File is one file of a Task.
type File struct {
	Path  string `json:"path"`
	Size  int64  `json:"size"`  // bytes
	Read  int64  `json:"read"`  // position up to which it was read, bytes
	Acked int64  `json:"acked"` // position up to which Kafka acknowledged, bytes
	State string `json:"state"`
}

// Parse reads a report as it stands in a record of the report topic.
func Parse(data []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, fmt.Errorf("parse report: %w", err)
	}
	if r.Agent == "" {
		return Report{}, fmt.Errorf("parse report: no agent id")
	}
	return r, nil
}
