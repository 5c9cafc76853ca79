package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
)

// Watcher brings notifications of changes in directories to the Sets that ask for
// them. The number of notification instances a user may have is small, so all
// Sets of a process should share one.
//
// A directory is in one of these states:
//
//	unwatched --add--> busy --the notifier took it--> watched --remove, or gone--> busy, unwatched
//
// A call of the notifier may wait for its own reader, which waits for dispatch (Windows),
// or for a file system that hangs (Linux). So the lock is never held over such a call:
// one caller makes it while the directory is busy, and others wait for that caller.
type Watcher struct {
	log   *slog.Logger
	fs    fsys.Notifier
	once  sync.Once
	pools pools // of the chunks of its Sets: thousands of pools would take more than the chunks

	listings listings // what its Sets read

	mu   sync.Mutex // held over no call of fs, and over none of a Set that could wait
	err  error      // why there is no fs, or why it no longer works
	dirs map[string]*watchedDir
}

// watchedDir is guarded by Watcher.mu.
type watchedDir struct {
	id   fsys.Inode // zero: not watched now
	subs map[*Set]struct{}
	busy chan struct{} // closed when the call of the notifier under way has ended; nil: none is
}

// NewWatcher returns a Watcher. Its Run must be running for Sets to be notified;
// without, or where the system does not let it work, they poll.
func NewWatcher(log *slog.Logger) *Watcher {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{log: log, dirs: map[string]*watchedDir{}}
	fs, err := fsys.NewNotifier()
	if err != nil {
		w.err = watchError(err)
		return w
	}
	w.fs = fs
	return w
}

// NewPoller returns a Watcher that notifies of nothing, so that its Sets poll: for hosts
// whose notifications are not to be used.
func NewPoller(log *slog.Logger) *Watcher {
	return &Watcher{log: log, dirs: map[string]*watchedDir{}, err: errors.New("notifications are not used")}
}

// Run delivers notifications until ctx ends, and gives back what the system lent.
// It returns ctx.Err().
func (w *Watcher) Run(ctx context.Context) error {
	defer w.close()
	if w.fs == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	err := w.fs.Run(ctx, w.dispatch, w.rescan)
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
			w.fs.Close()
		}
	})
}

func (w *Watcher) dispatch(ev fsys.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := w.dirs[ev.Dir]; d != nil {
		for s := range d.subs {
			s.event(ev)
		}
	}
	if d := w.dirs[ev.Name]; d != nil && ev.Op&(fsnotify.Remove|fsnotify.Rename) != 0 {
		d.id = fsys.Inode{} // the directory itself: watched again when it is back
	}
}

// rescan makes all Sets look for themselves.
func (w *Watcher) rescan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.dirs {
		d.missed()
	}
}

// missed makes the Sets of a directory look for themselves.
func (d *watchedDir) missed() {
	for s := range d.subs {
		s.missed()
	}
}

// add begins to watch a directory for a Set, or goes on with it.
func (w *Watcher) add(dir string, s *Set) error {
	var st fsys.Stat
	err := fsys.StatPath(dir, &st)
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
	w.awaitLocked(d)
	if d.id == st.ID {
		return nil
	}
	old := d.id
	d.id = st.ID // now, so that an event which says that it is gone is not overruled
	early := false
	w.callLocked(d, func() {
		if old != (fsys.Inode{}) {
			w.fs.Remove(dir) // of the directory that was there before; it may be gone
		}
		early, err = w.fs.Add(dir)
	})
	if err != nil && d.id == st.ID {
		d.id = fsys.Inode{}
	}
	if early {
		d.missed()
	}
	w.unwatchLocked(dir, d) // the Sets may have gone meanwhile
	if err == nil || errors.Is(err, fsnotify.ErrClosed) {
		return nil
	}
	return watchError(err)
}

// callLocked makes a call of the notifier for d, without the lock.
func (w *Watcher) callLocked(d *watchedDir, call func()) {
	done := make(chan struct{})
	d.busy = done
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		d.busy = nil
		close(done)
	}()
	call()
}

// awaitLocked waits until no call for d is under way.
func (w *Watcher) awaitLocked(d *watchedDir) {
	for d.busy != nil {
		busy := d.busy
		w.mu.Unlock()
		<-busy
		w.mu.Lock()
	}
}

// unwatchLocked ends watching a directory that no Set asks for any more. While a call
// for it is under way, the caller of that does so.
func (w *Watcher) unwatchLocked(dir string, d *watchedDir) {
	for len(d.subs) == 0 && d.busy == nil && w.dirs[dir] == d {
		if w.fs == nil || d.id == (fsys.Inode{}) {
			delete(w.dirs, dir)
			return
		}
		d.id = fsys.Inode{}
		w.callLocked(d, func() { w.fs.Remove(dir) }) // gone already if the directory is
	}
}

// remove ends watching a directory for a Set. It does not wait for calls of others.
func (w *Watcher) remove(dir string, s *Set) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := w.dirs[dir]; d != nil {
		delete(d.subs, s)
		w.unwatchLocked(dir, d)
	}
}

// drop ends all watching for a Set, which is told of nothing from now on.
func (w *Watcher) drop(s *Set) {
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := map[string]*watchedDir{}
	for dir, d := range w.dirs {
		if _, ok := d.subs[s]; ok {
			delete(d.subs, s)
			mine[dir] = d
		}
	}
	for dir, d := range mine {
		w.unwatchLocked(dir, d)
	}
}

// watchError says what to do about a system that does not let files be watched.
func watchError(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("no file watches left, raise fs.inotify.max_user_watches: %w", err)
	case fsys.IsTooMany(err):
		return fmt.Errorf("no file notification left, raise fs.inotify.max_user_instances: %w", err)
	}
	return fmt.Errorf("file notification: %w", err)
}
