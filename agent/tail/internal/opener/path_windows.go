package opener

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/windows"
)

// longest is the length from which a path is given to the system in the form that has no
// limit. Directories have the lower one: 248 with the terminating NUL.
const longest = 247

// Long returns the path in the form \\?\, which may be longer than 260 characters. Only
// absolute paths that are long are changed: the form takes names as they are written.
func Long(path string) string {
	if len(path) < longest || strings.HasPrefix(path, `\\?\`) || strings.HasPrefix(path, `\\.\`) {
		return path
	}
	path = strings.ReplaceAll(path, "/", `\`)
	switch {
	case strings.HasPrefix(path, `\\`):
		return `\\?\UNC\` + path[2:]
	case len(path) > 2 && path[1] == ':' && path[2] == '\\':
		return `\\?\` + path
	}
	return path
}

// Handle opens what is at path so that others may go on reading, writing, renaming and
// deleting. The handle is not inherited by programs that are started. flags are added to
// FILE_FLAG_BACKUP_SEMANTICS, by which directories can be opened too.
func Handle(path string, access, flags uint32) (*os.File, error) {
	p, err := windows.UTF16PtrFromString(Long(path))
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := create(p, access, flags)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// create is CreateFile. A file that is deleted, and held by somebody still, keeps its name
// on file systems without POSIX deletion: the error for that is the one of no permission,
// and only the status behind it says that there is no file any more.
func create(path *uint16, access, flags uint32) (windows.Handle, error) {
	runtime.LockOSThread() // the status is that of the thread's last call
	defer runtime.UnlockOSThread()
	h, err := windows.CreateFile(path, access,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_BACKUP_SEMANTICS|flags, 0)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) && lastStatus() == windows.STATUS_DELETE_PENDING {
		return h, windows.ERROR_FILE_NOT_FOUND
	}
	return h, err
}

// lastStatus is RtlGetLastNtStatus of ntdll: the status behind the last error of the thread.
func lastStatus() windows.NTStatus {
	p := windows.NewLazySystemDLL("ntdll.dll").NewProc("RtlGetLastNtStatus")
	if p.Find() != nil {
		return 0
	}
	r, _, _ := p.Call()
	return windows.NTStatus(r)
}

// Final returns the path that an open file has now, without the prefix of long paths.
func Final(h windows.Handle) (string, error) {
	buf := make([]uint16, windows.MAX_PATH)
	for {
		n, err := windows.GetFinalPathNameByHandle(h, &buf[0], uint32(len(buf)), 0)
		if errors.Is(err, windows.ERROR_MORE_DATA) && len(buf) < windows.MAX_LONG_PATH { // Wine; Windows tells the length
			buf = make([]uint16, windows.MAX_LONG_PATH)
			continue
		}
		if err != nil {
			return "", err
		}
		if int(n) < len(buf) {
			path := string(utf16.Decode(buf[:n]))
			if rest, ok := strings.CutPrefix(path, `\\?\UNC\`); ok {
				return `\\` + rest, nil
			}
			return strings.TrimPrefix(path, `\\?\`), nil
		}
		buf = make([]uint16, n+1)
	}
}
