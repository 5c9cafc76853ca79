package opener

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// openReal opens the file at a path without links, so that others may go on writing,
// renaming and deleting, and judges the path that the handle has.
func openReal(real string, allowed func(string) error) (*os.File, error) {
	f, err := Handle(real, windows.GENERIC_READ, windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return nil, err
	}
	if err := inspect(windows.Handle(f.Fd()), real, allowed); err != nil {
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
	now, err := Final(h)
	if errors.Is(err, windows.ERROR_MORE_DATA) {
		now, err = onVolume(h, real)
	}
	if err != nil {
		return err
	}
	if strings.EqualFold(now, real) {
		return nil // judged before
	}
	return allowed(now)
}
