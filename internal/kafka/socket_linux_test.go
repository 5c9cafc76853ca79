package kafka

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pair is two ends of a connection, the first as a socket.
func pair(t *testing.T) (net.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var d net.Dialer
	a, err := d.DialContext(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	s := newSocket(a)
	if _, ok := s.(*socket); !ok {
		t.Fatalf("a TCP connection is a %T", s)
	}
	return s, b.(*net.TCPConn)
}

// TestSocket: what is written on one end is read on the other, in any pieces, both ways
// at the same time.
func TestSocket(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	send := func(c net.Conn, rnd *rand.Rand, data []byte) {
		for len(data) > 0 {
			n := min(len(data), 1+rnd.IntN(3*socketMost))
			if m, err := c.Write(data[:n]); err != nil || m != n {
				t.Errorf("wrote %d of %d bytes: %v", m, n, err)
				return
			}
			data = data[n:]
		}
	}
	receive := func(c net.Conn, rnd *rand.Rand, want []byte) {
		got := make([]byte, 0, len(want))
		for len(got) < len(want) {
			n, err := c.Read(got[len(got):min(cap(got), len(got)+1+rnd.IntN(200_000))])
			if err != nil {
				t.Errorf("read after %d of %d bytes: %v", len(got), len(want), err)
				return
			}
			got = got[:len(got)+n]
		}
		if !bytes.Equal(got, want) {
			t.Error("what was read is not what was written")
		}
	}
	for i, way := range [][2]net.Conn{{a, b}, {b, a}} {
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		data := make([]byte, 8<<20)
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		wg.Go(func() { send(way[0], rnd, data) })
		wg.Go(func() { receive(way[1], rand.New(rand.NewPCG(seed, uint64(i+2))), data) })
	}
	wg.Wait()
}

// TestSocketEnds: the ends of a connection are told in the words of the net package.
func TestSocketEnds(t *testing.T) {
	t.Parallel()
	buf := make([]byte, 10)

	a, b := pair(t)
	_ = b.Close()
	if _, err := a.Read(buf); err != io.EOF {
		t.Errorf("read after the peer has closed: %v", err)
	}

	a, b = pair(t)
	_ = b.SetLinger(0)
	_ = b.Close() // resets
	if _, err := a.Read(buf); !errors.Is(err, syscall.ECONNRESET) || !strings.HasPrefix(err.Error(), "read tcp ") {
		t.Errorf("read after a reset: %v", err)
	}
	if _, err := a.Write(buf); !errors.Is(err, syscall.EPIPE) || !strings.HasPrefix(err.Error(), "write tcp ") {
		t.Errorf("write after a reset: %v", err)
	}

	a, _ = pair(t)
	if err := a.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := a.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("read after the deadline: %v", err)
	}

	a, _ = pair(t)
	ended := make(chan error, 1)
	go func() {
		_, err := a.Read(buf)
		ended <- err
	}()
	_ = a.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read while it was closed: %v", err)
	}
	if _, err := a.Write(buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if n, err := a.Write(nil); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("write of nothing after close: %d, %v", n, err)
	}
}

// TestSocketFull: a write waits while the peer does not read, and no longer than the
// deadline.
func TestSocketFull(t *testing.T) {
	t.Parallel()
	a, _ := pair(t)
	if err := a.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, socketMost)
	for i := 0; ; i++ {
		n, err := a.Write(b)
		if err == nil && i < 10_000 {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || n >= len(b) {
			t.Errorf("wrote %d bytes: %v", n, err)
		}
		return
	}
}

// TestReadFull: large and small pieces come whole, in any order of calls, and a short answer
// behind a long one is not waited for in vain: the peer sends nothing more until it is read.
func TestReadFull(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	if err := a.SetDeadline(time.Now().Add(time.Minute)); err != nil { // of a test that hangs
		t.Fatal(err)
	}
	asked := make(chan []byte)
	var wg sync.WaitGroup
	wg.Go(func() {
		for data := range asked {
			for len(data) > 0 {
				n := min(len(data), 100_000)
				if _, err := b.Write(data[:n]); err != nil {
					t.Errorf("write: %v", err)
					return
				}
				data = data[n:]
			}
		}
		_ = b.Close()
	})
	ask := func(n int) []byte {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		asked <- data
		return data
	}
	for range 40 {
		want := ask(1 + rnd.IntN(3<<20))
		got := make([]byte, len(want))
		if n, err := ReadFull(a, got); err != nil || n != len(want) || !bytes.Equal(got, want) {
			t.Fatalf("%d of %d bytes, %v", n, len(want), err)
		}
		want = ask(1 + rnd.IntN(8))
		if n, err := io.ReadFull(a, got[:cap(got)][:min(len(want), len(got))]); err != nil || !bytes.Equal(got[:n], want[:n]) {
			t.Fatalf("behind it: %d of %d bytes, %v", n, len(want), err)
		} else if rest := want[n:]; len(rest) > 0 {
			if _, err := io.ReadFull(a, make([]byte, len(rest))); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(300_000)
	close(asked)
	if n, err := ReadFull(a, make([]byte, 1<<20)); n != 300_000 || err != io.ErrUnexpectedEOF {
		t.Errorf("%d bytes of a connection that ended, %v", n, err)
	}
	wg.Wait()
	if n, err := ReadFull(a, make([]byte, 8)); n != 0 || err != io.EOF {
		t.Errorf("behind the end %d bytes, %v", n, err)
	}
}

// TestReadFullWakesSeldom: a reader that waits for much is woken when much has come, which
// the kernel knows by the mark that it was given; a read of anything takes the mark back.
func TestReadFullWakesSeldom(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	mark := func() (n int) {
		t.Helper()
		raw, err := a.(*socket).SyscallConn()
		if err == nil {
			err = errors.Join(raw.Control(func(fd uintptr) { n, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT) }), err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	timeout := func() {
		if err := a.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	timeout()
	if _, err := b.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 2<<20)
	if n, err := ReadFull(a, got); n > 1000 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if a.(*socket).in.fixed {
		t.Skip("this kernel does not make room for what is waited for")
	}
	if n := mark(); n != socketLeast {
		t.Errorf("while much is to come the mark is at %d bytes, want %d", n, socketLeast)
	}
	timeout()
	for {
		if _, err := a.Read(got[:10]); err != nil {
			break // the deadline: all was read
		}
	}
	if n := mark(); n != 1 {
		t.Errorf("while anything is waited for the mark is at %d bytes", n)
	}
}
