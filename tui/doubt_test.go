package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

// A forged record of the history is marked, and a revert shows and writes what etcd had,
// not what the record says.
func TestDoubtfulHistory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		good := []byte(`[{"path":"/good","topic":"t"}]`)
		c.store.changes = []etcdcfg.Change{{Revision: 41, Who: "mallory", Note: "tidy up", When: day, Doubt: "etcd wrote no list at this revision: the record was not made by an edit",
			Before: good, After: []byte(`[{"path":"/etc/shadow","topic":"t"}]`)}}
		c.store.had = map[int64][]byte{41: good}
		c.key("H")
		c.wants(t, "DOUBTFUL tidy up", "DOUBTFUL: etcd wrote no list at this revision")
		c.key("r")
		c.wants(t, "what it was at rev 41?", "/good")
		if strings.Contains(c.screen(), "shadow") {
			t.Error("the question shows what the record says")
		}
	})
}

// Numbers and times that cannot be are shown as unknown, and told of.
func TestNumbersThatCannotBe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		e := c.store.snapshot().Entries[0]
		c.fleetOf(etcdcfg.Presence{ID: "web-01", Started: day, Doubts: []string{"pid -7"}})
		rep, err := report.Parse(fmt.Appendf(nil, `{"agent":"web-01","at":%q,"started_at":%q,"tasks":[{"path":%q,"topic":%q,"state":"shipping","lag_bytes":-5,
			"top_files":[{"path":"/f","size":-1}]}]}`, day.Format(time.RFC3339), day.Format(time.RFC3339), e.Path, e.Topic))
		if err != nil {
			t.Fatal(err)
		}
		c.root.env.feed.fleet.addReports([]report.Report{rep}, nil, c.clock)
		c.fresh()
		c.wants(t, "unknown")
		c.key("2")
		c.wants(t, "unknown")
		c.key("!")
		c.wants(t, "unknown numbers", "pid -7, lag_bytes -5")
	})
}
