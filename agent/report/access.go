package report

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Access says who may ask a Server what. The zero value is for loopback.
type Access struct {
	TokenFile string // file whose first line is asked for as "Authorization: Bearer ..."; empty: nobody is asked
	CertFile  string // PEM of the server's certificate; empty: no TLS
	KeyFile   string // PEM of its key
	Profiles  bool   // serve /debug/pprof beyond loopback too
}

// Bounds of the server. A client that asks slowly, or holds connections open without
// asking, costs a bounded number of descriptors for a bounded time.
const (
	maxConns     = 32
	readTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second // and the length of a profile, which net/http/pprof adds
	busyTime     = time.Second      // after which a connection that is busy may have to go
	idleTimeout  = 30 * time.Second
	maxHeader    = 16 << 10
)

// With sets who may ask, before Run.
func (s *Server) With(a Access) *Server {
	s.access = a
	return s
}

// profiles reports whether /debug/pprof is served: on loopback, or when asked for. A
// profile tells what the agent has in memory, and costs a processor.
func (s *Server) profiles() bool { return s.access.Profiles || loopback(s.address) }

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// configure returns the bounded server, with TLS where a certificate is given.
func (s *Server) configure() (*http.Server, error) {
	handler := s.Handler()
	if s.access.TokenFile != "" {
		text, err := os.ReadFile(s.access.TokenFile)
		token, _, _ := strings.Cut(string(text), "\n")
		if token = strings.TrimSpace(token); err != nil || token == "" {
			return nil, fmt.Errorf("[agent] listen_token_file %s: %w", s.access.TokenFile, cmpErr(err, errors.New("its first line is empty")))
		}
		handler = withToken(handler, token)
	}
	conns := &connections{}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: readTimeout / 2, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ConnState: conns.note,
	}
	if s.access.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.access.CertFile, s.access.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("[agent] listen_cert_file: %w", err)
		}
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return srv, nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// withToken asks for the token, but for health: a probe has none, and learns little.
func withToken(next http.Handler, token string) http.Handler {
	want := sha256.Sum256([]byte("Bearer " + token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) == 0 && r.URL.Path != "/readyz" && r.URL.Path != "/healthz" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// connections bounds how many there are. When there are too many, the one that was idle
// longest goes; where none is idle, the oldest of those that are busy, which may be with
// a client that does not read; and the new one where all are new.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]*connection
}

type connection struct {
	born time.Time
	idle time.Time // since when; zero: it is busy
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	var shut net.Conn
	now := time.Now()
	c.mu.Lock()
	if c.open == nil {
		c.open = map[net.Conn]*connection{}
	}
	switch state {
	case http.StateNew:
		if len(c.open) >= maxConns {
			shut = c.toGo(conn, now)
			delete(c.open, shut)
		}
		if shut != conn {
			c.open[conn] = &connection{born: now, idle: now} // it has not asked yet
		}
	case http.StateIdle, http.StateActive:
		if x := c.open[conn]; x != nil {
			x.idle = time.Time{}
			if state == http.StateIdle {
				x.idle = now
			}
		}
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
	c.mu.Unlock()
	if shut != nil {
		_ = shut.Close() // its handler ends with it
	}
}

func (c *connections) toGo(otherwise net.Conn, now time.Time) net.Conn {
	idle, busy := otherwise, otherwise
	idleSince, busySince := now, now.Add(-busyTime)
	for conn, x := range c.open {
		switch {
		case !x.idle.IsZero():
			if x.idle.Before(idleSince) {
				idle, idleSince = conn, x.idle
			}
		case x.born.Before(busySince):
			busy, busySince = conn, x.born
		}
	}
	if idle != otherwise {
		return idle
	}
	return busy
}
