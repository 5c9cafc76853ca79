package tail

import (
	"os"
	"time"
)

// Close ends Ready and closes all descriptors. Call it when Run has returned and all files
// are released. Where a file system does not answer, so that a look or a reader cannot
// return, Close does not wait for it: what it keeps open is closed when it returns.
func (s *Set) Close() error {
	s.once.Do(func() {
		if s.watcher != nil {
			s.watcher.drop(s) // before the end: what sweeps then may wait, and the Watcher must not
			if s.own {
				s.watcher.close()
			}
		}
		close(s.closed)
		s.forgetDeleted()
		s.closeSoon(s.sweep())
	})
	return nil
}

// ended reports whether the Set was closed.
func (s *Set) ended() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// sweep takes the descriptors that nobody uses now. Who holds a lock that is needed for
// that sweeps when the lock is free again, so that none is left.
func (s *Set) sweep() (all []*os.File) {
	if s.mu.turn.TryLock() {
		s.mu.facts.Lock()
		for f := range s.files {
			if f.handle != nil && f.state != fileHeld {
				all = append(all, f.handle)
				f.handle, f.hold = nil, hold{}
				s.open--
			}
		}
		s.mu.facts.Unlock()
		s.mu.turn.Unlock()
	}
	if s.scanMu.TryLock() {
		s.mu.RLock()
		for _, sl := range s.slots {
			for i := range sl.heldOpen {
				all = append(all, sl.heldOpen[i].h)
			}
			sl.heldOpen = nil
		}
		s.mu.RUnlock()
		s.scanMu.Unlock()
	}
	return all
}

// sweepEnded closes what a Set left open that was closed meanwhile.
func (s *Set) sweepEnded() {
	if s.ended() {
		closeAll(s.sweep())
	}
}

func closeAll(all []*os.File) {
	for _, h := range all {
		_ = h.Close()
	}
}

// closeSoon closes files. Closing waits for the file system, too: after hangAfter it goes
// on alone.
func (s *Set) closeSoon(all []*os.File) {
	if len(all) == 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		closeAll(all)
	}()
	late := time.NewTimer(s.stalls.after)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		s.log.Warn("a file system does not let files be closed; they are when it answers", "path", s.cfg.Path, "files", len(all))
	}
}

// beginLook is called before a look at slots and generations.
func (s *Set) beginLook() { s.scanMu.Lock() }

// endLook ends it.
func (s *Set) endLook() {
	s.scanMu.Unlock()
	s.sweepEnded()
}

// Scanned reports whether the first look at everything is done: what an entry costs to
// begin with has been paid.
func (s *Set) Scanned() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.scanned
}
