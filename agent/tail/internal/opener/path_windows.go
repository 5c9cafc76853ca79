package opener

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

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

// Real returns path with all links followed. A long path is asked of the file that it
// leads to: what filepath.EvalSymlinks calls takes none on servers before Windows 10 1703.
func Real(path string) (string, error) {
	if len(path) < longest {
		return filepath.EvalSymlinks(path)
	}
	f, err := Handle(path, windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	real, err := Final(windows.Handle(f.Fd()))
	if errors.Is(err, windows.ERROR_MORE_DATA) {
		return filepath.EvalSymlinks(path)
	}
	return real, err
}

// Final returns the path that an open file has now, without the prefix of long paths. The
// error is ERROR_MORE_DATA where the system does not return so long a path: Wine before 9
// has none beyond 260 characters.
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

// onVolume is Final by FILE_NAME_INFO, which is the path below the volume, for a file that
// was opened at the path real. A file on another volume is errMoved: a link leads there.
func onVolume(h windows.Handle, real string) (string, error) {
	type nameInfo struct {
		bytes uint32
		name  [windows.MAX_LONG_PATH]uint16
	}
	info := new(nameInfo)
	err := windows.GetFileInformationByHandleEx(h, windows.FileNameInfo, (*byte)(unsafe.Pointer(info)), uint32(unsafe.Sizeof(*info)))
	if err != nil {
		return "", err
	}
	volume := filepath.VolumeName(real)
	root, err := Handle(volume+`\`, windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	var file, at windows.ByHandleFileInformation
	err = errors.Join(windows.GetFileInformationByHandle(h, &file), windows.GetFileInformationByHandle(windows.Handle(root.Fd()), &at))
	if err != nil {
		return "", err
	}
	if file.VolumeSerialNumber != at.VolumeSerialNumber {
		return "", errMoved
	}
	below := string(utf16.Decode(info.name[:min(info.bytes/2, uint32(len(info.name)))]))
	if strings.HasPrefix(volume, `\\`) {
		return `\` + below, nil // the share is part of the name
	}
	return volume + below, nil
}
