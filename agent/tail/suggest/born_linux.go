package suggest

import "golang.org/x/sys/unix"

// born returns when the file was created, in Unix nanoseconds; 0: not known.
func born(path string) int64 {
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BTIME, &x); err != nil || x.Mask&unix.STATX_BTIME == 0 {
		return 0
	}
	return x.Btime.Sec*1e9 + int64(x.Btime.Nsec)
}
