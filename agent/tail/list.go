package tail

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"weak"

	"logctl/agent/tail/internal/fsys"
)

// listing is what is in a directory. Sets share it, so only what is atomic changes once it
// was read.
type listing struct {
	names []string                              // sorted
	ids   atomic.Pointer[map[fsys.Inode]string] // made when asked for
	at    atomic.Int64                          // when it was begun to read, the last time that it was found the same,
	mtime int64                                 // and when the directory was last changed then; Unix nanoseconds
	err   error
}

// sharedGrain is clockGrain for what Sets share. The clock of files stands still for longer
// than clockGrain on a machine that has much to do, and a Set that was misled by its own
// listing reads another one with the next scan.
const sharedGrain = time.Second

// listings are the directories that Sets read a moment ago, for other Sets: 5,000 entries
// for 5,000 files of one directory hold its names once, and read it once a scan. A listing
// that no Set holds is forgotten. The zero value is empty.
type listings struct {
	mu   sync.Mutex // held over no call
	dirs map[string]weak.Pointer[listing]
}

func (c *listings) get(dir string) *listing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dirs[dir].Value()
}

// put notes what was read, and returns the listing to hold: that of before if nothing was
// changed since, so that Sets which read one after another hold one.
func (c *listings) put(dir string, l *listing) *listing {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.dirs[dir].Value(); k != nil && k.mtime == l.mtime && k.settled(sharedGrain) && slices.Equal(k.names, l.names) {
		k.at.Store(max(k.at.Load(), l.at.Load()))
		k.ids.Store(nil) // where names are links, other files may be behind the same names
		return k
	}
	if len(c.dirs)%1000 == 999 {
		maps.DeleteFunc(c.dirs, func(_ string, p weak.Pointer[listing]) bool { return p.Value() == nil })
	}
	if c.dirs == nil {
		c.dirs = map[string]weak.Pointer[listing]{}
	}
	c.dirs[dir] = weak.Make(l)
	return l
}

// forget lets the directory be read again by the next Set that asks.
func (c *listings) forget(dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.dirs, dir)
}

// readBefore returns what was read of a directory since the last scan began, by this Set,
// or within the time between two scans by another one, if nothing was changed in it since;
// else nil.
func (s *Set) readBefore(dir string) *listing {
	if s.kept == nil {
		return nil
	}
	if k := s.kept[dir]; k != nil && s.unchanged(k, dir) {
		return k
	}
	if s.watcher == nil {
		return nil
	}
	k := s.watcher.listings.get(dir)
	if k == nil || !k.settled(sharedGrain) || s.now().UnixNano()-k.at.Load() > int64(s.cfg.Interval) || !s.unchanged(k, dir) {
		return nil
	}
	s.kept[dir] = k
	return k
}

// list reads a directory, once for all who ask with the same lists. For those who ask
// with s.lists it is not read again before the next scan if it was not changed.
func (s *Set) list(lists map[string]*listing, dir string) *listing {
	if l := lists[dir]; l != nil {
		return l
	}
	if lists != nil {
		if k := s.readBefore(dir); k != nil {
			lists[dir] = k
			return k
		}
	}
	now := s.now()
	s.stalls.scan.touch(now)
	l := &listing{}
	l.at.Store(now.UnixNano())
	var st fsys.Stat
	if err := s.sys.StatPath(dir, &st); err == nil {
		l.mtime = st.Mtime
	} else {
		l.mtime = now.UnixNano() // it says nothing
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
	if lists == nil {
		return l
	}
	if s.kept != nil && l.err == nil {
		if s.watcher != nil {
			l = s.watcher.listings.put(dir, l)
		}
		s.kept[dir] = l
	}
	lists[dir] = l
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
	ids := l.ids.Load()
	if ids == nil {
		made := make(map[fsys.Inode]string, len(l.names))
		for _, n := range l.names {
			var st fsys.Stat
			if err := sys.StatPath(filepath.Join(dir, n), &st); err == nil && st.Regular {
				made[st.ID] = n
			} else if err != nil && !fsys.IsGone(err) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.ELOOP) {
				return "", err
			}
		}
		ids = &made
		l.ids.Store(ids)
	}
	n, ok := (*ids)[id]
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
		if s.watcher != nil {
			s.watcher.listings.forget(dir)
		}
	}
}

// settled tells whether a change after it was read would have given the directory another
// time, where times advance at least in such steps.
func (l *listing) settled(grain time.Duration) bool {
	if l.mtime%int64(time.Second) == 0 {
		grain += 2 * time.Second // some file systems have no better times
	}
	return l.at.Load()-l.mtime > int64(grain)
}

// unchanged tells whether nothing was changed in the directory since it was read, as its
// time tells.
func (s *Set) unchanged(l *listing, dir string) bool {
	var st fsys.Stat
	return l.settled(clockGrain) && s.sys.StatPath(dir, &st) == nil && st.Mtime == l.mtime
}
