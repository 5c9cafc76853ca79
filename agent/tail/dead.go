package tail

import (
	"errors"

	"logctl/agent/tail/internal/fsys"
)

// A descriptor dies with its file system: the server of a mount forgot the file (ESTALE)
// or went away (ENOTCONN), a disk was pulled out. Such a descriptor never reads again, but
// the name may lead to the file again, perhaps under another inode. So the descriptor is
// closed, and the file is opened by name. The same inode is verified by content, as always;
// another one with the same content at the same name goes on where the dead one was.

// deadLocked closes the descriptor of f if err says that it is dead.
func (s *Set) deadLocked(f *File, err error) {
	if f.handle == nil || !fsys.IsDead(err) {
		return
	}
	s.log.Warn("the descriptor of a file is dead; the file is opened again by its name", "path", f.path, "name", f.name,
		"file", f.id.String(), "error", words(err))
	s.closeLocked(f)
	var unknown fsys.Quick // of the file that the name leads to next
	f.dead, f.quick = true, unknown
}

// lookLocked looks at the descriptor of f, if that is to be; a dead one is closed.
func (s *Set) lookLocked(f *File, st *fsys.Stat, look bool) error {
	if !look {
		return nil
	}
	err := s.statLocked(f.handle, st)
	if err != nil {
		s.deadLocked(f, err)
	}
	return err
}

// leftToScan tells whether f, whose descriptor died and whose name has another file or none
// now, is to wait for the next look at its name: that tells whether the same content
// stands there. err is what opening the name brought.
func (s *Set) leftToScan(f *File, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !f.dead || f.away || f.home.cur != f || !errors.Is(err, fsys.ErrChanged) {
		return false
	}
	s.dirty[f.home] = struct{}{}
	s.poke()
	f.atEnd = true
	return true
}

// isDead tells whether the descriptor of f has died. The file system is asked without the
// lock, for a dead one may take its time.
func (s *Set) isDead(f *File) bool {
	s.mu.Lock()
	h, dead := f.handle, f.dead
	if f.state == fileHeld { // its reader notices
		h = nil
	}
	s.mu.Unlock()
	if dead || h == nil {
		return dead
	}
	var st fsys.Stat
	err := s.sys.StatFile(h, &st)
	if err == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.handle == h && f.state != fileHeld {
		s.deadLocked(f, err)
	}
	return f.dead
}
