package kafka

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// socketMost is the size in bytes up to which a write is a quick one.
const socketMost = 64 << 10

// socketLeast is how many bytes ReadFull waits for at once, at most. Without it a reader
// that is quicker than its broker is woken for every segment.
const socketLeast = 256 << 10

// socket is a TCP connection whose reads and small writes do not tell the scheduler that
// they may take long. They cannot: the descriptor does not block, and what must be waited
// for is waited for in the runtime's poller as ever. Each call that tells the scheduler
// wakes, in a process that was asleep, a second thread, which goes on looking every 20 µs
// for calls that did take long; in a producer that sends a little 200 times a second that
// was two thirds of its CPU.
type socket struct {
	*net.TCPConn
	raw syscall.RawConn
	in  transfer
	out transfer
}

// transfer is one direction.
type transfer struct {
	mu   sync.Mutex // one caller at a time
	call func(fd uintptr) bool
	b    []byte
	n    int
	err  error

	least int  // bytes to wait for when there are none; 0 and 1: any
	low   int  // what the kernel was told of that; 0: nothing yet
	fixed bool // the kernel's buffer does not grow with it
}

// newSocket returns c, made quick if it can be.
func newSocket(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	s := &socket{TCPConn: tcp, raw: raw}
	// Made once: each would be an allocation.
	s.in.call = func(fd uintptr) bool { return s.in.do(syscall.SYS_READ, fd) || !s.in.wake(fd) }
	s.out.call = func(fd uintptr) bool { return s.out.do(syscall.SYS_WRITE, fd) }
	return s
}

// do makes one call, and says whether it need not be waited for.
func (t *transfer) do(trap, fd uintptr) bool {
	for {
		n, _, e := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(&t.b[0])), uintptr(len(t.b)))
		switch e {
		case 0:
			t.n = int(n)
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		}
		t.err = e
		return true
	}
}

// wake tells the kernel how many bytes are worth waking for, and says whether there is
// something to wait for. A kernel that does not make room for so many (before 4.18, or
// with little memory) would never wake: there it stays at any.
func (t *transfer) wake(fd uintptr) bool {
	want := max(t.least, 1)
	if t.fixed {
		want = 1
	}
	if want == max(t.low, 1) {
		return true
	}
	room, err := want, syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, want)
	if err == nil {
		t.low = want
		room, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	}
	if err == nil && (want == 1 || room >= 2*want) {
		return true
	}
	t.fixed = true
	if t.low <= 1 {
		return true
	}
	if err := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, 1); err != nil {
		t.err = err // it would wait for what does not fit
		return false
	}
	t.low = 1
	return true
}

// Read is net.Conn's.
func (s *socket) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return s.TCPConn.Read(b)
	}
	return s.read(b, 1)
}

// readFull reads len(b) bytes. While it must wait, it waits for many of them at once.
func (s *socket) readFull(b []byte) (done int, err error) {
	for done < len(b) {
		n, err := s.read(b[done:], min(len(b)-done, socketLeast))
		done += n
		if err == io.EOF && done > 0 { //nolint:errorlint // read gives no other
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// read is Read. When nothing is there it waits for at least so many bytes, the end or
// the deadline.
func (s *socket) read(b []byte, least int) (int, error) {
	t := &s.in
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b, t.n, t.err, t.least = b, 0, nil, least
	err := s.raw.Read(t.call)
	t.b = nil
	switch {
	case err != nil:
		return 0, s.failed("read", err)
	case t.err != nil:
		return 0, s.failed("read", os.NewSyscallError("read", t.err))
	case t.n == 0:
		return 0, io.EOF
	}
	return t.n, nil
}

// Write is net.Conn's.
func (s *socket) Write(b []byte) (int, error) {
	if len(b) == 0 || len(b) > socketMost {
		return s.TCPConn.Write(b)
	}
	t := &s.out
	t.mu.Lock()
	defer t.mu.Unlock()
	done := 0
	for done < len(b) {
		t.b, t.n, t.err = b[done:], 0, nil
		err := s.raw.Write(t.call)
		t.b = nil
		if err == nil && t.err != nil {
			err = os.NewSyscallError("write", t.err)
		}
		if err != nil {
			return done, s.failed("write", err)
		}
		done += t.n
	}
	return done, nil
}

// ReadFull reads len(b) bytes from a connection that Socket gave, as io.ReadFull does.
// On Linux it is woken for 256 KiB at a time, or for the rest, and not for each segment.
func ReadFull(c net.Conn, b []byte) (int, error) {
	if s, ok := c.(*socket); ok {
		return s.readFull(b)
	}
	return io.ReadFull(c, b)
}

// failed gives an error the words of the net package, whose raw calls use others.
func (s *socket) failed(op string, err error) error {
	if o, ok := err.(*net.OpError); ok { //nolint:errorlint // the outermost is ours to replace
		err = o.Err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}
