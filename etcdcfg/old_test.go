package etcdcfg

import (
	"encoding/json"
	"testing"
	"time"
)

// presence01 is what an agent of version 0.1 announces.
const presence01 = `{"id":"web-01","host":"web-01","version":"devel","pid":4711,"started":"2026-11-22T18:00:00Z","collect_key":"collect_log_conf",` +
	`"revision":42,"kafka":"ok","tasks":[{"path":"/var/log/a.log","topic":"a","state":"permission denied","error":"/var/log/a.log: permission denied","since":"2026-11-22T18:29:40Z"}]}`

// TestOldPresenceIsRead: a console meets agents that know less than it does.
func TestOldPresenceIsRead(t *testing.T) {
	var p Presence
	if err := json.Unmarshal([]byte(presence01), &p); err != nil {
		t.Fatal(err)
	}
	if p.ID != "web-01" || p.Revision != 42 || p.CollectKey != "collect_log_conf" || len(p.Tasks) != 1 || p.Commit != "" {
		t.Errorf("%+v", p)
	}
	if ts := p.Tasks[0]; ts.State != "permission denied" || ts.Error == "" || ts.Since.IsZero() {
		t.Errorf("%+v", ts)
	}
}

// TestOldReaderReadsThisPresence: a console of version 0.1 reads what agents announce now.
func TestOldReaderReadsThisPresence(t *testing.T) {
	type task01 struct {
		Path, Topic, State, Error string
		Since                     time.Time
	}
	type presence struct {
		ID, Host, Version string
		PID               int
		Started           time.Time
		CollectKey        string `json:"collect_key"`
		Revision          int64
		ListError         string `json:"list_error"`
		Kafka             string
		Tasks             []task01
	}
	at := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	text, err := json.Marshal(Presence{ID: "web-02", Host: "h", Version: "0.2.0", Commit: "c", Built: "b", PID: 7, Started: at, CollectKey: "k", Revision: 9,
		ListError: "bad", Kafka: "ok", Tasks: []TaskState{{Path: "/x", Topic: "t", State: "topic missing", Error: "no topic", Since: at}}})
	if err != nil {
		t.Fatal(err)
	}
	var p presence
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if p.ID != "web-02" || p.Version != "0.2.0" || p.PID != 7 || !p.Started.Equal(at) || p.CollectKey != "k" || p.Revision != 9 || p.ListError != "bad" ||
		len(p.Tasks) != 1 || p.Tasks[0] != (task01{"/x", "t", "topic missing", "no topic", at}) {
		t.Errorf("%s gives %+v", text, p)
	}
}
