package report

import (
	"encoding/json"
	"testing"
	"time"

	"logctl/agent/state"
)

// report01 is what an agent of version 0.1 published.
const report01 = `{"agent":"web-01","host":"web-01","version":"devel","at":"2026-11-22T18:31:04Z","started_at":"2026-11-22T18:00:00Z","revision":42,"kafka":"ok",` +
	`"tasks":[{"path":"/var/log/a.log","topic":"a","state":"shipping","since":"2026-11-22T18:29:40Z","files":1,"lines":10,"bytes":1000,"acked_lines":9,"acked_bytes":900,` +
	`"lag_bytes":100,"oldest_unacked_ms":5,"split":1,"skipped":2,"unreadable":3,"top_files":[{"path":"/var/log/a.log","size":1000,"read":1000,"acked":900,"state":"shipping"}]}]}`

func TestOldReportIsRead(t *testing.T) {
	r, err := Parse([]byte(report01))
	if err != nil {
		t.Fatal(err)
	}
	task := r.Tasks[0]
	if r.Revision != 42 || task.State != state.Shipping || task.AckedLines != 9 || task.LagBytes != 100 || task.Skipped != 2 || task.Unreadable != 3 || task.TopFiles[0].Acked != 900 {
		t.Errorf("%+v", r)
	}
}

func TestOldReaderReadsThisReport(t *testing.T) {
	type report struct {
		Agent, Host, Version string
		At                   time.Time
		StartedAt            time.Time `json:"started_at"`
		Revision             int64
		Kafka                string
		Tasks                []struct {
			Path, Topic, State, Error string
			Lines, Bytes              uint64
			AckedLines                uint64 `json:"acked_lines"`
			LagBytes                  int64  `json:"lag_bytes"`
		}
	}
	at := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	text, err := json.Marshal(Report{Agent: "a", Host: "h", Version: "0.2.0", At: at, StartedAt: at, Revision: 7, Kafka: "ok",
		Tasks: []Task{{Path: "/x", Topic: "t", State: state.TopicMissing, Error: "no topic", Lines: 3, Bytes: 30, AckedLines: 2, LagBytes: 10}}})
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Agent != "a" || !r.StartedAt.Equal(at) || r.Revision != 7 || len(r.Tasks) != 1 || r.Tasks[0].State != "topic missing" || r.Tasks[0].AckedLines != 2 || r.Tasks[0].LagBytes != 10 {
		t.Errorf("%s gives %+v", text, r)
	}
}
