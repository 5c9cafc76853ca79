//go:build unix

package fsys

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openShared opens path for reading. O_NONBLOCK keeps a named pipe from blocking.
func openShared(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
}

// StatPath looks at what is at path, links followed.
func StatPath(path string, st *Stat) error {
	var u unix.Stat_t
	for {
		err := unix.Stat(path, &u)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "stat", Path: path, Err: err}
		}
		st.fill(&u)
		return nil
	}
}

// StatFile looks at an open file.
func StatFile(f *os.File, st *Stat) error {
	var u unix.Stat_t
	var err error
	closed := pinned(f, func(fd uintptr) {
		for err = unix.EINTR; err == unix.EINTR; {
			err = unix.Fstat(int(fd), &u)
		}
	})
	switch {
	case closed != nil:
		return closed
	case err != nil:
		return &fs.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	st.fill(&u)
	return nil
}

func (st *Stat) fill(u *unix.Stat_t) {
	st.ID = Inode{Dev: uint64(u.Dev), Ino: u.Ino}
	st.Size = u.Size
	st.Mtime = u.Mtim.Nano()
	st.Ctime = u.Ctim.Nano()
	st.Links = uint64(u.Nlink)
	st.Regular = u.Mode&unix.S_IFMT == unix.S_IFREG
	st.Dir = u.Mode&unix.S_IFMT == unix.S_IFDIR
}

// OpenLimit is the number of descriptors the process may have.
func OpenLimit() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || l.Cur > 1<<20 {
		return 1 << 20
	}
	return int(l.Cur)
}

// IsTooMany tells whether err means that descriptors have run out.
func IsTooMany(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func isDead(e syscall.Errno) bool {
	switch e {
	case syscall.ESTALE, syscall.ENOTCONN, syscall.EIO, syscall.ENODEV, syscall.ENXIO, syscall.ESHUTDOWN,
		syscall.ECONNABORTED, syscall.EHOSTDOWN, syscall.EBADF:
		return true
	}
	return false
}
