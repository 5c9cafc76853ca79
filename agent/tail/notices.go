package tail

import (
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
)

// notices is what a Set is told of between two looks, and whom it tells.
type notices struct {
	watcher *Watcher
	own     bool                 // watcher is ours to run
	kick    chan struct{}        // for Run
	turn    atomic.Pointer[turn] // in Rounds; nil: Run looks at the files
	inbox   inbox                // has a lock of its own

	// Guarded by Set.mu.
	wanted wanted
	dirty  map[*slot]struct{}
	news   map[string]struct{} // names that events told of
	named  map[string][]string // names of a directory, by its name with links followed
	full   bool                // an event asks for a scan
}

func newNotices(w *Watcher) notices {
	return notices{
		watcher: w, kick: make(chan struct{}, 1),
		dirty: map[*slot]struct{}{}, news: map[string]struct{}{}, named: map[string][]string{},
	}
}

// poke makes Run, or Rounds, look at what events told.
func (s *Set) poke() {
	if t := s.turn.Load(); t != nil {
		t.rounds.kick(t)
		return
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// inboxMost is how many events wait for a Set at most; of more, it looks for itself.
const inboxMost = 4096

// inbox holds what the Watcher told of while the Set was busy with files: the Watcher
// serves other Sets too, and must not wait for a file system that this one waits for.
type inbox struct {
	mu     sync.Mutex
	events []fsys.Event // in their order
	missed bool         // some were not told of
}

// event is called by the Watcher, from one goroutine. It waits for nothing.
func (s *Set) event(ev fsys.Event) {
	in := &s.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.events) == 0 && s.mu.TryLock() {
		s.toldLocked(ev)
		s.mu.Unlock()
		return
	}
	switch n := len(in.events); {
	case in.missed, n > 0 && in.events[n-1] == ev:
	case n < inboxMost:
		in.events = append(in.events, ev)
	default:
		in.missed = true
	}
	s.poke()
}

// missed is called by the Watcher when it could not tell of all that happened.
func (s *Set) missed() {
	s.inbox.mu.Lock()
	s.inbox.missed = true
	s.inbox.mu.Unlock()
	if s.mu.TryLock() {
		s.openInboxLocked()
		s.mu.Unlock()
	}
	s.poke()
}

// openInbox takes what the Watcher left.
func (s *Set) openInbox() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openInboxLocked()
}

func (s *Set) openInboxLocked() {
	s.inbox.mu.Lock()
	events, missed := s.inbox.events, s.inbox.missed
	s.inbox.events, s.inbox.missed = nil, false
	s.inbox.mu.Unlock()
	for _, ev := range events {
		s.toldLocked(ev)
	}
	if missed {
		s.full = true
		for _, sl := range s.slots {
			sl.told |= fsnotify.Remove // for all that is known
		}
	}
}

// toldLocked takes note of one event.
func (s *Set) toldLocked(ev fsys.Event) {
	s.cameLocked(ev)
	if f := s.byName[s.key(ev.Name)]; f != nil && ev.Op&fsnotify.Write != 0 {
		s.writtenLocked(f)
	}
	for _, named := range s.named[ev.Dir] {
		name := ev.Name
		if named != ev.Dir {
			name = filepath.Join(named, filepath.Base(ev.Name))
		}
		s.eventLocked(s.walker.Named(name), ev.Op)
	}
}

// writtenLocked is called when f was written to. What an empty file gets first is
// looked at even if it is not read soon: without it, the file could not be known
// again once it was truncated.
func (s *Set) writtenLocked(f *File) {
	if s.paced(f) {
		return
	}
	if f.state == fileIdle && f.blankLocked() && s.blockedLocked(f) {
		s.dirty[f.home] = struct{}{}
		s.poke()
	}
	s.wakeLocked(f)
}

func (s *Set) eventLocked(path string, op fsnotify.Op) {
	sl := s.slotAtLocked(path)
	if sl != nil && sl.cur != nil && op == fsnotify.Write {
		s.writtenLocked(sl.cur)
		return
	}
	switch {
	case sl != nil:
		sl.told |= op & (fsnotify.Create | fsnotify.Remove | fsnotify.Rename)
		s.dirty[sl] = struct{}{}
	case op&fsnotify.Create == 0:
		return
	case s.walker.Match(path):
		s.news[path] = struct{}{}
	case s.walker.Recursive():
		s.full = true // it may be a directory
	default:
		return
	}
	s.poke()
}

// watchAll asks for notifications of changes wherever something may happen to the
// files, and no longer where not. more are directories not listed yet.
func (s *Set) watchAll(more ...string) {
	if s.watcher == nil || s.cfg.Poll || s.ended() {
		return
	}
	defer func() {
		if s.ended() { // since: nobody else takes back what was asked for
			s.watcher.drop(s)
		}
	}()
	dirs := s.walker.Dirs()
	for _, d := range more {
		dirs[d] = struct{}{}
	}
	s.mu.Lock()
	for _, sl := range s.slots {
		if sl.cur != nil {
			dirs[filepath.Dir(sl.cur.name)] = struct{}{}
		}
	}
	s.mu.Unlock()
	awaited := s.await()
	if s.areWatched(dirs, awaited) {
		s.lookForWanted()
		return
	}
	named := make(map[string][]string, len(dirs))
	for d := range dirs {
		real := s.sys.Resolve(d)
		named[real] = append(named[real], d)
	}
	for dir := range awaited {
		if _, ok := named[dir]; !ok {
			named[dir] = nil // nothing is named there but what is wanted
		}
	}
	s.mu.Lock()
	old := s.named
	s.named = named
	s.mu.Unlock()
	watching, fresh := "notify", false
	for real := range named {
		if err := s.watcher.add(real, s); err != nil {
			watching = "poll: " + err.Error()
		}
		if _, ok := old[real]; !ok {
			fresh = true
		}
	}
	s.lookForWanted()
	for real := range old {
		if _, ok := named[real]; !ok {
			s.watcher.remove(real, s)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fresh && s.scanned { // what came to a new directory before it was watched
		s.full = true
		s.poke()
	}
	if watching != s.counters.Watching {
		s.counters.Watching = watching
		s.log.Warn("how changes are noticed is not what it was", "path", s.cfg.Path, "by", watching)
	}
}
