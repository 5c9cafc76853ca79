package tail

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
)

// Short is a name of the generation for record headers: inode number and Gen in base
// 36, such as "5yc1s-dkq3w9b1x0za", about 18 bytes. The device is left out, because its
// number may change with a restart of the host; Gen is a time in nanoseconds, so that
// no two generations of a host have the same short name.
func (id FileID) Short() string {
	b := make([]byte, 0, 28)
	b = strconv.AppendUint(b, id.Ino, 36)
	b = append(b, '-')
	return string(strconv.AppendUint(b, id.Gen, 36))
}

// ParseShort reads what Short wrote. The Dev of the result is 0.
func ParseShort(s string) (FileID, error) {
	ino, gen, ok := strings.Cut(s, "-")
	id := FileID{}
	var errs [2]error
	id.Ino, errs[0] = strconv.ParseUint(ino, 36, 64)
	id.Gen, errs[1] = strconv.ParseUint(gen, 36, 64)
	if !ok || errs[0] != nil || errs[1] != nil {
		return FileID{}, fmt.Errorf("%q is not the short name of a file", s)
	}
	return id, nil
}

// Origins returns Origin, or ID where the generation goes on for no other: what names its
// bytes for ever.
func (st *State) Origins() FileID {
	if st.Origin != (FileID{}) {
		return st.Origin
	}
	return st.ID
}

// isIn tells whether the file h, of which st is, is that of f: it has its number, and this
// was not given again after f was deleted. The creation time tells. Where there is none,
// content does, of a file that was moved away: only a file at its name is written anew.
func (f *File) isIn(h *os.File, st *fsys.Stat) bool {
	if st.ID != f.inode() {
		return false
	}
	if f.born != 0 {
		born := f.set.sys.Birth(h)
		return born == 0 || born == f.born
	}
	f.set.mu.Lock()
	state, sure := f.stateLocked(), !f.away || f.packed != nil
	f.set.mu.Unlock()
	if sure {
		return true
	}
	same, err := fingerprint.Compare(h, st.Size, state.print())
	return same || err != nil
}

// lapsed returns the generation of that number, if only the number tells it: its file was
// let go before anything was in it, and creation times are not known. nil: there is none.
func (s *Set) lapsed(id fsys.Inode) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.byInode[id]
	if f == nil || f.handle != nil || f.born != 0 || !f.away || f.state == fileHeld || f.packed != nil || f.pos > 0 || f.head.Len > 0 {
		return nil
	}
	return f
}

// endLapsed ends a generation whose number was given to another file.
func (s *Set) endLapsed(f *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.handle == nil && f.state != fileHeld {
		s.finishLocked(f, "deleted, and its number given to another file")
	}
}
