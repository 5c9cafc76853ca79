//go:build unix

package tail

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// watchHangup calls gone when the reader of a pipe has closed it, so that following
// a silent topic into `head` ends without waiting for one more record. It returns
// at once when ctx ends, and when out is no pipe.
func watchHangup(ctx context.Context, out any, gone func()) {
	f, ok := out.(*os.File)
	if !ok {
		return
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	ended, end, err := os.Pipe()
	if err != nil {
		return // a closed pipe is noticed at the next write
	}
	defer func() { _ = ended.Close() }()
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { _ = end.Close(); close(closed) })
	defer func() {
		if stop() {
			_ = end.Close()
		} else {
			<-closed
		}
	}()
	fds := []unix.PollFd{{Fd: int32(f.Fd())}, {Fd: int32(ended.Fd()), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return
		}
		if fds[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
			gone()
			return
		}
	}
}

// IsClosedPipe tells whether a write failed because nobody reads any more.
func IsClosedPipe(err error) bool { return errors.Is(err, unix.EPIPE) }
