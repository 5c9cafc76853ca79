package opener

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// openReal opens the file at a path without links, so that others may go on writing,
// renaming and deleting, and judges the path that the handle has.
func openReal(real string, allowed func(string) error) (*os.File, error) {
	p, err := windows.UTF16PtrFromString(real)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(h), real)
	if err := inspect(h, real, allowed); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func inspect(h windows.Handle, real string, allowed func(string) error) error {
	var d windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &d); err != nil {
		return err
	}
	switch {
	case d.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		return errMoved
	case d.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		return syscall.EISDIR
	case d.FileAttributes&windows.FILE_ATTRIBUTE_DEVICE != 0:
		return ErrNotRegular
	}
	now, err := finalPath(h)
	if err != nil {
		return err
	}
	if strings.EqualFold(now, real) {
		return nil // judged before
	}
	return allowed(now)
}

// finalPath returns the path of an open file, without the prefix of long paths.
func finalPath(h windows.Handle) (string, error) {
	buf := make([]uint16, windows.MAX_PATH)
	for {
		n, err := windows.GetFinalPathNameByHandle(h, &buf[0], uint32(len(buf)), 0)
		if err != nil {
			return "", err
		}
		if int(n) < len(buf) {
			path := windows.UTF16ToString(buf[:n])
			if rest, ok := strings.CutPrefix(path, `\\?\UNC\`); ok {
				return `\\` + rest, nil
			}
			return strings.TrimPrefix(path, `\\?\`), nil
		}
		buf = make([]uint16, n+1)
	}
}
