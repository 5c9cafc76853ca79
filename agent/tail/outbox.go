package tail

// telling is what the owner of a Set is to hear of.
type telling struct {
	unsaved []State  // of the change under way,
	gone    []FileID // and generations that it ended
	out     outbox
}

// outbox is what the owner of the Set is to hear of. What one change adds comes there
// together, when the change is whole: a generation is not forgotten before the one that
// goes on for it can be saved.
type outbox struct {
	unsaved []State
	gone    []Finished
}

// tellLocked puts what a change added into the outbox.
func (s *Set) tellLocked() {
	if len(s.unsaved) > 0 {
		s.out.unsaved = append(s.out.unsaved, s.unsaved...)
		s.unsaved = nil
	}
	for _, id := range s.gone {
		s.out.gone = append(s.out.gone, Finished{ID: id, Ended: s.memory.tell(id)})
	}
	s.gone = nil
}

// Unsaved returns the states of generations first seen, or first seen with content,
// since the last call. Save them at once, unless a later position of the same
// generation is saved already: they tell a later run what was already known, and
// where reading began in files of which nothing was handed out yet.
func (s *Set) Unsaved() []State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.out.unsaved
	s.out.unsaved = nil
	return u
}

// Forgotten returns the generations finished for good since the last call: their
// states can be dropped, and what is remembered of them saved, once what was handed out
// of them is acknowledged.
func (s *Set) Forgotten() []Finished {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := s.out.gone
	s.out.gone = nil
	return all
}
