//go:build unix

package tail

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

func statPath(path string, st *fileStat) error {
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

func statFile(f *os.File, st *fileStat) error {
	var u unix.Stat_t
	for {
		err := unix.Fstat(int(f.Fd()), &u)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "fstat", Path: f.Name(), Err: err}
		}
		st.fill(&u)
		return nil
	}
}

func (st *fileStat) fill(u *unix.Stat_t) {
	st.id = inode{dev: uint64(u.Dev), ino: u.Ino}
	st.size = u.Size
	st.mtime = u.Mtim.Nano()
	st.ctime = u.Ctim.Nano()
	st.links = uint64(u.Nlink)
	st.regular = u.Mode&unix.S_IFMT == unix.S_IFREG
	st.dir = u.Mode&unix.S_IFMT == unix.S_IFDIR
}

// readAt is one pread: fewer bytes than asked for mean that the file ended there.
func readAt(f *os.File, b []byte, off int64) (int, error) {
	for {
		n, err := unix.Pread(int(f.Fd()), b, off)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, &fs.PathError{Op: "read", Path: f.Name(), Err: err}
		}
		return n, nil
	}
}

// openLimit is the number of descriptors the process may have.
func openLimit() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || l.Cur > 1<<20 {
		return 1 << 20
	}
	return int(l.Cur)
}

// isTooMany tells whether err means that descriptors have run out.
func isTooMany(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
