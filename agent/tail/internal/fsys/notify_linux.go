package fsys

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// What is asked of inotify for a directory.
const inotifyMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_MODIFY |
	unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

// inotify is the notifier of Linux. A file that is written to all the time costs one
// wake-up for each pace and no more, which a library that hands over each event
// cannot do:
//
//   - While changes come, inotify is not waited for at all, only the pace is; the events
//     of the pause wait in the kernel, the equal ones folded.
//   - The pace is a timer of the kernel in the same epoll set, not one of the Go runtime.
//     For its own timers the runtime wakes a thread for the timer and another that looks
//     whether something is late, and the latter goes on looking every 20 µs.
//   - No call here can wait, so none tells the scheduler that it might: that, too, would
//     wake the other thread.
//
// Measured with a tick of 5 ms: 60 µs a tick instead of 200.
type inotify struct {
	file   *os.File        // the epoll set, in the runtime's poller
	set    syscall.RawConn // of file
	in     int
	timer  int
	events [2]unix.EpollEvent
	buf    []byte

	mu     sync.Mutex
	closed bool
	dirs   map[string]int32   // watch descriptors
	names  map[int32][]string // directories that a descriptor stands for

	adding  int            // calls of add under way
	unknown map[int32]bool // descriptors without names that events came for meanwhile
}

// NewNotifier returns the notifier of this system.
func NewNotifier() (Notifier, error) {
	in, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	n := &inotify{in: in, timer: -1, buf: make([]byte, 16<<10), dirs: map[string]int32{}, names: map[int32][]string{}, unknown: map[int32]bool{}}
	if err := n.prepare(); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// prepare makes the epoll set.
func (n *inotify) prepare() error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(ep, true); err != nil { // so that os takes it into the poller
		_ = unix.Close(ep)
		return fmt.Errorf("epoll: %w", err)
	}
	n.file = os.NewFile(uintptr(ep), "inotify")
	if n.set, err = n.file.SyscallConn(); err != nil {
		return err
	}
	if err := n.file.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("wait for inotify: %w", err)
	}
	if n.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("timer: %w", err)
	}
	// Each only once: inotify until it is armed again, the timer until it is set again.
	once := unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: int32(n.in)}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, n.in, &once); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	edge := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET&(1<<32-1), Fd: int32(n.timer)}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, n.timer, &edge); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

func (n *inotify) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	n.closeLocked()
}

// closeLocked gives back what the system lent, once no add uses it any more.
func (n *inotify) closeLocked() {
	if n.adding > 0 || n.in < 0 {
		return
	}
	_ = unix.Close(n.in)
	n.in = -1
	if n.timer >= 0 {
		_ = unix.Close(n.timer)
	}
	if n.file != nil {
		_ = n.file.Close()
	}
}

// Add looks the directory up without the lock: on a file system that hangs, that takes
// for ever, and the events of all others go on. What comes for a watch descriptor that
// nobody knows meanwhile may be of this directory.
func (n *inotify) Add(dir string) (early bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false, fsnotify.ErrClosed
	}
	n.adding++
	n.mu.Unlock()
	wd, err := unix.InotifyAddWatch(n.in, dir, inotifyMask)
	n.mu.Lock()
	early = n.unknown[int32(wd)]
	if n.adding--; n.adding == 0 {
		clear(n.unknown)
	}
	switch {
	case n.closed:
		n.closeLocked()
		return false, fsnotify.ErrClosed
	case err != nil:
		return false, err
	}
	n.removeLocked(dir, int32(wd))
	n.dirs[dir] = int32(wd)
	if names := n.names[int32(wd)]; !slices.Contains(names, dir) {
		n.names[int32(wd)] = append(names, dir) // one directory may have several names
	}
	return early, nil
}

func (n *inotify) Remove(dir string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.removeLocked(dir, -1)
}

// removeLocked ends watching dir unless it is watched by that descriptor.
func (n *inotify) removeLocked(dir string, but int32) {
	wd, ok := n.dirs[dir]
	if !ok || wd == but {
		return
	}
	delete(n.dirs, dir)
	names := slices.DeleteFunc(slices.Clone(n.names[wd]), func(o string) bool { return o == dir })
	if len(names) > 0 {
		n.names[wd] = names
		return
	}
	delete(n.names, wd)
	if !n.closed {
		_, _ = unix.InotifyRmWatch(n.in, uint32(wd)) // it ended by itself if the directory is gone
	}
}

// ended forgets a descriptor whose directory is gone or elsewhere.
func (n *inotify) ended(wd int32, gone bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, dir := range n.names[wd] {
		delete(n.dirs, dir)
	}
	delete(n.names, wd)
	if !gone && !n.closed {
		_, _ = unix.InotifyRmWatch(n.in, uint32(wd))
	}
}

func (n *inotify) namesOf(wd int32) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	names := n.names[wd]
	if len(names) == 0 && n.adding > 0 {
		n.unknown[wd] = true
	}
	return names
}

func (n *inotify) Run(ctx context.Context, tell func(Event), lost func()) error {
	// A deadline that has passed ends a wait at once.
	stop := context.AfterFunc(ctx, func() { _ = n.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		if err := n.arm(); err != nil {
			return fmt.Errorf("arm inotify: %w", err)
		}
		for quiet := false; !quiet; {
			if err := n.wait(); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return fmt.Errorf("wait for inotify: %w", err)
			}
			any, err := n.read(tell, lost)
			if err != nil {
				return fmt.Errorf("read inotify: %w", err)
			}
			if quiet = !any; !quiet {
				if err := n.setTimer(eventPace); err != nil {
					return fmt.Errorf("set a timer: %w", err)
				}
			}
		}
	}
}

// arm lets the epoll set tell of the next event, or of those that are there.
func (n *inotify) arm() error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(n.in)}
	var err error
	if cerr := n.set.Control(func(ep uintptr) { err = unix.EpollCtl(int(ep), unix.EPOLL_CTL_MOD, n.in, &ev) }); cerr != nil {
		return cerr
	}
	return err
}

func (n *inotify) setTimer(d time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if _, _, e := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(n.timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0); e != 0 {
		return e
	}
	return nil
}

// wait returns when what was armed or set has happened.
func (n *inotify) wait() error {
	var failed error
	err := n.set.Read(func(ep uintptr) bool {
		for {
			got, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, ep, uintptr(unsafe.Pointer(&n.events[0])), uintptr(len(n.events)), 0, 0, 0)
			switch {
			case e == unix.EINTR:
			case e != 0:
				failed = e
				return true
			default:
				return got > 0
			}
		}
	})
	return errors.Join(err, failed)
}

// read tells of the events that are there, and whether there were any.
func (n *inotify) read(tell func(Event), lost func()) (any bool, err error) {
	// Events may come faster than they are told of; what must be done for a while in
	// between, the pace, must not wait for ever.
	for range 64 {
		got, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(n.in), uintptr(unsafe.Pointer(&n.buf[0])), uintptr(len(n.buf)))
		switch {
		case e == unix.EINTR:
			continue
		case e == unix.EAGAIN:
			return any, nil
		case e != 0:
			return any, e
		}
		any = true
		n.decode(n.buf[:got], tell, lost)
		if int(got) < len(n.buf)-unix.SizeofInotifyEvent-unix.NAME_MAX-1 {
			return any, nil // there was room for one more
		}
	}
	return any, nil
}

// decode tells of the events in b, see inotify(7).
func (n *inotify) decode(b []byte, tell func(Event), lost func()) {
	var lastWd int32 = -1
	var lastName string
	for len(b) >= unix.SizeofInotifyEvent {
		wd, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:])
		size := int(binary.NativeEndian.Uint32(b[12:]))
		if size > len(b)-unix.SizeofInotifyEvent {
			lost() // does not happen
			return
		}
		raw := b[unix.SizeofInotifyEvent:][:size]
		b = b[unix.SizeofInotifyEvent+size:]
		if i := slices.Index(raw, 0); i >= 0 {
			raw = raw[:i]
		}
		if mask == unix.IN_MODIFY && wd == lastWd && string(raw) == lastName {
			continue
		}
		if mask&unix.IN_Q_OVERFLOW != 0 {
			lost()
			continue
		}
		op := opOf(mask)
		names := n.namesOf(wd)
		own := mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_UNMOUNT|unix.IN_IGNORED) != 0
		if own {
			n.ended(wd, mask&unix.IN_MOVE_SELF == 0)
		}
		lastWd, lastName = -1, ""
		if op == 0 {
			continue
		}
		for _, dir := range names {
			ev := Event{Dir: dir, Name: dir, Op: op}
			if !own && len(raw) > 0 {
				ev.Name = join(dir, string(raw))
			}
			tell(ev)
		}
		if mask == unix.IN_MODIFY {
			lastWd, lastName = wd, string(raw)
		}
	}
}

func join(dir, base string) string {
	if dir[len(dir)-1] == '/' {
		return dir + base
	}
	return dir + "/" + base
}

func opOf(mask uint32) fsnotify.Op {
	var op fsnotify.Op
	for _, m := range [...]struct {
		bits uint32
		op   fsnotify.Op
	}{
		{unix.IN_CREATE | unix.IN_MOVED_TO, fsnotify.Create},
		{unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_UNMOUNT | unix.IN_IGNORED, fsnotify.Remove},
		{unix.IN_MOVED_FROM | unix.IN_MOVE_SELF, fsnotify.Rename},
		{unix.IN_MODIFY, fsnotify.Write},
		{unix.IN_ATTRIB, fsnotify.Chmod},
	} {
		if mask&m.bits != 0 {
			op |= m.op
		}
	}
	return op
}
