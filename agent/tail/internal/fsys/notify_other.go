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
	return &portable{fs: fs, budget: newBudget(most)}, nil
}

func (n *portable) Add(dir string) (bool, error) {
	if err := n.budget.take(dir, ReadNames); err != nil {
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

func (n *portable) Run(ctx context.Context, tell func(Event), lost func()) error {
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
