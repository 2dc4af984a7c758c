package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/prometheus/client_golang/prometheus"

	"go.uber.org/zap"
)

// Source is what the daemon shows.
type Source interface {
	// Snapshot is the latest one; never nil.
	Snapshot() *Snapshot
	// Prefixes are all that are registered.
	Prefixes(ctx context.Context) ([]Prefix, error)
	// Events are those of a registered prefix, or, where it is not valid, of all, oldest first.
	Events(ctx context.Context, prefix netip.Prefix, since time.Time) ([]Event, error)
	// Routes are what the vantages hold of a prefix.
	Routes(ctx context.Context, prefix netip.Prefix) ([]Route, error)
}

// Server serves the API over TCP. It is inert before Run.
type Server struct {
	source   Source
	registry *prometheus.Registry
	log      *zap.Logger
}

// New makes a server that serves what source shows, and the metrics of registry.
func New(source Source, registry *prometheus.Registry, log *zap.Logger) *Server {
	return &Server{source: source, registry: registry, log: log}
}

// Bounds of one request: none may hold a connection, or memory, for long.
const (
	readTimeout     = 10 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 3 * time.Second
	maxHeaderBytes  = 16 << 10
)

// Run serves on l until ctx is done, and waits for the requests that are under way.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ErrorLog: zap.NewStdLog(s.log),
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- errors.Join(server.Shutdown(bounded), server.Close())
	})
	err := server.Serve(l)
	if stop() { // ctx is not done: Serve failed by itself
		return fmt.Errorf("serve http on %s: %w", l.Addr(), err)
	}
	<-stopped
	return nil
}

// Handler gives every page. All are GET: nothing can be changed here.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /api/v1/status", s.show(func(snap *Snapshot) any { return snap.Status }))
	mux.HandleFunc("GET /api/v1/peers", s.show(func(snap *Snapshot) any { return list(snap.Peers) }))
	mux.HandleFunc("GET /api/v1/prefixes", s.prefixes)
	mux.HandleFunc("GET /api/v1/pops", s.show(func(snap *Snapshot) any { return list(snap.POPs) }))
	mux.HandleFunc("GET /api/v1/incidents", s.incidents)
	mux.HandleFunc("GET /api/v1/events", s.events)
	mux.HandleFunc("GET /api/v1/routes", s.routes)
	return mux
}

func (s *Server) show(part func(*Snapshot) any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { write(w, part(s.source.Snapshot())) }
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.source.Snapshot().Status.Ready {
		http.Error(w, "not ready: the first judgement of all registered prefixes is under way", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// incidents gives the open ones, each as the body of its latest notice.
func (s *Server) incidents(w http.ResponseWriter, _ *http.Request) {
	bodies := []json.RawMessage{}
	for _, n := range s.source.Snapshot().Incidents {
		body, err := n.Body()
		if err != nil {
			fail(w, http.StatusInternalServerError, err)
			return
		}
		bodies = append(bodies, body)
	}
	write(w, bodies)
}

func (s *Server) prefixes(w http.ResponseWriter, r *http.Request) {
	prefixes, err := s.source.Prefixes(r.Context())
	if err != nil {
		fail(w, http.StatusServiceUnavailable, err)
		return
	}
	write(w, list(prefixes))
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	prefix, err := prefixOf(r, false)
	since, sinceErr := sinceOf(r)
	if err := errors.Join(err, sinceErr); err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	events, err := s.source.Events(r.Context(), prefix, since)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, err)
		return
	}
	write(w, list(events))
}

func (s *Server) routes(w http.ResponseWriter, r *http.Request) {
	prefix, err := prefixOf(r, true)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	routes, err := s.source.Routes(r.Context(), prefix)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, err)
		return
	}
	write(w, list(routes))
}

func prefixOf(r *http.Request, required bool) (netip.Prefix, error) {
	text := r.URL.Query().Get("prefix")
	if text == "" && !required {
		return netip.Prefix{}, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("prefix %q: give one as in ?prefix=203.0.113.0/24", text)
	}
	return p.Masked(), nil
}

// sinceOf reads a time, or how long ago; without one, everything.
func sinceOf(r *http.Request) (time.Time, error) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return time.Unix(0, 0), nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("since %q: give a time as in 2026-11-22T10:00:00Z, or how long ago as in 6h", text)
	}
	return at, nil
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the reader is gone: nobody is left to tell
}

func fail(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// list tells an empty list as [], not null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
