package fsys

import (
	"os"

	"golang.org/x/sys/unix"
)

// SeekData returns the position of the first byte at or after off that is not in
// a hole, or -1 when there is none. The file position it moves is used by nobody.
func SeekData(f *os.File, off int64) (int64, bool) {
	n, err := unix.Seek(int(f.Fd()), off, unix.SEEK_DATA)
	if err == unix.ENXIO {
		return -1, true
	}
	return n, err == nil
}

// Birth returns when the file was created, in Unix nanoseconds; 0: unknown.
func Birth(f *os.File) int64 {
	var x unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &x)
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
