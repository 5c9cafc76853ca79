package etcdcfg

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"logctl/internal/safe"
	"logctl/internal/testkit/ceiling"
)

// What cannot be true in a presence is not believed, and the rest of it is: also in tasks
// that stand in a key of their own.
func TestPresencesThatCannotBeTrue(t *testing.T) {
	for name, tc := range map[string]struct{ text, part, doubt string }{
		"well":                     {`{"pid":1,"revision":9007199254740992,"started":"2026-11-30T01:00:00Z"}`, "", ""},
		"a process below zero":     {`{"pid":-1}`, "", "pid -1"},
		"a revision beyond 2^53":   {`{"revision":9007199254740993}`, "", "revision 9007199254740993"},
		"a revision beyond 64 bit": {`{"revision":99999999999999999999}`, "", "revision 99999999999999999999"},
		"another century":          {`{"started":"0001-02-01T00:00:00Z"}`, "", "started 0001-02-01"},
		"a task":                   {`{"tasks":[{"path":"/p","lag":-1}]}`, "", "lag -1"},
		"a task in another key":    {`{"tasks":[{"path":"/q"}]}`, `[{"path":"/p","oldest":"2222-01-01T00:00:00Z"}]`, "oldest 2222"},
	} {
		r := roster{}
		r.set(&mvccpb.KeyValue{Key: []byte(AgentsPrefix + "a"), Value: []byte(tc.text)})
		if tc.part != "" {
			r.set(&mvccpb.KeyValue{Key: []byte(AgentsPrefix + "a" + partTasks + "1"), Value: []byte(tc.part)})
		}
		for range 2 { // what is delivered again is examined again
			list := r.presences()
			if len(list) != 1 || list[0].ListError != "" {
				t.Fatalf("%s: %+v", name, list)
			}
			if got := strings.Join(list[0].Doubts, "; "); !strings.Contains(got, tc.doubt) || (tc.doubt == "") != (got == "") || len(list[0].Doubts) > 1 {
				t.Errorf("%s: doubts %q, want %q", name, got, tc.doubt)
			}
		}
	}
}

// FuzzPresence reads what anybody may have put under the prefix of the agents.
func FuzzPresence(f *testing.F) {
	good, err := json.Marshal(Presence{ID: "a", PID: 7, Started: time.Unix(1_800_000_000, 0).UTC(), Tasks: []TaskState{{Path: "/p", State: "idle"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a", good)
	f.Add("a"+partTasks+"1", []byte(`[{"path":"/p","lag":-1,"since":"9999-01-01T00:00:00Z"}]`))
	f.Add("a"+partMember, []byte(`{"started":"0001-02-01T00:00:00Z"}`))
	f.Add("a"+partInstance+"1", []byte("pid 1"))
	f.Add("a"+partExpected, []byte(`{"who":1}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		ceiling.Within(t, 16<<20, func() {
			r := roster{}
			r.set(&mvccpb.KeyValue{Key: []byte(AgentsPrefix + "a"), Value: good})
			r.set(&mvccpb.KeyValue{Key: []byte(AgentsPrefix + key), Value: value})
			for _, p := range r.presences() {
				if !safe.Moment(p.Started) || !safe.Number(p.Revision) || !safe.Number(int64(p.PID)) {
					t.Fatalf("%+v", p)
				}
				for _, task := range p.Tasks {
					if !safe.Number(task.Lag) || !safe.Moment(task.Since) || !safe.Moment(task.Oldest) {
						t.Fatalf("%+v", task)
					}
				}
			}
			r.remove(AgentsPrefix + key)
		})
	})
}

// FuzzHistory reads records that anybody may have put under the prefix of the history.
func FuzzHistory(f *testing.F) {
	plain, after := "[]", `[{"path":"/a","topic":"t"}]`
	_, packed, err := pack([]byte(strings.Repeat(after, 3000)))
	if err != nil {
		f.Fatal(err)
	}
	for _, rec := range []record{{Who: "w", Before: &plain, After: &after, SHA256: hashOf([]byte(after))}, {Who: "w", Before: &plain, AfterGz: packed}} {
		text, err := json.Marshal(rec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		ceiling.Within(t, 32<<20, func() {
			c, err := (&Store{}).readChange(t.Context(), "k", &mvccpb.KeyValue{ModRevision: 5, Value: omitless(value)})
			if err != nil || c.Revision != 5 {
				t.Fatalf("%+v, %v", c, err)
			}
			if len(c.Before) > maxUnpacked || len(c.After) > maxUnpacked {
				t.Fatalf("%d and %d bytes", len(c.Before), len(c.After))
			}
			_ = Diff(c.Before, c.After)
		})
	})
}

// omitless keeps a record from asking etcd for its lists: there is none here.
func omitless(value []byte) []byte {
	var rec record
	if json.Unmarshal(value, &rec) == nil && rec.Omitted {
		return []byte("{}")
	}
	return value
}
