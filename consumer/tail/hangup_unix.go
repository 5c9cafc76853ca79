//go:build unix

package tail

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// hangupPoll is how often ctx is looked at while waiting, milliseconds.
const hangupPoll = 250

// watchHangup calls gone when the reader of a pipe has closed it, so that following
// a silent topic into `head` ends without waiting for one more record. It returns
// when ctx ends, and at once when out is no pipe.
func watchHangup(ctx context.Context, out any, gone func()) {
	f, ok := out.(*os.File)
	if !ok {
		return
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd())}}
	for ctx.Err() == nil {
		n, err := unix.Poll(fds, hangupPoll)
		if err != nil && err != unix.EINTR {
			return
		}
		if n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
			gone()
			return
		}
	}
}
