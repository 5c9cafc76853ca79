package tail

import (
	"os"
	"sync"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/packed"
)

// guard is the lock of a Set, in two parts. Who changes something takes both, and lets go
// of the second part for each call of the file system. Who only asks takes the second
// part alone, and so never waits for a file system:
//
//	            Lock              suspend
//	free ───────────────▶ changing ──────────▶ calling
//	 │ ▲ ▲                    │    ◀──────────    │
//	 │ │ └───── Unlock ───────┘       resume      │ RLock … RUnlock
//	 │ └──────── RUnlock ◀── asked ◀──────────────┘
//	 └─ RLock ─▶ asked
//
// While a call is under way, nobody else changes anything: what was decided before the
// call still holds after the call. What is half done then can be seen by who asks: see
// slot.moving and Set.tell.
type guard struct {
	turn  sync.Mutex // held from Lock to Unlock; taken first
	facts sync.Mutex // held over no call of the file system

	done func() // called at the end of each change, with both parts held; nil: nothing is
	left func() // called after each change, without the lock; nil: nothing is
}

// Lock waits for its turn to change something.
func (g *guard) Lock() {
	g.turn.Lock()
	g.facts.Lock()
}

// TryLock is Lock for those who must not wait.
func (g *guard) TryLock() bool {
	if !g.turn.TryLock() {
		return false
	}
	if !g.facts.TryLock() {
		g.turn.Unlock()
		return false
	}
	return true
}

// Unlock ends a change.
func (g *guard) Unlock() {
	if g.done != nil {
		g.done()
	}
	g.facts.Unlock()
	g.turn.Unlock()
	if g.left != nil {
		g.left()
	}
}

// RLock lets the caller read, up to RUnlock. It waits for no file system.
func (g *guard) RLock() { g.facts.Lock() }

// RUnlock ends reading.
func (g *guard) RUnlock() { g.facts.Unlock() }

// suspend is called by who changes something, before a call of the file system.
func (g *guard) suspend() { g.facts.Unlock() }

// resume is called after that.
func (g *guard) resume() { g.facts.Lock() }

// unlocked returns what a call brings that may wait for a file system. It is made with the
// lock suspended.
func unlocked[T any](s *Set, call func() T) T {
	s.mu.suspend()
	defer s.mu.resume()
	return call()
}

// The calls of the file system that are made in the middle of a change.

func (s *Set) statLocked(h *os.File, st *fsys.Stat) error {
	s.mu.suspend()
	defer s.mu.resume()
	return s.sys.StatFile(h, st)
}

func (s *Set) statPathLocked(path string, st *fsys.Stat) error {
	s.mu.suspend()
	defer s.mu.resume()
	return s.sys.StatPath(path, st)
}

func (s *Set) birthLocked(h *os.File) int64 {
	s.mu.suspend()
	defer s.mu.resume()
	return s.sys.Birth(h)
}

func (s *Set) shutLocked(h *os.File) {
	s.mu.suspend()
	defer s.mu.resume()
	_ = h.Close()
}

func (s *Set) firstLocked(h *os.File, size int64) fingerprint.Head {
	s.mu.suspend()
	defer s.mu.resume()
	return fingerprint.First(h, size)
}

func (s *Set) beginsLocked(h, c *os.File, size int64) bool {
	s.mu.suspend()
	defer s.mu.resume()
	return fingerprint.Begins(h, c, size)
}

func (s *Set) matchesLocked(h *os.File, size int64, st *State) bool {
	s.mu.suspend()
	defer s.mu.resume()
	return matches(h, size, st)
}

// readLocked reads len(b) bytes at off, fewer only at the end of the file.
func (s *Set) readLocked(h *os.File, b []byte, off int64) (int, error) {
	s.mu.suspend()
	defer s.mu.resume()
	return fsys.ReadFull(h, b, off)
}

func (s *Set) formatLocked(h *os.File, size int64) packed.Kind {
	s.mu.suspend()
	defer s.mu.resume()
	return formatOf(h, size)
}

func (s *Set) endsInSpaceLocked(h *os.File, size int64) bool {
	s.mu.suspend()
	defer s.mu.resume()
	return isSpace(h, size)
}

func (s *Set) sortOutLocked(found []candidate, h *os.File, since int64) (older, copies []candidate) {
	s.mu.suspend()
	defer s.mu.resume()
	return sortOut(found, h, since)
}

// writtenLocked is space.written of f.
func (f *File) writtenLocked(st *fsys.Stat) {
	sp, h, size := f.space, f.handle, f.size
	f.set.mu.suspend()
	defer f.set.mu.resume()
	sp.written(h, st, size)
}
