package tail

// A program that is told of a rotation writes on to the renamed file for a moment,
// then opens the new one. What it writes late must come before what it writes to the
// new file. So, each time a generation has been looked at for how far it may be read,
// the one before it is looked at after that: whatever was written to it before the
// bytes found in the newer one is visible then, and is read first.

// elderFirst tells whether f has to wait because its elder has more to read. It then
// may be read up to size, its present one, without asking again: its elder, however
// it grows, cannot hold it up for ever.
func (s *Set) elderFirst(f *File, size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := f.elder
	if e == nil {
		return false
	}
	if e.state == fileDone || !e.away || e.home != f.home {
		f.elder = nil
		return false
	}
	if !e.passed || e.handle == nil || e.err != nil || f.passed || size <= f.pos {
		return false
	}
	var st fileStat
	if e.state == fileIdle && (statFile(e.handle, &st) != nil || st.size <= e.pos) {
		return false
	}
	e.passed = false
	e.home.insert(e)
	s.wakeLocked(e)
	f.safe, f.again = size, true
	return true
}

// limitFor is how far a file of that size may be read now.
func (f *File) limitFor(size int64) int64 {
	f.capped = false
	if f.safe > f.pos && f.safe < size && !f.final {
		size, f.capped = f.safe, true
	}
	f.safe = 0
	return size
}
