package opener

import (
	"errors"
	"io/fs"
	"os"
)

// ErrMoving says that the names on the way to a file changed whenever it was opened. It
// can be tried again.
var ErrMoving = errors.New("names on the way to the file are being changed")

// ErrForeign is why a file is refused that its directory's owner could not read.
var ErrForeign = errors.New("the owner of its directory could not read this file; see allow_paths in docs/security.md")

// ErrNoProc is why no file is opened where /proc is missing, as in a bare chroot.
var ErrNoProc = errors.New("/proc is not mounted, which tells what was opened: mount it")

// ErrNotRegular is why a socket, a device or a named pipe is not opened.
var ErrNotRegular = errors.New("not a regular file")

// tries is how often an open begins anew because names changed under it.
const tries = 8

// Open opens the regular file at path for reading. allowed judges paths: that which is
// given, and the real one, of which no component is a link; its error refuses the file
// and is returned as it is. An error of the system is a *fs.PathError with path, never
// with the name of a file that a link led to.
func Open(path string, allowed func(path string) error) (*os.File, error) {
	if err := allowed(path); err != nil {
		return nil, err
	}
	var refusal error
	judge := func(real string) error {
		if refusal = allowed(real); refusal != nil {
			return errRefused
		}
		return nil
	}
	for range tries {
		f, err := follow(path, judge)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, errRefused):
			return nil, refusal
		case !errors.Is(err, errMoved):
			return nil, named(path, err)
		}
	}
	return nil, named(path, ErrMoving)
}

var (
	errMoved   = errors.New("the path is not the real one any more")
	errRefused = errors.New("refused")
)

// follow opens what is behind the links of path now.
func follow(path string, judge func(string) error) (*os.File, error) {
	real, err := Real(path)
	if err != nil {
		return nil, err
	}
	if err := judge(real); err != nil {
		return nil, err
	}
	return openReal(real, judge)
}

// named gives an error of the system the path that was asked for.
func named(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}
