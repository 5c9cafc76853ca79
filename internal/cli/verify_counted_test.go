package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"logctl/agent/report"
	"logctl/internal/verify"
)

// TestCountedWhereSomethingIsMissing takes from the reports what is of this host and of the
// entries with holes.
func TestCountedWhereSomethingIsMissing(t *testing.T) {
	start := time.Unix(1000, 0).UTC()
	task := func(path, topic string, unreadable uint64) report.Task {
		return report.Task{Path: path, Topic: topic, LagBytes: 3, NotPlain: report.NotPlain{Unreadable: unreadable, Skipped: 2}}
	}
	unknown := task("/a", "t", 1)
	unknown.Unknown = true
	reports := map[string]*reported{
		"a": {newest: report.Report{Host: "h", StartedAt: start, Tasks: []report.Task{task("/a", "t", 7), task("/a", "other", 8), task("/well", "t", 9)}}},
		"b": {newest: report.Report{Host: "other", Tasks: []report.Task{task("/a", "t", 10)}}},
		"c": {newest: report.Report{Host: "h", Tasks: []report.Task{unknown}}},
	}
	hole := []verify.Hole{{Span: verify.Span{From: 1, To: 8}}}
	got := countedOf(reports, "h", []verify.Verdict{{Entry: "/a", Topic: "t", Missing: hole}, {Entry: "/well", Topic: "t"}})
	want := []counted{{"/a", "t", 7, 2, 3, start}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
