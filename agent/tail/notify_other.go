//go:build !linux

package tail

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"time"

	"github.com/fsnotify/fsnotify"
)

// portable is the notifier of every system that has none of its own here.
type portable struct{ fs *fsnotify.Watcher }

func newNotifier() (notifier, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &portable{fs: fs}, nil
}

func (n *portable) add(dir string) (bool, error) { return false, n.fs.Add(dir) }

func (n *portable) remove(dir string) { _ = n.fs.Remove(dir) }

func (n *portable) close() { _ = n.fs.Close() }

func (n *portable) run(ctx context.Context, tell func(event), lost func()) error {
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
func (n *portable) drain(tell func(event)) {
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

func eventOf(ev fsnotify.Event) event {
	return event{dir: filepath.Dir(ev.Name), name: ev.Name, op: ev.Op}
}
