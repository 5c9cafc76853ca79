package fsys

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// SeekData returns the position of the first byte at or after off that is not in
// a hole, or -1 when there is none. The file position it moves is used by nobody.
func SeekData(f *os.File, off int64) (int64, bool) {
	var n int64
	var err error
	closed := pinned(f, func(fd uintptr) { n, err = unix.Seek(int(fd), off, unix.SEEK_DATA) })
	if closed == nil && err == unix.ENXIO {
		return -1, true
	}
	return n, closed == nil && err == nil
}

// NameOf returns the name that an open file has now, which may not be the one it was
// opened by. It is "" when the file was deleted; ok is false when it cannot be told.
func NameOf(f *os.File) (name string, ok bool) {
	var err error
	closed := pinned(f, func(fd uintptr) { name, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)) })
	if closed != nil || err != nil || !strings.HasPrefix(name, "/") {
		return "", false
	}
	if strings.HasSuffix(name, " (deleted)") {
		return "", true
	}
	return name, true
}

// Birth returns when the file was created, in Unix nanoseconds; 0: unknown.
func Birth(f *os.File) int64 {
	var x unix.Statx_t
	var err error
	if pinned(f, func(fd uintptr) { err = unix.Statx(int(fd), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &x) }) != nil {
		return 0
	}
	return birthOf(&x, err)
}

// BirthPath is birth of the file at path.
func BirthPath(path string) int64 {
	var x unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BTIME, &x)
	return birthOf(&x, err)
}

func birthOf(x *unix.Statx_t, err error) int64 {
	if err != nil || x.Mask&unix.STATX_BTIME == 0 {
		return 0
	}
	return x.Btime.Sec*1e9 + int64(x.Btime.Nsec)
}
