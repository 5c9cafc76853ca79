package fsys

import (
	"fmt"
	"sync"
)

// budget bounds how many files a notifier that needs a descriptor for each of them
// (kqueue) may watch. It may be used by several goroutines.
type budget struct {
	most int // 0: no bound

	mu    sync.Mutex
	files map[string]int // by directory
	sum   int
}

func newBudget(most int) *budget { return &budget{most: most, files: map[string]int{}} }

// ManyFilesError is why a directory is looked at by time.
type ManyFilesError struct {
	Dir         string
	Files, Most int
}

func (e *ManyFilesError) Error() string {
	return fmt.Sprintf("%s has %d files, each of which would take a descriptor to be watched, of %d in all", e.Dir, e.Files, e.Most)
}

// take asks for the files of a directory, which is not counted twice. names lists them.
func (b *budget) take(dir string, names func(dir string) ([]string, error)) error {
	if b.most == 0 {
		return nil
	}
	in, err := names(dir)
	if err != nil {
		return nil // the notifier says what is wrong
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sum-b.files[dir]+len(in) > b.most {
		return &ManyFilesError{dir, len(in), b.most}
	}
	b.sum += len(in) - b.files[dir]
	b.files[dir] = len(in)
	return nil
}

// changed counts a file that came to a watched directory, or went. It tells whether there is
// room for it.
func (b *budget) changed(dir string, by int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, ok := b.files[dir]
	if b.most == 0 || !ok || n+by < 0 {
		return true
	}
	b.files[dir] = n + by
	b.sum += by
	return b.sum <= b.most
}

// give gives back what a directory took.
func (b *budget) give(dir string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum -= b.files[dir]
	delete(b.files, dir)
}
