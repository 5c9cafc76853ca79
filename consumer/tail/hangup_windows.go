package tail

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// hangupPoll is how often a pipe is asked whether somebody reads it.
const hangupPoll = 250 * time.Millisecond

// watchHangup calls gone when the reader of a pipe has closed it, so that following
// a silent topic into `more` ends without waiting for one more record. It returns
// when ctx ends, and at once when out is no pipe.
func watchHangup(ctx context.Context, out any, gone func()) {
	f, ok := out.(*os.File)
	if !ok {
		return
	}
	h := windows.Handle(f.Fd())
	if kind, err := windows.GetFileType(h); err != nil || kind != windows.FILE_TYPE_PIPE {
		return
	}
	tick := time.NewTicker(hangupPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch state, ok := pipeState(h); {
		case !ok:
			return
		case state == pipeClosing || state == pipeDisconnected:
			gone()
			return
		}
	}
}

// States of a pipe, as FILE_PIPE_LOCAL_INFORMATION has them (ntifs.h).
const (
	pipeDisconnected = 1
	pipeClosing      = 4
)

// pipeState asks for the state of a pipe by its end to write to, of which PeekNamedPipe
// may not ask. ok is false where it cannot be told.
func pipeState(h windows.Handle) (state uint32, ok bool) {
	query := windows.NewLazySystemDLL("ntdll.dll").NewProc("NtQueryInformationFile")
	if query.Find() != nil {
		return 0, false
	}
	const filePipeLocalInformation = 24
	var status windows.IO_STATUS_BLOCK
	var info [10]uint32 // type, configuration, instances, current, 4 quotas, state, end
	r, _, _ := query.Call(uintptr(h), uintptr(unsafe.Pointer(&status)), uintptr(unsafe.Pointer(&info)), unsafe.Sizeof(info), filePipeLocalInformation)
	return info[8], r == 0
}

// IsClosedPipe tells whether a write failed because nobody reads any more.
func IsClosedPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA) ||
		errors.Is(err, windows.ERROR_PIPE_NOT_CONNECTED) || errors.Is(err, syscall.EPIPE)
}
