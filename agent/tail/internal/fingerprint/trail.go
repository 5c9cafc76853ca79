package fingerprint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"logctl/agent/tail/internal/fsys"
)

// trailMost is how many positions a Trail remembers, at 16 bytes each.
const trailMost = 12

// Trail remembers the marks of positions that were passed in a file, those passed
// lately closer to one another than those of long ago. A copy that ended between two of
// them is known by the last one it has. The zero Trail remembers nothing.
type Trail struct{ steps []step }

type step struct {
	pos  int64
	hash uint64 // of all bytes before pos where they are a head, else of the MarkMax bytes before pos
}

// Pass notes that pos was passed; before are at least the MarkMax bytes before it, or
// all there are, and head is that of the file. Within the head all bytes are noted:
// lines of one length that end alike have the same MarkMax bytes everywhere. A position
// that is not behind the last one begins the Trail anew.
func (t *Trail) Pass(pos int64, before []byte, head Head) {
	n := len(t.steps)
	if n > 0 && pos == t.steps[n-1].pos {
		return
	}
	if n > 0 && pos < t.steps[n-1].pos {
		t.steps, n = t.steps[:0], 0
	}
	if n == trailMost {
		t.thin(pos)
	}
	hash := head.Hash
	if int64(head.Len) != pos {
		hash = Sum(Empty, before[max(0, len(before)-MarkMax):])
	}
	t.steps = append(t.steps, step{pos, hash})
}

// bytes returns how many bytes before the position tell whether a file has the step.
func (s step) bytes() int {
	if s.pos <= HeadMax {
		return int(s.pos)
	}
	return MarkMax
}

// isAt tells whether b, which are so many bytes, has the hash of the step. Trails of versions up to 0.2 have marks within the
// head too.
func (s step) isAt(b []byte) bool {
	return s.pos <= HeadMax && Sum(Empty, b) == s.hash || Sum(Empty, b[max(0, len(b)-MarkMax):]) == s.hash
}

// thin forgets the step that leaves the smallest hole for its distance to pos.
func (t *Trail) thin(pos int64) {
	least, at := 0.0, 0
	for i := range len(t.steps) - 1 {
		from := int64(0)
		if i > 0 {
			from = t.steps[i-1].pos
		}
		next := t.steps[i+1].pos
		if hole := float64(next-from) / float64(pos-from); i == 0 || hole < least {
			least, at = hole, i
		}
	}
	t.steps = append(t.steps[:at], t.steps[at+1:]...)
}

// Single returns the Trail of a position of which only its mark is known: the hash of the
// MarkMax bytes before pos, or of all there are.
func Single(pos int64, hash uint64) Trail { return Trail{steps: []step{{pos, hash}}} }

// stepLen is the size of one position in a Trail on disk, in bytes: the position, then the
// hash, both big-endian.
const stepLen = 16

// AppendBinary appends the Trail as it stands on disk. It never fails.
func (t *Trail) AppendBinary(b []byte) ([]byte, error) {
	for _, s := range t.steps {
		b = binary.BigEndian.AppendUint64(b, uint64(s.pos))
		b = binary.BigEndian.AppendUint64(b, s.hash)
	}
	return b, nil
}

// UnmarshalBinary takes what AppendBinary wrote. Positions that do not grow, or too many
// of them, are an error.
func (t *Trail) UnmarshalBinary(b []byte) error {
	if len(b)%stepLen != 0 || len(b) > trailMost*stepLen {
		return fmt.Errorf("marks are damaged: %d bytes", len(b))
	}
	steps := make([]step, 0, len(b)/stepLen)
	last := int64(0)
	for ; len(b) > 0; b = b[stepLen:] {
		s := step{int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:])}
		if s.pos <= last {
			return fmt.Errorf("marks are damaged: position %d follows %d", s.pos, last)
		}
		steps, last = append(steps, s), s.pos
	}
	t.steps = steps
	return nil
}

// IsZero tells whether nothing is remembered.
func (t *Trail) IsZero() bool { return len(t.steps) == 0 }

// Reset forgets all.
func (t *Trail) Reset() { t.steps = nil }

// Clone returns a Trail that does not change with t.
func (t *Trail) Clone() Trail { return Trail{steps: slices.Clone(t.steps)} }

// Ended tells whether the file h, which has size bytes and not as many as were passed,
// is the beginning of the file of the Trail: it has the head, and the last mark that it
// is long enough for. Where it is long enough for neither, nothing tells.
func (t *Trail) Ended(h *os.File, size int64, head Head) bool {
	hasHead := head.Len > 0 && size >= int64(head.Len)
	if hasHead && !Match(h, size, Print{HeadLen: head.Len, HeadHash: head.Hash, MarkHash: Empty}) {
		return false
	}
	for i := len(t.steps) - 1; i >= 0; i-- {
		s := t.steps[i]
		if s.pos > size {
			continue
		}
		var b [HeadMax]byte
		want := s.bytes()
		n, err := fsys.ReadFull(h, b[:want], s.pos-int64(want))
		return err == nil && n == want && s.isAt(b[:n])
	}
	return hasHead
}

// Reaches tells whether a file of that size has a mark behind the head: without one, nothing
// but its head tells that it is the beginning of the file of the Trail.
func (t *Trail) Reaches(size int64) bool {
	return slices.ContainsFunc(t.steps, func(s step) bool { return s.pos > HeadMax && s.pos <= size })
}

// Along tells whether a file has the bytes of all marks that it is long enough for, and
// the last position of these. read reads it, at positions that grow; its error is io.EOF
// where the file ends before.
func (t *Trail) Along(read func(b []byte, at int64) (int, error)) (last int64, ok bool) {
	var b [HeadMax]byte
	for _, s := range t.steps {
		want := s.bytes()
		n, err := read(b[:want], s.pos-int64(want))
		if n < want {
			return last, errors.Is(err, io.EOF)
		}
		if !s.isAt(b[:n]) {
			return last, false
		}
		last = s.pos
	}
	return last, len(t.steps) > 0
}
