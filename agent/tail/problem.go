package tail

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"logctl/agent/tail/internal/fsys"
)

// problemsLocked says, in words, why the first of the files that cannot be followed
// or read is not, and how many they are. The first is that with the lowest name, so
// that the text stays the same as long as the problem does.
func (s *Set) problemsLocked() (first, at string, n int, why error) {
	note := func(path string, err error) {
		if !isProblem(err) {
			return
		}
		n++
		if why == nil || path < at {
			at, why = path, err
		}
	}
	for _, sl := range s.slots {
		if sl.virtual {
			continue
		}
		if cur, err := sl.standsLocked(); cur == nil || cur.err == nil {
			note(sl.path, err)
		}
	}
	for f := range s.files {
		if s.passingLocked(f) {
			continue
		}
		note(f.name, f.err)
	}
	note(s.cfg.Path, s.err)
	if why == nil {
		return "", "", 0, nil
	}
	first = words(why)
	if !strings.Contains(first, at) {
		first += ": " + at
	}
	return first, at, n, why
}

// isProblem tells whether err is for an operator to solve: not that a file is
// missing or moving, nor that a name is not that of a file.
func isProblem(err error) bool {
	return err != nil && !fsys.IsGone(err) && (!errors.Is(err, errTryLater) || fsys.IsUnshared(err)) && !errors.Is(err, fsys.ErrChanged) &&
		!errors.Is(err, fsys.ErrNotRegular) && !errors.Is(err, syscall.EISDIR)
}

// unwrapped is the innermost error in words.
func unwrapped(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// words says what an error means.
func words(err error) string {
	var p *fs.PathError
	path := ""
	if errors.As(err, &p) {
		path = ": " + p.Path
	}
	switch {
	case fsys.IsUnshared(err):
		return fsys.ErrUnshared.Error() + path
	case errors.Is(err, fs.ErrPermission):
		return "permission denied" + path
	case errors.Is(err, syscall.ENOTDIR):
		return "a part of the path is not a directory" + path
	case errors.Is(err, syscall.ENOTCONN), errors.Is(err, syscall.ESTALE), errors.Is(err, syscall.ESHUTDOWN):
		return "the file system is gone (" + unwrapped(err) + "): mount it again" + path
	case errors.Is(err, syscall.EISDIR):
		return "is a directory" + path
	case fsys.IsTooMany(err):
		return "too many open files: raise the limit (ulimit -n)" + path
	case errors.Is(err, fs.ErrNotExist):
		return "waiting for file"
	}
	return err.Error()
}
