//go:build !linux

package fsys

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"time"

	"github.com/fsnotify/fsnotify"
)

// portable is the notifier of every system that has none of its own here: Windows by
// ReadDirectoryChangesW, macOS and the BSDs by kqueue.
type portable struct {
	fs     *fsnotify.Watcher
	budget *budget
}

// watchedMost is how many files kqueue may hold open for us, at most: a quarter of the
// descriptors, as many as the followed files themselves.
const watchedMost = 4096

// NewNotifier returns the notifier of this system.
func NewNotifier() (Notifier, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	most := 0
	if runtime.GOOS != "windows" {
		most = min(OpenLimit()/4, watchedMost)
	}
	return newPortable(fs, most), nil
}

// newPortable returns a notifier that watches so many files at most; 0: any number.
func newPortable(fs *fsnotify.Watcher, most int) *portable {
	return &portable{fs: fs, budget: newBudget(most)}
}

func (n *portable) Add(dir string) (bool, error) {
	if err := n.budget.take(dir, ReadNames); err != nil {
		n.Remove(dir) // it may have grown while it was watched
		return false, err
	}
	err := n.fs.Add(longPath(dir))
	if err != nil {
		n.budget.give(dir)
	}
	return false, err
}

func (n *portable) Remove(dir string) {
	_ = n.fs.Remove(longPath(dir))
	n.budget.give(dir)
}

func (n *portable) Close() { _ = n.fs.Close() }

func (n *portable) Run(ctx context.Context, told func(Event), lost func()) error {
	tell := func(ev Event) { n.tell(ev, told) }
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ev, ok := <-n.fs.Events:
			if !ok {
				return fsnotify.ErrClosed
			}
			tell(eventOf(ev))
			n.drain(tell)
		case err, ok := <-n.fs.Errors:
			if !ok {
				return fsnotify.ErrClosed
			}
			lost()
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return err
			}
		}
		pause.Reset(eventPace)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
}

// tell tells of an event. A directory that outgrows what may be watched is told to be no
// longer watched: whoever asks for it again is refused.
func (n *portable) tell(ev Event, told func(Event)) {
	told(ev)
	by := 0
	switch {
	case ev.Op.Has(fsnotify.Create):
		by = 1
	case ev.Op.Has(fsnotify.Remove), ev.Op.Has(fsnotify.Rename):
		by = -1
	}
	if ev.Name != ev.Dir && by != 0 && !n.budget.changed(ev.Dir, by) {
		told(Event{Dir: filepath.Dir(ev.Dir), Name: ev.Dir, Op: fsnotify.Remove})
	}
}

// drain takes the events that are there already. The library hands them over one by
// one, so that it must be let run between two.
func (n *portable) drain(tell func(Event)) {
	for idle := 0; idle < 3; {
		select {
		case ev, ok := <-n.fs.Events:
			if !ok {
				return
			}
			tell(eventOf(ev))
			idle = 0
		default:
			idle++
			runtime.Gosched()
		}
	}
}

func eventOf(ev fsnotify.Event) Event {
	name := systemPath(ev.Name)
	return Event{Dir: filepath.Dir(name), Name: name, Op: ev.Op}
}
