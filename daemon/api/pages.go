package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"peervane/daemon/notice"
)

func (s *Server) status(*http.Request) (any, error) { return s.source.Snapshot().Status, nil }

func (s *Server) peers(*http.Request) (any, error) { return list(s.source.Snapshot().Peers), nil }

func (s *Server) pops(*http.Request) (any, error) { return list(s.source.Snapshot().POPs), nil }

func (s *Server) prefixes(w http.ResponseWriter, r *http.Request) {
	out := stream[Prefix]{w: w}
	out.end(s.source.Prefixes(r.Context(), out.add))
}

func (s *Server) routes(r *http.Request) (any, error) {
	prefix, err := prefixOf(r)
	if err == nil && !prefix.IsValid() {
		err = refusal{http.StatusBadRequest, "a prefix is missing: give one as in ?prefix=203.0.113.0/24"}
	}
	if err != nil {
		return nil, err
	}
	match, err := matchOf(r)
	if err != nil {
		return nil, err
	}
	routes, err := s.source.Routes(r.Context(), Wanted{prefix, match, r.URL.Query().Get("vantage")})
	var many TooMany
	if errors.As(err, &many) {
		err = refusal{http.StatusBadRequest, err.Error()}
	}
	return list(routes), err
}

// incidents gives those that were asked for, the latest first, each as the body of its latest notice.
func (s *Server) incidents(r *http.Request) (any, error) {
	which, err := statusOf(r)
	if err != nil {
		return nil, err
	}
	snapshot := s.source.Snapshot() // before the question below: what ends in between is told as ended
	var ended []Ended
	if slices.Contains(which, notice.Resolved) {
		if ended, err = s.source.Ended(r.Context()); err != nil {
			return nil, err
		}
	}
	bodies := []json.RawMessage{}
	for _, n := range snapshot.Incidents {
		over := func(e Ended) bool { return e.Incident == n.Incident }
		if !slices.Contains(which, n.Status) || slices.ContainsFunc(ended, over) {
			continue
		}
		body, err := n.Body()
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	for _, e := range ended {
		bodies = append(bodies, e.Body)
	}
	return bodies, nil
}

func (s *Server) events(r *http.Request) (any, error) {
	prefix, err := prefixOf(r)
	if err != nil {
		return nil, err
	}
	since, err := sinceOf(r, time.Now())
	if err != nil {
		return nil, err
	}
	events, err := s.source.Events(r.Context(), prefix, since)
	return list(events), err
}

func (s *Server) latency(r *http.Request) (any, error) {
	window, err := windowOf(r)
	if err != nil {
		return nil, err
	}
	pop := r.URL.Query().Get("pop")
	known := func(p POP) bool { return p.Name == pop }
	if pop != "" && !slices.ContainsFunc(s.source.Snapshot().POPs, known) {
		return nil, refusal{http.StatusNotFound, "no POP is called " + quote(pop)}
	}
	measured, err := s.source.Latency(r.Context(), pop, window)
	return list(measured), err
}

func (s *Server) transits(r *http.Request) (any, error) {
	transits, err := s.source.Transits(r.Context())
	return list(transits), err
}

// list tells an empty list as [], not null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
