package tail

import (
	"errors"
	"io/fs"
	"os"

	"logctl/agent/tail/internal/fsys"
)

// allowed asks whether a file may be followed under its names. It spares the opening of
// what is refused; what was opened is judged again.
func (s *Set) allowed(paths ...string) error {
	for _, p := range paths {
		if err := s.judge(p); err != nil {
			return err
		}
	}
	return nil
}

// judge is Config.Allowed as a refusal in words, which name no path: the names of files
// outside are not for those who may only see the entry.
func (s *Set) judge(path string) error {
	if s.cfg.Allowed == nil {
		return nil
	}
	if err := s.cfg.Allowed(path); err != nil {
		return &notAllowedError{err}
	}
	return nil
}

// openOnce opens the regular file at path, if that may be followed.
func (s *Set) openOnce(path string) (*os.File, fsys.Stat, error) {
	judge := s.judge
	if s.cfg.Allowed == nil {
		judge = nil
	}
	h, st, err := s.sys.Open(path, judge)
	switch {
	case errors.Is(err, fsys.ErrForeign):
		err = &notAllowedError{fsys.ErrForeign}
	case errors.Is(err, fsys.ErrMoving):
		err = errTryLater
	}
	return h, st, err
}

type notAllowedError struct{ err error }

func (e *notAllowedError) Error() string { return "not allowed: " + e.err.Error() }
func (e *notAllowedError) Unwrap() error { return e.err }

// isRefused tells whether err says that a file must not, or cannot, be read by this agent.
func isRefused(err error) bool {
	var refused *notAllowedError
	return errors.As(err, &refused) || errors.Is(err, fs.ErrPermission)
}
