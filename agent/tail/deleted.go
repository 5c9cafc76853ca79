package tail

import (
	"cmp"
	"sync"
	"time"
)

// A deleted file takes its room on the disk until the last descriptor of it is closed.
// Lines that nobody read are in it, so it is kept; but while Kafka is away for long, and
// a writer rotates by size to keep the disk from filling, what is kept must not fill it.

// Deleted bounds what the Sets of a process keep of deleted files, in bytes. Its methods
// are for the Sets.
type Deleted struct {
	most int64

	mu   sync.Mutex
	sets map[*Set]kept
}

// kept is what one Set keeps.
type kept struct {
	bytes int64
	next  release // what it would part with first
}

// release is the rank of a file: what was read to its end goes first, then the oldest.
type release struct {
	unread bool
	since  time.Time // when it lost its name, or was moved away from it
}

func (a release) compare(b release) int {
	if a.unread != b.unread {
		if b.unread {
			return -1
		}
		return 1
	}
	return a.since.Compare(b.since)
}

// NewDeleted returns a bound of so many bytes; 0 or less: there is none.
func NewDeleted(most int64) *Deleted { return &Deleted{most: most, sets: map[*Set]kept{}} }

// over notes what s keeps, and tells whether it must part with its first file now.
func (d *Deleted) over(s *Set, k kept) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k.bytes == 0 {
		delete(d.sets, s)
		return false
	}
	d.sets[s] = k
	if d.most <= 0 {
		return false
	}
	total := int64(0)
	for o, ok := range d.sets {
		total += ok.bytes
		if o != s && ok.next.compare(k.next) < 0 {
			k = ok // it is for that Set, at its next look
		}
	}
	return total > d.most && k == d.sets[s]
}

// boundDeleted parts with deleted files while more is kept of them than may be. What was
// not read is counted and logged.
func (s *Set) boundDeleted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		k, first := s.keptLocked()
		s.counters.DeletedOpen = k.bytes
		if s.cfg.Deleted == nil || !s.cfg.Deleted.over(s, k) {
			return
		}
		s.finishLocked(first, "deleted, and more is kept of deleted files than [agent] max_deleted_open")
	}
}

// keptLocked returns what the Set keeps of deleted files, and the first to part with.
func (s *Set) keptLocked() (k kept, first *File) {
	for f := range s.away {
		if !f.deleted || f.handle == nil {
			continue
		}
		k.bytes += f.size
		r := release{f.size > f.pos, f.awayAt}
		if first == nil || cmp.Or(r.compare(k.next), cmp.Compare(f.id.Gen, first.id.Gen)) < 0 {
			k.next, first = r, f
		}
	}
	return k, first
}

// forgetDeleted ends what the Set keeps.
func (s *Set) forgetDeleted() {
	if s.cfg.Deleted != nil {
		s.cfg.Deleted.over(s, kept{})
	}
}
