package agent

import (
	"sync/atomic"

	"logctl/agent/transform"
)

// Events of several lines wait in memory for their next line, each up to 1 MiB and for as
// long as the entry says. What they take is bounded over all tasks, however many files an
// entry has: beyond heldMost a stream that gets lines sends what it holds at once, in
// pieces, but for heldSmall.
const (
	heldMost  = 64 << 20
	heldSmall = 4 << 10
)

// share is what one stream keeps of that.
type share struct{ bytes atomic.Int64 }

// take notes what the pipe of a stream keeps now, and reports whether that is too much.
func (s *share) take(all *atomic.Int64, p *transform.Pipe) (tooMuch bool) {
	now := int64(p.Memory())
	total := all.Add(now - s.bytes.Swap(now))
	return total > heldMost && now > heldSmall
}

// give takes back everything that was noted.
func (s *share) give(all *atomic.Int64) { all.Add(-s.bytes.Swap(0)) }

// holdLess sends what a stream holds when all streams together hold too much. s.mu is held.
func (t *task) holdLess(s *stream, pc *parcel) {
	all := &t.shared.lobby.events
	if !s.held.take(all, s.pipe) {
		return
	}
	s.pipe.Flush(&pc.batch)
	s.pipe.Shrink()
	s.held.take(all, s.pipe)
	if !s.pieces {
		s.pieces = true
		t.log.Warn("events of several lines are sent in pieces: those that wait for more lines take more memory than an agent spares; shorten multiline.timeout, or name fewer files",
			"path", s.path, "mib", heldMost>>20)
	}
}

// letGo ends the shares of a task that has ended.
func (t *task) letGo() {
	for _, s := range t.streamList() {
		s.held.give(&t.shared.lobby.events)
	}
}
