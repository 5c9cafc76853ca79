package etcdcfg

import (
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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

// OutcomeError is returned by a save that was sent and got no answer that settles it:
// the list may stand in etcd, now or a moment later, or not. A second save with the
// same base tells.
type OutcomeError struct{ Err error }

// Error says that the outcome is not known, and why.
func (e *OutcomeError) Error() string {
	return "it is not known whether the list was written: " + e.Err.Error()
}

// Unwrap returns why there was no answer.
func (e *OutcomeError) Unwrap() error { return e.Err }

// refused reports whether etcd answered a write with a refusal, so that nothing was
// written.
func refused(err error) bool {
	var ee rpctypes.EtcdError
	code := status.Code(err)
	if errors.As(err, &ee) {
		code = ee.Code()
	}
	switch code {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.PermissionDenied, codes.Unauthenticated,
		codes.ResourceExhausted, codes.OutOfRange, codes.NotFound, codes.Unimplemented:
		return true
	}
	return errors.Is(rpctypes.Error(err), rpctypes.ErrNoLeader)
}
