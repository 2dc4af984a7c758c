package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// Source is what the daemon shows. Its methods may be called at any time, by many.
type Source interface {
	// Snapshot is the latest one; never nil.
	Snapshot() *Snapshot
	// Prefixes are all that are registered, some at a time, since there may be a million.
	Prefixes(ctx context.Context, some func([]Prefix) error) error
	// Routes are what the vantages hold of a prefix, in the order of the prefixes. Where they are too many, the error says so.
	Routes(ctx context.Context, q Wanted) ([]Route, error)
	// Ended are the incidents that ended, but for those that a group told of, the latest first: at most so many.
	Ended(ctx context.Context, most int) ([]Incident, error)
	// Members are the incidents that a group tells of, the open ones first.
	Members(ctx context.Context, group string) ([]Incident, error)
	// Incident is one of them all; ErrUnknown when there is none with that id.
	Incident(ctx context.Context, id string) (Detail, error)
	// Follow gives every notice that is told from now on, until ctx ends.
	Follow(ctx context.Context) (<-chan Told, error)
	// Events are those of a registered prefix, or, where it is not valid, of all, oldest first.
	Events(ctx context.Context, prefix netip.Prefix, since time.Time) ([]Event, error)
	// Latency is what was measured of a POP, or, where it is empty, of all, within the window up to now.
	Latency(ctx context.Context, pop string, window time.Duration) ([]Latency, error)
	// Transits are the ASes that were on the way to POPs at times, the dearest first.
	Transits(ctx context.Context) ([]Transit, error)
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
	trouble, err := zap.NewStdLogAt(s.log, zap.WarnLevel)
	if err != nil {
		return fmt.Errorf("log trouble with http: %w", err)
	}
	server := &http.Server{
		Handler: s.Handler(), ErrorLog: trouble,
		// What a request asks of the daemon ends with it: nobody would answer any more.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- errors.Join(server.Shutdown(bounded), server.Close())
	})
	err = server.Serve(l)
	if stop() { // ctx is not done: Serve failed by itself
		return errors.Join(fmt.Errorf("serve http on %s: %w", l.Addr(), err), server.Close())
	}
	<-stopped
	return nil
}

// Handler gives every page.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/readyz", s.ready)
	mux.Handle("/metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.Handle("/api/", answer(noSuchPage))
	for name, page := range map[string]answer{
		"status":    s.status,
		"peers":     s.peers,
		"routes":    s.routes,
		"incidents": s.incidents,
		"incident":  s.incident,
		"events":    s.events,
		"pops":      s.pops,
		"latency":   s.latency,
		"transits":  s.transits,
	} {
		mux.Handle("/api/v1/"+name, page)
	}
	mux.HandleFunc("/api/v1/prefixes", s.prefixes)
	mux.HandleFunc("/api/v1/follow", s.follow)
	mux.Handle("/{$}", newWallPage(s.source, s.log))
	mux.Handle("/page/", http.HandlerFunc(wallFile))
	return readOnly(mux)
}

// readOnly refuses whatever is meant to change something.
func readOnly(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			write(w, http.StatusMethodNotAllowed, failure{"nothing can be changed here: use GET"})
			return
		}
		pages.ServeHTTP(w, r)
	})
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.source.Snapshot().Status.Ready {
		http.Error(w, "not ready: the first judgement of all registered prefixes is under way", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
