package tui

import "logctl/agent/report"

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

func severity(state string) int {
	switch state {
	case "", report.StateIdle, report.StateDisabled, stateRotated, stateDeleted:
		return sevQuiet
	case report.StateShipping, stateReading:
		return sevGood
	case report.StateStarting, report.StateWaitingForFile, statePending, stateUnknown, stateQueued, stateOlder:
		return sevWait
	case report.StateBehind, stateNoAgent:
		return sevWarn
	}
	return sevBad
}

// rank orders states of the same severity.
func rank(state string) int {
	r := severity(state) * 10
	switch state {
	case report.StateFailed:
		r += 5
	case report.StatePermissionDenied:
		r += 4
	case report.StateNotAllowed:
		r += 3
	case report.StateTopicMissing:
		r += 2
	case report.StateIdle:
		r++
	}
	return r
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
