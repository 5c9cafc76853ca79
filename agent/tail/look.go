package tail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"logctl/agent/tail/internal/fsys"
)

// OpenRegular opens a regular file for reading as a Set does: it waits for nothing, so
// that a FIFO or a device is an error, and allowed judges what was opened, never what was
// named. nil allows everything.
func OpenRegular(path string, allowed func(path string) error) (*os.File, error) {
	s := &Set{cfg: Config{Allowed: allowed}, sys: fsys.System{Now: time.Now}}
	f, _, err := s.openOnce(path)
	return f, err
}

// List returns the names that a path or glob stands for, sorted, without following any.
// It looks where a Set with the same Path, Exclude and AllowedDir would. whole is false
// when ctx ended before everything was looked at; that is no error, and neither is a
// directory that cannot be read: it hides its files from a Set too. That nothing of what
// the glob stands for may be followed is an error.
func List(ctx context.Context, cfg Config) (names []string, whole bool, err error) {
	sys := fsys.System{Now: time.Now}
	w, err := fsys.NewWalker(&sys, cfg.Path, cfg.Exclude, cfg.AllowedDir)
	if err != nil {
		return nil, false, fmt.Errorf("look for %q: %w", cfg.Path, err)
	}
	w.Stopping = func() bool { return ctx.Err() != nil }
	found, err := w.Walk()
	whole = !errors.Is(err, fsys.ErrStopping)
	if errors.Is(err, fsys.ErrOutside) && cfg.Allowed != nil {
		s := &Set{cfg: cfg}
		if err := s.allowed(filepath.Join(w.Base, "*")); err != nil { // a name that no file has
			return nil, true, err
		}
	}
	names = slices.Clone(found)
	slices.Sort(names)
	return slices.Compact(names), whole, nil
}
