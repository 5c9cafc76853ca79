package opener

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openDir takes hold of the directory at a path without links.
func openDir(path string) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(unix.AT_FDCWD, path, &how)
		switch err {
		case unix.EINTR:
		case unix.ENOSYS, unix.EPERM: // before Linux 5.6, or a sandbox that does not know the call
			return walkDir(path, unix.O_PATH|unix.O_DIRECTORY)
		default:
			return fd, err
		}
	}
}

// openIn opens the file in dir that has the last name of the path. The file is held and
// looked at before it is opened for reading; /proc then leads from the one descriptor to
// the other.
func openIn(dir int, real string, allowed func(string) error) (*os.File, error) {
	held, err := openat(dir, filepath.Base(real), unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return nil, moved(err)
	}
	defer func() { _ = unix.Close(held) }()
	var st unix.Stat_t
	if err := fstat(held, &st); err != nil {
		return nil, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFLNK:
		return nil, errMoved
	case unix.S_IFDIR:
		return nil, unix.EISDIR
	default:
		return nil, ErrNotRegular
	}
	link := "/proc/self/fd/" + strconv.Itoa(held)
	now, err := os.Readlink(link)
	if err != nil {
		return nil, ErrNoProc
	}
	if err := judge(now, real, st.Nlink == 0, allowed); err != nil {
		return nil, err
	}
	fd, err := openat(unix.AT_FDCWD, link, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), real), nil
}

// judge judges a file by the path that its descriptor has now. Of a file that was
// deleted the kernel says so behind the path it had.
func judge(now, real string, deleted bool, allowed func(string) error) error {
	if deleted {
		now = strings.TrimSuffix(now, " (deleted)")
	}
	if now == real {
		return nil // judged before
	}
	return allowed(now)
}
