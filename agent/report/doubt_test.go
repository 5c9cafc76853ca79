package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"logctl/internal/safe"
	"logctl/internal/testkit/ceiling"
)

// What cannot be true in a report is not believed, and the rest of it is.
func TestWhatCannotBeTrueIsUnknown(t *testing.T) {
	const head = `{"agent":"a","at":"2026-11-30T01:00:00Z","started_at":"2026-11-29T01:00:00Z",`
	for name, tc := range map[string]struct {
		text, doubt string
		unknown     bool // the numbers of the task
	}{
		"well":                    {head + `"tasks":[{"path":"/p","state":"idle","lag_bytes":9007199254740992}]}`, "", false},
		"below zero":              {head + `"tasks":[{"path":"/p","state":"idle","lag_bytes":-1}]}`, "lag_bytes -1", true},
		"a counter below zero":    {head + `"tasks":[{"path":"/p","state":"idle","lines":-1}]}`, "tasks.lines -1", true},
		"beyond 2^53":             {head + `"tasks":[{"path":"/p","state":"idle","acked_bytes":9007199254740993}]}`, "acked_bytes 9007199254740993", true},
		"beyond 64 bits":          {head + `"tasks":[{"path":"/p","state":"idle","lines":1e300}]}`, "tasks.lines 1e300", true},
		"older than a century":    {head + `"tasks":[{"path":"/p","state":"idle","oldest_unacked_ms":9007199254740991}]}`, "oldest_unacked_ms", true},
		"a revision":              {head + `"revision":-3,"tasks":[{"path":"/p","state":"idle"}]}`, "revision -3", false},
		"another century":         {strings.Replace(head, "2026-11-30", "1823-11-30", 1) + `"tasks":[{"path":"/p","state":"idle"}]}`, "at 1823-11-30", false},
		"started in year 9999":    {strings.Replace(head, "2026-11-29", "9999-11-29", 1) + `"tasks":[{"path":"/p","state":"idle"}]}`, "started_at 9999", false},
		"a proof below zero":      {head + `"tasks":[{"path":"/p","state":"idle","verified":{"at":"2026-11-30T01:00:00Z","missing":-1}}]}`, "verified of /p", false},
		"a file larger than 2^53": {head + `"tasks":[{"path":"/p","state":"idle","top_files":[{"path":"/f","size":9007199254740993}]}]}`, "/f 9007199254740993", false},
	} {
		r, err := Parse([]byte(tc.text))
		if err != nil || len(r.Tasks) != 1 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(r.Doubts, "; "); !strings.Contains(got, tc.doubt) || (tc.doubt == "") != (got == "") {
			t.Errorf("%s: doubts %q, want %q", name, got, tc.doubt)
		}
		if r.Tasks[0].Unknown != tc.unknown || r.Tasks[0].State != "idle" || r.Tasks[0].Path != "/p" {
			t.Errorf("%s: %+v", name, r.Tasks[0])
		}
	}
	if _, err := Parse([]byte(`{"agent":"a","tasks":"none"}`)); err == nil {
		t.Error("tasks that are text are a report")
	}
}

// FuzzParse reads reports that anybody may have written.
func FuzzParse(f *testing.F) {
	good, err := json.Marshal(Report{Agent: "a", At: time.Unix(1_800_000_000, 0).UTC(), Tasks: []Task{{Path: "/p", State: "idle", Lines: 5, TopFiles: []File{{Path: "/f", Size: 3}}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"agent":"a","at":"9999-01-01T00:00:00Z","tasks":[{"lines":-1,"lag_bytes":-9,"top_files":[{"size":1e99}]},{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ceiling.Within(t, 16<<20, func() {
			r, err := Parse(data)
			if err != nil {
				return
			}
			if !safe.Moment(r.At) || !safe.Moment(r.StartedAt) || !safe.Number(r.Revision) {
				t.Fatalf("%+v", r)
			}
			for _, task := range r.Tasks {
				if _, _, ok := task.absurd(); ok || !safe.Moment(task.Since) {
					t.Fatalf("%+v", task)
				}
				for _, file := range task.TopFiles {
					if !safe.Number(file.Size) || !safe.Number(file.Read) || !safe.Number(file.Acked) || !safe.Number(file.Skipped) {
						t.Fatalf("%+v", file)
					}
				}
			}
			if _, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			}
		})
	})
}
