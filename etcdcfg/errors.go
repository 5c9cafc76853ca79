package etcdcfg

import (
	"errors"
	"fmt"
)

// ErrReadOnly is returned by every write through a store made WithReadOnly.
var ErrReadOnly = errors.New("read-only: edits are switched off")

// ErrNoRevision is returned when the list of a revision is not to be had: it is
// not among the changes kept and etcd no longer knows it either.
var ErrNoRevision = errors.New("that revision is not in the history")

// ConflictError is returned by a save that found another list than the one it
// was based on. Nothing was written.
type ConflictError struct {
	Base   Snapshot // what the edit started from
	Theirs Snapshot // what stands there now
	Mine   []byte   // what was to be written
}

// Error says what happened and what to do.
func (e *ConflictError) Error() string {
	if e.Theirs.ModRevision == 0 {
		return fmt.Sprintf("entries %q were deleted by someone else since revision %d: look at the change, then save again", e.Base.Key, e.Base.ModRevision)
	}
	return fmt.Sprintf("entries %q were changed by someone else (revision %d, the edit started from %d): look at the change, then save again",
		e.Base.Key, e.Theirs.ModRevision, e.Base.ModRevision)
}
