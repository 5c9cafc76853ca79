package ship

import (
	"math"

	"logctl/internal/kafka"
)

// sequence is who we are to one partition: the producer id, its epoch, and the
// sequence number of the next record. A partition has its own id, so that a
// fresh start in one never touches another.
type sequence struct {
	id    int64
	epoch int16
	next  int32
}

// noSequence is what a producer without idempotence sends.
var noSequence = sequence{id: -1, epoch: -1, next: -1}

// identity is whose the sequence is.
func (s sequence) identity() kafka.Identity { return kafka.Identity{ID: s.id, Epoch: s.epoch} }

// valid says whether an id was assigned.
func (s sequence) valid() bool { return s.id >= 0 }

// stored moves past n records. Sequence numbers go from 0 to 2^31-1 and begin
// again.
func (s sequence) stored(n int) sequence {
	if s.id >= 0 {
		s.next = int32((int64(s.next) + int64(n)) & math.MaxInt32)
	}
	return s
}

// reset begins again from 0 under the next epoch, which fences everything sent
// under this one. After the last epoch the id is used up and the result is not
// valid.
func (s sequence) reset() sequence {
	if s.id < 0 || s.epoch >= math.MaxInt16-1 {
		return noSequence
	}
	return sequence{id: s.id, epoch: s.epoch + 1}
}
