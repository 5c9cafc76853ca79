package tail

// ended reports whether the Set was closed.
func (s *Set) ended() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Scanned reports whether the first look at everything is done: what an entry costs to
// begin with has been paid.
func (s *Set) Scanned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scanned
}
