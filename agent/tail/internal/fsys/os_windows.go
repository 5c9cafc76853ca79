package fsys

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"logctl/agent/tail/internal/opener"
)

// Folds tells that names differ by more than case: A.log and a.log are one file.
const Folds = true

// hinders tells that a file which is only open for reading can stop other programs: one
// that opens it without sharing, replaces it, or deletes it and makes it anew.
const hinders = true

// systemPath is a path as it is compared and opened.
func systemPath(path string) string { return plainPrefix(path) }

// longPath is a path as the library of notifications needs it: it calls the system itself.
func longPath(path string) string { return opener.Long(path) }

// openShared opens path so that others may go on writing, renaming and deleting.
func openShared(path string) (*os.File, error) {
	return opener.Handle(path, windows.GENERIC_READ, 0)
}

// StatPath looks at what is at path, links followed. It needs no right to read, and works
// on a file that another program has opened without sharing.
func StatPath(path string, st *Stat) error {
	f, err := opener.Handle(path, windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return StatFile(f, st)
}

// StatFile looks at an open file. Of a file that is deleted as soon as the last handle is
// closed, it says that it has no name any more.
func StatFile(f *os.File, st *Stat) error {
	var err error
	if closed := pinned(f, func(fd uintptr) { err = statHandle(windows.Handle(fd), st) }); closed != nil {
		return closed
	}
	if err != nil {
		return &fs.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return nil
}

func statHandle(h windows.Handle, st *Stat) error {
	var d windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &d); err != nil {
		return err
	}
	st.ID = identity(h, &d)
	st.Size = int64(d.FileSizeHigh)<<32 | int64(d.FileSizeLow)
	st.Mtime = d.LastWriteTime.Nanoseconds()
	st.Links = uint64(d.NumberOfLinks)
	if deletePending(h) {
		st.Links = 0
	}
	st.Dir = d.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0
	st.Regular = !st.Dir && d.FileAttributes&windows.FILE_ATTRIBUTE_DEVICE == 0
	return nil
}

// identity is what the file system calls a file by: the volume's serial number and the
// 128-bit id, as FILE_ID_INFO has them; where the file system knows no such ids, those of
// 32 and 64 bits. An id that needs more than 64 bits (ReFS) is folded into them.
func identity(h windows.Handle, d *windows.ByHandleFileInformation) Inode {
	var info struct {
		volume    uint64
		low, high uint64
	}
	err := windows.GetFileInformationByHandleEx(h, windows.FileIdInfo, (*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil || info.volume == 0 && info.low == 0 && info.high == 0 {
		return Inode{Dev: uint64(d.VolumeSerialNumber), Ino: uint64(d.FileIndexHigh)<<32 | uint64(d.FileIndexLow)}
	}
	return Inode{Dev: info.volume, Ino: fold(info.low, info.high)}
}

// deletePending tells whether the file goes when its last handle is closed. POSIX deletion
// takes the name at once, and has no links left.
func deletePending(h windows.Handle) bool {
	var info struct { // FILE_STANDARD_INFO
		allocation, end          int64
		links                    uint32
		deletePending, directory bool
		_                        [2]byte
	}
	err := windows.GetFileInformationByHandleEx(h, windows.FileStandardInfo, (*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	return err == nil && info.deletePending
}

// OpenLimit is the number of handles the process may have, as far as it wants to know.
func OpenLimit() int { return 8192 }

// isDead is of handles of a share whose server was away, or forgot them, of a volume that
// was dismounted, and of a device that is gone.
func isDead(e syscall.Errno) bool {
	switch e {
	case windows.ERROR_INVALID_HANDLE, windows.ERROR_DEV_NOT_EXIST, windows.ERROR_UNEXP_NET_ERR, windows.ERROR_NETNAME_DELETED,
		windows.ERROR_VC_DISCONNECTED, windows.ERROR_NO_SUCH_DEVICE, windows.ERROR_FILE_INVALID, windows.ERROR_MEDIA_CHANGED,
		windows.ERROR_DEVICE_NOT_CONNECTED, windows.ERROR_CONNECTION_ABORTED, windows.ERROR_DEVICE_REMOVED:
		return true
	}
	return false
}

// IsTooMany tells whether err means that handles have run out.
func IsTooMany(err error) bool {
	return errors.Is(err, windows.ERROR_TOO_MANY_OPEN_FILES) || errors.Is(err, windows.ERROR_NO_SYSTEM_RESOURCES)
}

// isUnshared tells whether another program holds the file, or a part of it, for itself.
func isUnshared(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION)
}
