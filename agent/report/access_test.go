package report

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

// Connections that nobody uses hold no descriptors: the oldest give way, and who asks
// is answered.
func TestIdleConnectionsGiveWay(t *testing.T) {
	s := NewServer("127.0.0.1:0", func() Report { return Report{} }, slog.New(slog.DiscardHandler))
	srv, err := s.configure()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
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
	testkit.Eventually(t, 20*time.Second, "the oldest connections are closed", func() bool {
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
	_ = srv.Close()
	<-done
}
