package tail

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"logctl/agent/tail/internal/fsys"
)

// listing is what is in a directory.
type listing struct {
	names []string
	ids   map[fsys.Inode]string // made when asked for
	at    int64                 // when it was begun to read,
	mtime int64                 // and when the directory was last changed then; Unix nanoseconds
	err   error
}

// list reads a directory, once for all who ask with the same lists. For those who ask
// with s.lists it is not read again before the next scan if it was not changed.
func (s *Set) list(lists map[string]*listing, dir string) *listing {
	if l := lists[dir]; l != nil {
		return l
	}
	if lists != nil {
		if k := s.kept[dir]; k != nil && s.unchanged(k, dir) {
			lists[dir] = k
			return k
		}
	}
	now := s.now()
	s.stalls.scan.touch(now)
	l := &listing{at: now.UnixNano()}
	var st fsys.Stat
	if err := s.sys.StatPath(dir, &st); err == nil {
		l.mtime = st.Mtime
	} else {
		l.mtime = l.at // it says nothing
	}
	l.names, l.err = s.sys.ReadNames(dir)
	for try := 0; try < 5 && l.err == nil; try++ {
		// A file renamed while the directory is read may be missing in what was
		// read, so that only reading the same twice means something.
		var names []string
		names, l.err = s.sys.ReadNames(dir)
		if slices.Equal(names, l.names) {
			break
		}
		l.names = names
	}
	if lists != nil {
		lists[dir] = l
		if s.kept != nil && l.err == nil {
			s.kept[dir] = l
		}
	}
	return l
}

// holds tells whether the directory has the same rotated names still that l has.
// If it has been changed, it is read once more, for all who ask with s.lists: as long as
// files are being renamed it is read for each of them, and then no more.
func (s *Set) holds(l *listing, r *room, rotated []relative) bool {
	if s.unchanged(l, r.dir) {
		return true
	}
	delete(s.lists, r.dir)
	l = s.list(s.lists, r.dir)
	return l.err == nil && slices.Equal(rotated, s.names(r, l.names))
}

// find returns the name in dir of the file, "" if there is none.
func (l *listing) find(sys *fsys.System, dir string, id fsys.Inode) (string, error) {
	if l.err != nil {
		return "", l.err
	}
	if l.ids == nil {
		l.ids = make(map[fsys.Inode]string, len(l.names))
		for _, n := range l.names {
			var st fsys.Stat
			if err := sys.StatPath(filepath.Join(dir, n), &st); err == nil && st.Regular {
				l.ids[st.ID] = n
			} else if err != nil && !fsys.IsGone(err) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.ELOOP) {
				l.ids = nil
				return "", err
			}
		}
	}
	n, ok := l.ids[id]
	if !ok {
		return "", nil
	}
	return filepath.Join(dir, n), nil
}

// rests tells whether nothing was changed in the directories of the names since they were
// read.
func (s *Set) rests(lists map[string]*listing, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		dir := filepath.Dir(name)
		l := lists[dir]
		return l == nil || !s.unchanged(l, dir)
	})
}

// forgetLists lets the directories of the names be read again.
func (s *Set) forgetLists(lists map[string]*listing, names ...string) {
	for _, name := range names {
		dir := filepath.Dir(name)
		delete(lists, dir)
		delete(s.kept, dir)
	}
}

// unchanged tells whether nothing was changed in the directory since it was read, as its
// time tells: it was read when a change would have given it another one.
func (s *Set) unchanged(l *listing, dir string) bool {
	grain := clockGrain
	if l.mtime%int64(time.Second) == 0 {
		grain = 2*time.Second + clockGrain // some file systems have no better times
	}
	var st fsys.Stat
	return l.at-l.mtime > int64(grain) && s.sys.StatPath(dir, &st) == nil && st.Mtime == l.mtime
}
