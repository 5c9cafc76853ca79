package state

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"
)

// TestJudge gives the evidence in the order in which it counts: each case keeps what the
// later ones have, so that a wrong order shows.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	of := func(c Code) State { return State{Code: c, Detail: "why"} }
	ev := Evidence{
		Now: now, Disabled: true, Failure: "broken", Waits: true,
		Topic: of(TopicMissing), Slow: of(Throttled), Cluster: of(KafkaUnreachable),
		Unasked: true, Nothing: of(PermissionDenied), Partial: of(NotAllowed),
		OldestUnacked: time.Minute, LagBytes: 5, LinesRead: 1, LastRead: now,
	}
	for _, step := range []struct {
		want Code
		less func()
	}{
		{Disabled, func() { ev.Disabled = false }},
		{Failed, func() { ev.Failure = "" }},
		{TopicMissing, func() { ev.Waits = false }}, // a successor that waits for its predecessor
		{Starting, func() { ev.Running = true }},
		{PermissionDenied, func() { ev.Nothing = of(WaitingForFile) }},
		{TopicMissing, func() { ev.Topic = State{} }},
		{KafkaUnreachable, func() { ev.Cluster = State{} }},
		{Starting, func() { ev.Unasked = false }},
		{WaitingForFile, func() { ev.Nothing = State{} }},
		{NotAllowed, func() { ev.Partial = State{} }},
		{Throttled, func() { ev.Slow = State{} }},
		{Behind, func() { ev.OldestUnacked = 0 }},
		{Shipping, func() { ev.LagBytes = 0 }},
		{Shipping, func() { ev.LastRead = now.Add(-time.Minute) }}, // just now
		{Idle, func() {}},
	} {
		if got := Judge(ev); got.Code != step.want {
			t.Fatalf("%q, want %q: %+v", got.Code, step.want, ev)
		}
		step.less()
	}
}

func TestTrackerTellsOfEachChangeOnce(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var tr Tracker
	change := func(c Code) (Code, bool) {
		at = at.Add(time.Second)
		tr.Note(State{Code: c}, at)
		_, was, changed := tr.Change()
		return was, changed
	}
	for _, step := range []struct {
		code    Code
		changed bool
	}{
		{Starting, false}, {Shipping, false}, {Idle, false}, {Shipping, false},
		{KafkaUnreachable, true}, {KafkaUnreachable, false}, {TopicMissing, true}, {Idle, true}, {Behind, false}, {WaitingForFile, true},
	} {
		if was, changed := change(step.code); changed != step.changed {
			t.Errorf("%q after %q: told %v", step.code, was, changed)
		}
	}
	first := tr.Note(State{Code: Refused}, at).Since
	if again := tr.Note(State{Code: Refused, Detail: "other words"}, at.Add(time.Hour)).Since; !again.Equal(first) {
		t.Errorf("since %v, want %v: other words are no other state", again, first)
	}
	if moved := tr.Note(State{Code: Refused, Path: "/a"}, at.Add(time.Hour)).Since; moved.Equal(first) {
		t.Error("another file is another state")
	}
}

// TestTable holds what the documents and the console rely on.
func TestTable(t *testing.T) {
	seen := map[Code]bool{}
	for _, r := range Table() {
		if seen[r.Code] || r.Code == "" || r.Meaning == "" || r.Do == "" {
			t.Errorf("row %+v is not whole, or there twice", r)
		}
		seen[r.Code] = true
		if got := r.Code.Severity(); got != r.Severity {
			t.Errorf("%q: severity %v, in the table %v", r.Code, got, r.Severity)
		}
	}
	if r := Of("news of a later version"); r.Severity != Bad || r.Do == "" {
		t.Errorf("an unknown state: %+v", r)
	}
}

// TestTableHasEveryCode reads the constants out of the source: one that is forgotten in
// the table would be shown as a state of another version.
func TestTableHasEveryCode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := map[Code]bool{}
	for _, r := range Table() {
		known[r.Code] = true
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if !known[Code(word)] || Of(Code(word)).Meaning == "A state that this version does not know." {
			t.Errorf("%q is not in the table", word)
		}
		return true
	})
	if found != len(known) {
		t.Errorf("%d codes in the source, %d in the table", found, len(known))
	}
}
