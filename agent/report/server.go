package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"logctl/agent/state"
)

// Server serves an agent's numbers over HTTP. See NewServer.
type Server struct {
	address  string
	snapshot func() Report
	access   Access
	log      *slog.Logger
}

// NewServer returns a server for host:port that does nothing until Run is called.
func NewServer(address string, snapshot func() Report, log *slog.Logger) *Server {
	return &Server{address: address, snapshot: snapshot, log: log}
}

// Run serves until ctx ends. An address that cannot be listened on does not end
// the agent: it is said and tried again every few seconds.
func (s *Server) Run(ctx context.Context) error {
	said := false
	for {
		err := s.serve(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !said {
			s.log.Error("metrics cannot be served; shipping goes on", "listen", s.address, "error", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(5 * time.Second):
		}
	}
}

func (s *Server) serve(ctx context.Context) error {
	srv, err := s.configure()
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.address, err)
	}
	scheme, serve := "http://", func() error { return srv.Serve(ln) }
	if srv.TLSConfig != nil {
		scheme, serve = "https://", func() error { return srv.ServeTLS(ln, "", "") }
	}
	s.log.Info("serving metrics and health", "address", scheme+ln.Addr().String(), "profiles", s.profiles(), "token", s.access.TokenFile != "")
	if !loopback(s.address) && (s.access.TokenFile == "" || srv.TLSConfig == nil) {
		s.log.Warn("metrics name paths and topics, and anybody who reaches the port reads them: set [agent] listen_token_file, listen_cert_file and listen_key_file, or listen on 127.0.0.1")
	}
	done := make(chan error, 1)
	go func() { done <- serve() }()
	select {
	case err = <-done:
		return err
	case <-ctx.Done():
	}
	// Profiles may run for long; they are cut.
	err = srv.Close()
	if serveErr := <-done; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// Handler routes /metrics, /healthz, /readyz and, see Access.Profiles, /debug/pprof.
func (s *Server) Handler() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newCollector(s.snapshot), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.health(false))
	mux.HandleFunc("GET /readyz", s.health(true))
	if !s.profiles() {
		return mux
	}
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status   string   `json:"status"` // "ok" or "degraded"
	Problems []string `json:"problems,omitempty"`
}

// HealthOf lists what is wrong in a report, in words.
func HealthOf(r Report) Health {
	h := Health{Status: "ok"}
	if r.Kafka != "ok" && r.Kafka != "" {
		h.Problems = append(h.Problems, r.Kafka)
	}
	if r.Twin != "" {
		h.Problems = append(h.Problems, string(state.Twice)+": "+r.Twin)
	}
	for _, t := range r.Tasks {
		if t.State.Severity() >= state.Warn {
			p := t.Path + " -> " + t.Topic + ": " + string(t.State)
			if reason := strings.TrimPrefix(strings.TrimPrefix(t.Error, string(t.State)), ": "); reason != "" {
				p += ": " + reason // most reasons begin with the word
			}
			h.Problems = append(h.Problems, p)
		}
	}
	if h.Problems != nil {
		h.Status = "degraded"
	}
	return h
}

// health answers with the state. /healthz is for liveness and says 200 as long as
// the agent answers, since restarting it heals neither a topic nor a permission;
// /readyz says 503 when something is wrong.
func (s *Server) health(strict bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := HealthOf(s.snapshot())
		w.Header().Set("Content-Type", "application/json")
		if strict && h.Status != "ok" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false) // people read it
		if err := enc.Encode(h); err != nil {
			s.log.Debug("health answer was not taken", "error", err)
		}
	}
}
