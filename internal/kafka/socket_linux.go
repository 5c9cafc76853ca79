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
	s.in.call = func(fd uintptr) bool { return s.in.do(syscall.SYS_READ, fd) }
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

// Read is net.Conn's.
func (s *socket) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return s.TCPConn.Read(b)
	}
	t := &s.in
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b, t.n, t.err = b, 0, nil
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

// failed gives an error the words of the net package, whose raw calls use others.
func (s *socket) failed(op string, err error) error {
	if o, ok := err.(*net.OpError); ok { //nolint:errorlint // the outermost is ours to replace
		err = o.Err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}
