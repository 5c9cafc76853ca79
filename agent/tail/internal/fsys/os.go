package fsys

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"logctl/agent/tail/internal/opener"
)

// Inode is what the file system calls a file by.
type Inode struct{ Dev, Ino uint64 }

// Stat is what one look at a file tells. Times are Unix nanoseconds.
type Stat struct {
	ID      Inode
	Size    int64
	Mtime   int64
	Ctime   int64  // 0 where there is none
	Links   uint64 // 0: deleted, only descriptors keep it
	Regular bool
	Dir     bool
}

// ErrChanged is returned when a name leads to another file than expected.
var ErrChanged = errors.New("another file has this name now")

// ErrNotRegular is why a socket, a device or a named pipe is not followed.
var ErrNotRegular = errors.New("not a regular file")

// IsGone tells whether err says for certain that there is no file of that name.
// Everything else (no permission, no descriptors, an I/O error) says nothing
// about the file.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// IsDead tells whether err means that a descriptor leads nowhere any more, for good: the
// file system was unmounted and mounted again, its server forgot the file or went away.
// The name may lead to the file again.
func IsDead(err error) bool {
	var e syscall.Errno
	return errors.Is(err, os.ErrClosed) || errors.As(err, &e) && isDead(e)
}

// pinned makes a call with the descriptor of f, which is closed after the call at the
// earliest. Another goroutine may close f at any time, because descriptors are short, and its
// number may be that of another file at once. The error is os.ErrClosed when f was closed.
func pinned(f *os.File, call func(fd uintptr)) error {
	c, err := f.SyscallConn()
	if err == nil {
		err = c.Control(call)
	}
	if err != nil {
		return &fs.PathError{Op: "use", Path: f.Name(), Err: os.ErrClosed}
	}
	return nil
}

// ReadAt is one read: fewer bytes than asked for mean that the file ended there.
func ReadAt(f *os.File, b []byte, off int64) (int, error) {
	n, err := f.ReadAt(b, off)
	switch {
	case errors.Is(err, io.EOF):
		err = nil
	case err != nil:
		n = 0
	}
	return n, err
}

// System is how a Set sees files and time: as they are, but for what a test puts
// between.
type System struct {
	Now   func() time.Time
	Adapt func(st *Stat)         // changes what a look at a file told; nil: nothing
	Born  func(h *os.File) int64 // stands for birth; nil: birth
	Names func(dir string)       // told that a directory is read; nil: nothing
	// Gentle and Folds bring the rules of Windows to other systems: files are let go as
	// soon as nothing is to be read, and names differ by more than case.
	Gentle, Folds bool
	// Holds brings the rules of other systems to Windows: files are held while they may
	// grow, although that can stop other programs.
	Holds bool
	// Spell returns a path as the disk has it, for a test with names without case on a
	// file system that has case; nil: it is found as it is.
	Spell func(path string) string
	// Refuse is asked before a file is opened; its error refuses that. nil: nothing is.
	Refuse func(path string) error
}

// ReadNames returns the names in a directory, sorted: where names have no case, as if all
// were small.
func (s *System) ReadNames(dir string) ([]string, error) {
	if s.Names != nil {
		s.Names(dir)
	}
	names, err := ReadNames(s.at(dir))
	if s.FoldsNames() {
		slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	}
	return names, err
}

// Resolve is Resolve of this system.
func (s *System) Resolve(path string) string { return Resolve(s.at(path)) }

// StatPath looks at what is at path, links followed.
func (s *System) StatPath(path string, st *Stat) error {
	err := StatPath(s.at(path), st)
	if err == nil && s.Adapt != nil {
		s.Adapt(st)
	}
	return err
}

// StatFile looks at an open file.
func (s *System) StatFile(h *os.File, st *Stat) error {
	err := StatFile(h, st)
	if err == nil && s.Adapt != nil {
		s.Adapt(st)
	}
	return err
}

// StatFollowed is statFile for a file that is followed, the quick way where there is one.
func (s *System) StatFollowed(h *os.File, q *Quick, st *Stat) error {
	if !q.quickStat(h, st) {
		return s.StatFile(h, st)
	}
	if s.Adapt != nil {
		s.Adapt(st)
	}
	return nil
}

// Birth returns when a file was created, in Unix nanoseconds; 0: unknown.
func (s *System) Birth(h *os.File) int64 {
	if s.Born != nil {
		return s.Born(h)
	}
	return Birth(h)
}

// What Open says of a file that is not to be read, or not now: see package opener.
var (
	ErrForeign = opener.ErrForeign
	ErrMoving  = opener.ErrMoving
)

// Open opens a regular file for reading without waiting for anything. What may be read
// is judged by what was opened; allowed is nil where everything may.
func (s *System) Open(path string, allowed func(path string) error) (*os.File, Stat, error) {
	var f *os.File
	var err error
	if s.Refuse != nil {
		if err := s.Refuse(path); err != nil {
			return nil, Stat{}, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	path = s.at(path)
	if allowed == nil {
		f, err = openShared(path)
	} else {
		f, err = opener.Open(path, allowed)
	}
	if errors.Is(err, opener.ErrNotRegular) {
		err = NotRegular(path, Stat{})
	}
	if IsUnshared(err) {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrUnshared}
	}
	if err != nil {
		return nil, Stat{}, err
	}
	var st Stat
	if err := s.StatFile(f, &st); err != nil {
		_ = f.Close()
		return nil, st, err
	}
	if !st.Regular {
		_ = f.Close()
		return nil, st, NotRegular(path, st)
	}
	return f, st, nil
}

func NotRegular(path string, st Stat) error {
	err := ErrNotRegular
	if st.Dir {
		err = syscall.EISDIR
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}

// ReadFull reads len(b) bytes at off, fewer only at the end of the file.
func ReadFull(f *os.File, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		m, err := ReadAt(f, b[n:], off+int64(n))
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

// Resolve returns the path with all symbolic links followed.
func Resolve(path string) string {
	r, err := opener.Real(path)
	if err != nil {
		return path
	}
	return r
}

// ReadNames returns the names in a directory, sorted.
func ReadNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	_ = d.Close()
	slices.Sort(names)
	return names, err
}
