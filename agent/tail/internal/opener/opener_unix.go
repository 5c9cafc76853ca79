//go:build unix

package opener

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Real returns path with all links followed.
func Real(path string) (string, error) { return filepath.EvalSymlinks(path) }

// openReal opens the file at a path without links.
func openReal(real string, allowed func(string) error) (*os.File, error) {
	dir, err := openDir(filepath.Dir(real))
	if err != nil {
		return nil, moved(err)
	}
	defer func() { _ = unix.Close(dir) }()
	var at unix.Stat_t
	if err := fstat(dir, &at); err != nil {
		return nil, err
	}
	f, err := openIn(dir, real, allowed)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := fstat(int(f.Fd()), &st); err != nil {
		_ = f.Close()
		return nil, err
	}
	if foreign(ownerOf(&at), ownerOf(&st)) {
		_ = f.Close()
		return nil, ErrForeign
	}
	return f, nil
}

// moved tells a path that leads through a link by now from one that cannot be opened.
func moved(err error) error {
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EXDEV) {
		return errMoved
	}
	return err
}

// owner is whose a file or directory is.
type owner struct {
	uid, gid uint32
	mode     uint32 // permission bits
	links    uint64
}

func ownerOf(st *unix.Stat_t) owner {
	return owner{st.Uid, st.Gid, uint32(st.Mode) & 0o7777, uint64(st.Nlink)}
}

// foreign tells whether the file could be one that its directory's owner could not read:
// then nobody who may put names there vouches for it. A directory of root vouches for
// all in it, unless others may write to it, or a group that could not read the file, and
// the file has a name elsewhere too.
func foreign(dir, file owner) bool {
	switch {
	case file.mode&0o004 != 0:
		return false
	case dir.mode&0o002 != 0 && file.links > 1:
		return true // anybody may have linked it
	case dir.mode&0o020 != 0 && dir.gid != 0 && file.links > 1 && (file.gid != dir.gid || file.mode&0o040 == 0):
		return true // anybody of the group may have
	case dir.uid == 0:
		return false
	case file.uid == dir.uid:
		return file.mode&0o400 == 0
	case file.gid == dir.gid:
		return file.mode&0o040 == 0
	}
	return true
}

// walkDir is openDir component by component, for kernels without openat2.
func walkDir(path string, flags int) (int, error) {
	fd, err := openat(unix.AT_FDCWD, "/", flags)
	if err != nil {
		return -1, err
	}
	for rest := path[1:]; rest != ""; {
		name := rest
		rest = ""
		for i := range len(name) {
			if name[i] == '/' {
				name, rest = name[:i], name[i+1:]
				break
			}
		}
		if name == "" {
			continue
		}
		next, err := openat(fd, name, flags|unix.O_NOFOLLOW)
		_ = unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}

func openat(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func fstat(fd int, st *unix.Stat_t) error {
	for {
		if err := unix.Fstat(fd, st); err != unix.EINTR {
			return err
		}
	}
}
