package fsys

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// openShared opens path so that others may go on writing, renaming and deleting.
func openShared(path string) (*os.File, error) { return openHandle(path, windows.GENERIC_READ) }

func openHandle(path string, access uint32) (*os.File, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := windows.CreateFile(p, access,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// StatPath looks at what is at path, links followed.
func StatPath(path string, st *Stat) error {
	f, err := openHandle(path, windows.FILE_READ_ATTRIBUTES)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return StatFile(f, st)
}

// StatFile looks at an open file.
func StatFile(f *os.File, st *Stat) error {
	var d windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &d); err != nil {
		return &fs.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	st.ID = Inode{Dev: uint64(d.VolumeSerialNumber), Ino: uint64(d.FileIndexHigh)<<32 | uint64(d.FileIndexLow)}
	st.Size = int64(d.FileSizeHigh)<<32 | int64(d.FileSizeLow)
	st.Mtime = d.LastWriteTime.Nanoseconds()
	st.Links = uint64(d.NumberOfLinks)
	st.Dir = d.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0
	st.Regular = !st.Dir && d.FileAttributes&windows.FILE_ATTRIBUTE_DEVICE == 0
	return nil
}

func ReadAt(f *os.File, b []byte, off int64) (int, error) {
	n, err := f.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func OpenLimit() int { return 8192 }

func IsTooMany(err error) bool { return errors.Is(err, windows.ERROR_TOO_MANY_OPEN_FILES) }
