package fsys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// quickMost is the size in bytes up to which a read is tried as a quick one.
const quickMost = 64 << 10

// Quick says whether the file system of a file can read without waiting.
type Quick int8

const (
	quickUnknown Quick = iota
	quickYes
	quickNo
)

// Read is readAt for a few bytes that were just written, and so are still in memory.
// It asks for them on the condition that the disk need not be waited for, so that the
// scheduler need not be told of a call that may take long: that wakes a second thread,
// which costs several times what the read does. ok is false when the bytes are to be
// read as usual: they are not in memory, or the file system cannot say.
func (q *Quick) Read(f *os.File, b []byte, off int64) (n int, ok bool) {
	if *q == quickNo || len(b) == 0 || len(b) > quickMost {
		return 0, false
	}
	iov := unix.Iovec{Base: &b[0]}
	iov.SetLen(len(b))
	r, _, e := unix.RawSyscall6(unix.SYS_PREADV2, f.Fd(), uintptr(unsafe.Pointer(&iov)), 1,
		uintptr(off), uintptr(uint64(off)>>32), unix.RWF_NOWAIT)
	switch e {
	case 0:
		*q = quickYes
		return int(r), true
	case unix.EAGAIN, unix.EINTR:
		return 0, false
	}
	*q = quickNo
	return 0, false
}

// quickStat is statFile where quickRead works, which is on file systems of this machine
// that know what they have in memory.
func (q *Quick) quickStat(f *os.File, st *Stat) bool {
	if *q != quickYes {
		return false
	}
	var x unix.Statx_t
	var empty [1]byte
	_, _, e := unix.RawSyscall6(unix.SYS_STATX, f.Fd(), uintptr(unsafe.Pointer(&empty[0])),
		unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(&x)), 0)
	if e == unix.EINTR {
		return false
	}
	if e != 0 || x.Mask&unix.STATX_BASIC_STATS != unix.STATX_BASIC_STATS {
		*q = quickNo
		return false
	}
	st.ID = Inode{Dev: unix.Mkdev(x.Dev_major, x.Dev_minor), Ino: x.Ino}
	st.Size = int64(x.Size)
	st.Mtime = x.Mtime.Sec*1e9 + int64(x.Mtime.Nsec)
	st.Ctime = x.Ctime.Sec*1e9 + int64(x.Ctime.Nsec)
	st.Links = uint64(x.Nlink)
	st.Regular = x.Mode&unix.S_IFMT == unix.S_IFREG
	st.Dir = x.Mode&unix.S_IFMT == unix.S_IFDIR
	return true
}
