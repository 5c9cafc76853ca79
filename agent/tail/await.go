package tail

import (
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
)

// What is not there yet cannot be watched: a directory that a program makes when it
// starts, or the target of a link that was set first. The nearest directory above that is
// there is watched instead, for the next name on the way. Without that, what came would
// be found by the next scan, and a writer that rotates sooner would have been missed.

// linksMost is how many links are followed to where nothing is, as the kernel does.
const linksMost = 40

// wanted are names that are not there, with their links followed: what is to be looked at
// when one comes. A nil slot stands for everything.
type wanted map[string]*slot

// want adds the next name on the way to path, which is not there, and returns the
// directory to watch for it; "" when path is there.
func (w wanted) want(path string, sl *slot) (dir string) {
	var st fsys.Stat
	if err := fsys.StatPath(path, &st); !fsys.IsGone(err) {
		return ""
	}
	for {
		parent := filepath.Dir(path)
		if parent == path {
			return ""
		}
		err := fsys.StatPath(parent, &st)
		if err == nil && st.Dir {
			dir = fsys.Resolve(parent)
			w[filepath.Join(dir, filepath.Base(path))] = sl
			return dir
		}
		if !fsys.IsGone(err) {
			return ""
		}
		path, sl = parent, nil
	}
}

// danglingTarget returns where the link at path leads to, if nothing is there; "" when
// path is no such link.
func danglingTarget(path string) string {
	at := path
	for range linksMost {
		to, err := os.Readlink(at)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(at), to)
		}
		at = to
	}
	if at == path {
		return ""
	}
	return at
}

// await finds what is wanted but not there, and returns the directories to watch for it.
func (s *Set) await() map[string]struct{} {
	s.mu.Lock()
	absent := map[string]*slot{}
	for _, sl := range s.slots {
		if sl.cur == nil {
			absent[sl.path] = sl
		}
	}
	s.mu.Unlock()
	w, dirs := wanted{}, map[string]struct{}{}
	add := func(path string, sl *slot) {
		if dir := w.want(path, sl); dir != "" {
			dirs[dir] = struct{}{}
		}
	}
	add(s.walker.Base, nil)
	for path, sl := range absent {
		if target := danglingTarget(path); target != "" {
			add(target, sl)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = w
	return dirs
}

// cameLocked notes that something came to a name that was wanted.
func (s *Set) cameLocked(ev fsys.Event) {
	sl, ok := s.wanted[ev.Name]
	switch {
	case !ok || ev.Op&fsnotify.Create == 0:
		return
	case sl == nil:
		s.full = true
	default:
		s.dirty[sl] = struct{}{}
	}
	s.poke()
}

// lookForWanted looks at once for what came before its directory was watched.
func (s *Set) lookForWanted() {
	s.mu.Lock()
	w := s.wanted
	s.mu.Unlock()
	for path := range w {
		var st fsys.Stat
		if fsys.StatPath(path, &st) == nil {
			s.mu.Lock()
			s.cameLocked(fsys.Event{Name: path, Op: fsnotify.Create})
			s.mu.Unlock()
		}
	}
}

// awaitTargets begins at once to wait for the targets of links that were switched to
// where nothing is.
func (s *Set) awaitTargets(changed []*slot) {
	if s.watcher == nil || s.cfg.Poll {
		return
	}
	for _, sl := range changed {
		s.mu.Lock()
		gone := sl.cur == nil
		s.mu.Unlock()
		if gone && danglingTarget(sl.path) != "" {
			s.watchAll()
			return
		}
	}
}

// areWatched tells whether notifications of very many directories need not be asked for
// again in this scan: none is new, and it is not the turn of all.
func (s *Set) areWatched(dirs, awaited map[string]struct{}) bool {
	const many, turns = 500, 10
	if !s.walker.Told || len(dirs) < many || s.scans%turns == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := 0
	for _, all := range s.named {
		for _, d := range all {
			if _, ok := dirs[d]; ok {
				known++
			}
		}
	}
	for d := range awaited {
		if _, ok := s.named[d]; !ok {
			return false
		}
	}
	return known == len(dirs)
}
