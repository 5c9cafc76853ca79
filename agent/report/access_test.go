package report

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"logctl/internal/testkit"
)

func TestProfilesAreServedOnLoopbackOnly(t *testing.T) {
	for address, want := range map[string]int{"127.0.0.1:0": 200, "[::1]:0": 200, "localhost:9217": 200, ":9217": 404, "0.0.0.0:9217": 404, "10.0.0.1:9217": 404} {
		for asked, code := range map[bool]int{false: want, true: 200} {
			s := NewServer(address, func() Report { return Report{} }, slog.New(slog.DiscardHandler)).With(Access{Profiles: asked})
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pprof/cmdline", nil))
			if w.Code != code {
				t.Errorf("%s, asked for %v: %d, want %d", address, asked, w.Code, code)
			}
		}
	}
}

func TestATokenIsAskedForButForHealth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := NewServer(":0", func() Report { return Report{} }, slog.New(slog.DiscardHandler)).With(Access{TokenFile: file})
	srv, err := s.configure()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, auth string
		want       int
	}{{"/metrics", "", 401}, {"/metrics", "Bearer wrong", 401}, {"/metrics", "Bearer s3cret", 200}, {"/healthz", "", 200}, {"/readyz", "", 200}} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.auth != "" {
			r.Header.Set("Authorization", c.auth)
		}
		if srv.Handler.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%s with %q: %d, want %d", c.path, c.auth, w.Code, c.want)
		}
	}
	if _, err := s.With(Access{TokenFile: filepath.Join(t.TempDir(), "none")}).configure(); err == nil {
		t.Error("a missing token file is taken for no token")
	}
	if srv.IdleTimeout <= 0 || srv.ReadTimeout <= 0 || srv.WriteTimeout <= 0 || srv.MaxHeaderBytes <= 0 {
		t.Error("a slow client is waited for without a bound")
	}
}

// serve lets a server answer on a port of its own until the test ends.
func serve(t *testing.T, s *Server, by func(net.Listener) net.Listener) net.Listener {
	t.Helper()
	srv, err := s.configure()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(by(ln)) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return ln
}

// Connections that nobody uses hold no descriptors: the oldest give way, and who asks
// is answered.
func TestIdleConnectionsGiveWay(t *testing.T) {
	s := NewServer("127.0.0.1:0", func() Report { return Report{} }, slog.New(slog.DiscardHandler))
	ln := serve(t, s, func(ln net.Listener) net.Listener { return ln })
	var held []net.Conn
	for range 3 * maxConns {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + ln.Addr().String() + "/healthz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	closed := 0
	testkit.Eventually(t, "the oldest connections are closed", func() bool {
		closed = 0
		for _, c := range held {
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); err != nil && !os.IsTimeout(err) {
				closed++
			}
		}
		return closed >= 2*maxConns
	})
	for _, c := range held {
		_ = c.Close()
	}
}

// narrow accepts connections of which a little fills the way to the client.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 << 10)
	}
	return c, err
}

// Clients that ask without end and read nothing, as many as there may be connections, do
// not keep a probe from its answer.
func TestClientsThatDoNotReadGiveWay(t *testing.T) {
	var asked atomic.Int64
	s := NewServer("127.0.0.1:0", func() Report { asked.Add(1); return Report{} }, slog.New(slog.DiscardHandler))
	ln := serve(t, s, func(ln net.Listener) net.Listener { return narrow{ln} })
	var held []net.Conn
	requests := []byte(strings.Repeat("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 1000))
	var asking sync.WaitGroup
	for range maxConns {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4 << 10)
		}
		asking.Go(func() { _, _ = c.Write(requests) }) // it may block, or have to go
	}
	last, since := int64(-1), time.Now()
	testkit.Eventually(t, "no answer gets through any more", func() bool {
		if n := asked.Load(); n != last {
			last, since = n, time.Now()
		}
		return last >= maxConns && time.Since(since) > busyTime
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	testkit.Eventually(t, "a probe is answered", func() bool {
		resp, err := client.Get("http://" + ln.Addr().String() + "/healthz")
		return err == nil && resp.Body.Close() == nil
	})
	for _, c := range held {
		_ = c.Close()
	}
	asking.Wait()
}
