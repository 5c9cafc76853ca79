package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// Watcher brings notifications of changes in directories to the Sets that ask for
// them. The number of notification instances a user may have is small, so all
// Sets of a process should share one.
type Watcher struct {
	log  *slog.Logger
	fs   notifier
	once sync.Once

	mu   sync.Mutex
	err  error // why there is no fs, or why it no longer works
	dirs map[string]*watchedDir
}

type watchedDir struct {
	id   inode // zero: not watched now
	subs map[*Set]struct{}
}

// NewWatcher returns a Watcher. Its Run must be running for Sets to be notified;
// without, or where the system does not let it work, they poll.
func NewWatcher(log *slog.Logger) *Watcher {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{log: log, dirs: map[string]*watchedDir{}}
	fs, err := newNotifier()
	if err != nil {
		w.err = watchError(err)
		return w
	}
	w.fs = fs
	return w
}

// Run delivers notifications until ctx ends, and gives back what the system lent.
// It returns ctx.Err().
func (w *Watcher) Run(ctx context.Context) error {
	defer w.close()
	if w.fs == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	err := w.fs.run(ctx, w.dispatch, w.rescan)
	if ctx.Err() == nil {
		w.log.Warn("file notification failed; files are polled from now on", "error", err)
		w.mu.Lock()
		w.err = watchError(err)
		w.mu.Unlock()
		w.rescan()
		<-ctx.Done()
	}
	return ctx.Err()
}

func (w *Watcher) close() {
	w.once.Do(func() {
		if w.fs != nil {
			w.fs.close()
		}
	})
}

func (w *Watcher) dispatch(ev event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := w.dirs[ev.dir]; d != nil {
		for s := range d.subs {
			s.event(ev.dir, ev.name, ev.op)
		}
	}
	if d := w.dirs[ev.name]; d != nil && ev.op&(fsnotify.Remove|fsnotify.Rename) != 0 {
		d.id = inode{} // the directory itself: watched again when it is back
	}
}

// rescan makes all Sets look for themselves.
func (w *Watcher) rescan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.dirs {
		for s := range d.subs {
			s.mu.Lock()
			s.full = true
			for _, sl := range s.slots {
				sl.told |= fsnotify.Remove // for all that is known
			}
			s.mu.Unlock()
			s.poke()
		}
	}
}

// add begins to watch a directory for a Set, or goes on with it.
func (w *Watcher) add(dir string, s *Set) error {
	var st fileStat
	err := statPath(dir, &st)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if err != nil {
		return nil // nothing to watch; the scan says what is wrong
	}
	d := w.dirs[dir]
	if d == nil {
		d = &watchedDir{subs: map[*Set]struct{}{}}
		w.dirs[dir] = d
	}
	d.subs[s] = struct{}{}
	if d.id == st.id {
		return nil
	}
	if d.id != (inode{}) {
		w.fs.remove(dir) // of the directory that was there before; it may be gone
	}
	if err := w.fs.add(dir); err != nil {
		if errors.Is(err, fsnotify.ErrClosed) {
			return nil
		}
		d.id = inode{}
		return watchError(err)
	}
	d.id = st.id
	return nil
}

// remove ends watching a directory for a Set.
func (w *Watcher) remove(dir string, s *Set) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removeLocked(dir, s)
}

func (w *Watcher) removeLocked(dir string, s *Set) {
	d := w.dirs[dir]
	if d == nil {
		return
	}
	delete(d.subs, s)
	if len(d.subs) == 0 {
		delete(w.dirs, dir)
		if w.fs != nil && d.id != (inode{}) {
			w.fs.remove(dir) // gone already if the directory is
		}
	}
}

// drop ends all watching for a Set.
func (w *Watcher) drop(s *Set) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir, d := range w.dirs {
		if _, ok := d.subs[s]; ok {
			w.removeLocked(dir, s)
		}
	}
}

// watchError says what to do about a system that does not let files be watched.
func watchError(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("no file watches left, raise fs.inotify.max_user_watches: %w", err)
	case isTooMany(err):
		return fmt.Errorf("no file notification left, raise fs.inotify.max_user_instances: %w", err)
	}
	return fmt.Errorf("file notification: %w", err)
}

// poke makes Run look at what events told.
func (s *Set) poke() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// event is called by the Watcher: something happened to path in dir.
func (s *Set) event(dir, path string, op fsnotify.Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.byName[path]; f != nil && op&fsnotify.Write != 0 {
		s.writtenLocked(f)
	}
	for _, named := range s.named[dir] {
		name := path
		if named != dir {
			name = filepath.Join(named, filepath.Base(path))
		}
		s.eventLocked(name, op)
	}
}

// writtenLocked is called when f was written to. What an empty file gets first is
// looked at even if it is not read soon: without it, the file could not be known
// again once it was truncated.
func (s *Set) writtenLocked(f *File) {
	if f.state == fileIdle && f.blankLocked() && s.blockedLocked(f) {
		s.dirty[f.home] = struct{}{}
		s.poke()
	}
	s.wakeLocked(f)
}

func (s *Set) eventLocked(path string, op fsnotify.Op) {
	sl := s.slots[path]
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
	case s.walker.match(path):
		s.news[path] = struct{}{}
	case s.walker.recursive():
		s.full = true // it may be a directory
	default:
		return
	}
	s.poke()
}

// watchAll asks for notifications of changes wherever something may happen to the
// files, and no longer where not. more are directories not listed yet.
func (s *Set) watchAll(more ...string) {
	if s.watcher == nil || s.cfg.Poll {
		return
	}
	dirs := s.walker.dirs()
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
	named := make(map[string][]string, len(dirs))
	for d := range dirs {
		real := resolve(d)
		named[real] = append(named[real], d)
	}
	s.mu.Lock()
	old := s.named
	s.named = named
	s.mu.Unlock()
	watching := "notify"
	for real := range named {
		if err := s.watcher.add(real, s); err != nil {
			watching = "poll: " + err.Error()
		}
	}
	for real := range old {
		if _, ok := named[real]; !ok {
			s.watcher.remove(real, s)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if watching != s.counters.Watching {
		s.counters.Watching = watching
		s.log.Warn("how changes are noticed is not what it was", "path", s.cfg.Path, "by", watching)
	}
}
