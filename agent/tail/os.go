package tail

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// inode is what the file system calls a file by.
type inode struct{ dev, ino uint64 }

// fileStat is what one look at a file tells. Times are Unix nanoseconds.
type fileStat struct {
	id      inode
	size    int64
	mtime   int64
	ctime   int64  // 0 where there is none
	links   uint64 // 0: deleted, only descriptors keep it
	regular bool
	dir     bool
}

// errChanged is returned when a name leads to another file than expected.
var errChanged = errors.New("another file has this name now")

// errNotRegular is why a socket, a device or a named pipe is not followed.
var errNotRegular = errors.New("not a regular file")

// isGone tells whether err says for certain that there is no file of that name.
// Everything else (no permission, no descriptors, an I/O error) says nothing
// about the file.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// system is how a Set sees files and time: as they are, but for what a test puts
// between.
type system struct {
	now   func() time.Time
	adapt func(st *fileStat)     // changes what a look at a file told; nil: nothing
	born  func(h *os.File) int64 // stands for birth; nil: birth
	names func(dir string)       // told that a directory is read; nil: nothing
}

// readNames returns the names in a directory, sorted.
func (s *system) readNames(dir string) ([]string, error) {
	if s.names != nil {
		s.names(dir)
	}
	return readNames(dir)
}

// statPath looks at what is at path, links followed.
func (s *system) statPath(path string, st *fileStat) error {
	err := statPath(path, st)
	if err == nil && s.adapt != nil {
		s.adapt(st)
	}
	return err
}

// statFile looks at an open file.
func (s *system) statFile(h *os.File, st *fileStat) error {
	err := statFile(h, st)
	if err == nil && s.adapt != nil {
		s.adapt(st)
	}
	return err
}

// statFollowed is statFile for a file that is followed, the quick way where there is one.
func (s *system) statFollowed(h *os.File, q *quick, st *fileStat) error {
	if !q.quickStat(h, st) {
		return s.statFile(h, st)
	}
	if s.adapt != nil {
		s.adapt(st)
	}
	return nil
}

// birth returns when a file was created, in Unix nanoseconds; 0: unknown.
func (s *system) birth(h *os.File) int64 {
	if s.born != nil {
		return s.born(h)
	}
	return birth(h)
}

// open opens a regular file for reading without waiting for anything.
func (s *system) open(path string) (*os.File, fileStat, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, fileStat{}, err
	}
	var st fileStat
	if err := s.statFile(f, &st); err != nil {
		_ = f.Close()
		return nil, st, err
	}
	if !st.regular {
		_ = f.Close()
		return nil, st, notRegular(path, st)
	}
	return f, st, nil
}

func notRegular(path string, st fileStat) error {
	err := errNotRegular
	if st.dir {
		err = syscall.EISDIR
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}

// readFull reads len(b) bytes at off, fewer only at the end of the file.
func readFull(f *os.File, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		m, err := readAt(f, b[n:], off+int64(n))
		n += m
		if err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if m == 0 {
			break
		}
	}
	return n, nil
}

// resolve returns the path with all symbolic links followed.
func resolve(path string) string {
	r, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	return r
}
