//go:build unix && !linux

package opener

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openDir takes hold of the directory at a path without links.
func openDir(path string) (int, error) {
	return walkDir(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK)
}

// openIn opens the file in dir that has the last name of the path. No link was followed
// on the way, so the path is that of the file.
func openIn(dir int, real string, _ func(string) error) (*os.File, error) {
	fd, err := openat(dir, filepath.Base(real), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, moved(err)
	}
	f := os.NewFile(uintptr(fd), real)
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		_ = f.Close()
		return nil, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return f, nil
	case unix.S_IFDIR:
		err = unix.EISDIR
	default:
		err = ErrNotRegular
	}
	_ = f.Close()
	return nil, err
}
