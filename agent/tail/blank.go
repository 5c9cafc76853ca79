package tail

import (
	"bytes"
	"path/filepath"
	"slices"
)

// A file that was empty when it was looked at, and has content at the next look, need
// not have its first content: it may have been filled, copied and truncated between
// the two. Nothing in the file tells, but its copy, made since, with other content.

// blankLocked tells whether f is at its name and was empty when last looked at.
func (f *File) blankLocked() bool {
	return f.head.len == 0 && f.pos == 0 && f.size == 0 && !f.away && f.handle != nil && f.copyOf == nil
}

// recentLocked tells whether f was last modified so shortly before it was seen empty
// that its time need not have changed when it was modified again.
func (f *File) recentLocked() bool {
	return f.emptyAt.UnixNano()-f.mtime < int64(clockGrain)
}

// refilled is wasFilled for a look at a name; scanMu is held.
func (s *Set) refilled(sl *slot, st *fileStat, err error) bool {
	s.mu.Lock()
	f := sl.cur
	ok := err == nil && f != nil && f.home == sl && f.inode() == st.id && f.blankLocked() &&
		(f.state == fileIdle || f.state == fileQueued)
	s.mu.Unlock()
	return ok && s.cameAndWent(f, *st, st.id, false)
}

// wasFilled is cameAndWent for the holder of f.
func (s *Set) wasFilled(f *File, st fileStat) bool {
	s.scanMu.Lock()
	defer s.scanMu.Unlock()
	var now fileStat // zero: nothing is there
	if err := s.sys.statPath(f.path, &now); err != nil && !isGone(err) {
		return false
	}
	s.lists = map[string]*listing{}
	return s.cameAndWent(f, st, now.id, true)
}

// cameAndWent looks for copies of what was in f between the last look, when it was
// empty, and now, when it is as st says. If there are any, they become generations
// before what is in f now. now is what is at the name of f: if that is another file, f
// was moved away after it was filled again. held: the caller holds f.
func (s *Set) cameAndWent(f *File, st fileStat, now inode, held bool) bool {
	s.mu.Lock()
	ok := f.blankLocked() && f.state != fileDone && (st.mtime != f.mtime || f.recentLocked())
	sl, h, clock := f.home, f.handle, s.now()
	p := &past{name: f.name, mtime: f.bound, born: f.emptyAt.Add(-clockGrain).UnixNano()}
	s.mu.Unlock()
	var dir fileStat
	if !ok || st.links == 0 { // without a name, nothing says that it was filled again after what is found
		return false
	}
	if s.sys.statPath(filepath.Dir(sl.path), &dir) != nil || dir.mtime < p.mtime {
		return false // nothing was made there since
	}
	found, err := s.unseen(sl, p, now)
	if now != st.id {
		found = s.before(found, f, &st)
	}
	var head [headMax]byte
	n, readErr := readAt(h, head[:min(st.size, headMax)], 0)
	found = slices.DeleteFunc(found, func(c candidate) bool {
		var b [headMax]byte
		m, err := readAt(c.h, b[:], 0)
		same := min(n, m)
		if readErr == nil && err == nil && m > 0 && (n == 0 || !bytes.Equal(b[:same], head[:same])) {
			return false
		}
		_ = c.h.Close() // a copy of what is in the file now, perhaps still being made
		return true
	})
	var after fileStat
	ok = err == nil && s.sys.statFile(h, &after) == nil && after.size >= st.size && (st.size > 0 || after.mtime == st.mtime)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok || !f.blankLocked() || held != (f.state == fileHeld) {
		for i := range found {
			_ = found[i].h.Close() // it changes right now: the next look tells
		}
		return false
	}
	if len(found) == 0 {
		f.emptyAt = clock
		return false
	}
	s.renewLocked(f, st, p, found)
	return true
}
