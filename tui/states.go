package tui

import (
	"slices"

	"logctl/agent/state"
)

// States that only the console knows.
const (
	stateNoAgent = "no agent"        // nobody on duty has this collect key
	stateUnknown = "not known"       // etcd has not told who is on duty
	statePending = "not applied yet" // agents have not taken the entry up
)

// States of files that are not states of tasks.
const (
	stateReading = "reading"
	stateQueued  = "queued"
	stateOlder   = "waiting for older file"
	stateRotated = "rotated" // read to its end, and another file has its name
	stateDeleted = "deleted"
)

// Severities of states, for colour and order.
const (
	sevQuiet = iota // nothing to do: idle, disabled
	sevGood
	sevWait
	sevWarn
	sevBad
)

// severity is that of the table of states, and of those that only the console knows. Any
// other text is an error of a file in words.
func severity(word string) int {
	switch word {
	case "", stateRotated, stateDeleted:
		return sevQuiet
	case stateReading:
		return sevGood
	case statePending, stateUnknown, stateQueued, stateOlder:
		return sevWait
	case stateNoAgent:
		return sevWarn
	}
	return sevQuiet + int(state.Code(word).Severity())
}

// inTable says whether a word is a code of the table.
func inTable(word string) bool {
	return slices.ContainsFunc(state.Table(), func(r state.Row) bool { return string(r.Code) == word })
}

// rank orders states by severity, and those of one severity by what is to be known first.
func rank(word string) int {
	r := severity(word) * 100
	if r == sevQuiet && word != string(state.Idle) || severity(word) == sevGood {
		return r
	}
	return r + state.Of(state.Code(word)).Rank
}

// worse returns the state that an operator should know of first.
func worse(a, b string) string {
	if a == "" || rank(b) > rank(a) {
		return b
	}
	return a
}

// mark is the sign before a state, so that colour is never the only difference.
func mark(state string) string {
	switch severity(state) {
	case sevGood:
		return "●"
	case sevWait:
		return "◌"
	case sevWarn:
		return "!"
	case sevBad:
		return "✗"
	}
	return "·"
}

// stateText is a state of a task, or of one of its files, as it is shown: what is no
// longer known to be so says that.
func (t *taskRow) stateText(state string) string {
	switch {
	case !t.present:
		return "· gone"
	case t.stale > 0:
		return "? stale " + coarseAge(t.stale) + ": " + state
	}
	return mark(state) + " " + state
}
