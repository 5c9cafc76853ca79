package tail

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// notifier is what the system offers to learn of changes in directories. A directory
// that is gone, or was given another name, is no longer watched; its own event says so.
type notifier interface {
	// add begins to watch a directory. It may be called while another add is under way,
	// and may wait for run, or for the file system. early says that changes came before
	// they could be told of.
	add(dir string) (early bool, err error)
	// remove ends it. The directory may be gone.
	remove(dir string)
	// run calls tell for each change, and lost when some could not be told, until ctx
	// ends; between two looks at what there is, it waits for eventPace. It returns the
	// reason when the system fails, and is called once.
	run(ctx context.Context, tell func(event), lost func()) error
	// close gives back what the system lent, after run has returned.
	close()
}

// event is one change: what happened to name in dir, or to dir itself if they are equal.
type event struct {
	dir, name string
	op        fsnotify.Op
}

// eventPace is the least time between two looks at what was notified. An event after
// a silence is told at once; of a file that is written to line by line, the system
// folds the events of the pause into one, and so do the reads and the requests that
// follow. Measured at 1,000 lines a second: a third of the CPU.
const eventPace = 6500 * time.Microsecond
