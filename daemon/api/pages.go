package api

import (
	"encoding/json"
	"errors"
	"fmt"
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

// maxEnded bounds one answer.
const maxEnded = 1_000

// incidents gives those that were asked for, the latest first, each as the body of its latest notice and what its life adds.
func (s *Server) incidents(r *http.Request) (any, error) {
	if group := r.URL.Query().Get("group"); group != "" {
		members, err := s.source.Members(r.Context(), group)
		return list(members), err
	}
	which, err := statusOf(r)
	if err != nil {
		return nil, err
	}
	snapshot := s.source.Snapshot() // before the question below: what ends in between is told as ended
	var ended []Incident
	if slices.Contains(which, notice.Resolved) {
		if ended, err = s.source.Ended(r.Context(), maxEnded); err != nil {
			return nil, err
		}
	}
	all := []Incident{}
	for _, n := range snapshot.Incidents {
		over := func(e Incident) bool { return e.Notice.Incident == n.Notice.Incident }
		if slices.Contains(which, n.Status) && !slices.ContainsFunc(ended, over) {
			all = append(all, n)
		}
	}
	return told(append(all, ended...))
}

// told encodes incidents, so that one that cannot be told is an error and no half answer.
func told(all []Incident) (any, error) {
	bodies := make([]json.RawMessage, 0, len(all))
	for _, n := range all {
		body, err := n.MarshalJSON()
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// incident gives one, with all that is known of it.
func (s *Server) incident(r *http.Request) (any, error) {
	id := r.URL.Query().Get("id")
	if id == "" {
		return nil, refusal{http.StatusBadRequest, "an id is missing: give one as in ?id=01KAN6N8DB0000000000000000"}
	}
	detail, err := s.source.Incident(r.Context(), id)
	if errors.Is(err, ErrUnknown) {
		return nil, refusal{http.StatusNotFound, fmt.Sprintf("there is no incident %s", quote(id))}
	}
	if err != nil {
		return nil, err
	}
	body, err := detail.MarshalJSON()
	return json.RawMessage(body), err
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
	var known []string
	for _, p := range s.source.Snapshot().POPs {
		known = append(known, p.Name)
	}
	if pop != "" && !slices.Contains(known, pop) {
		return nil, Missing("POP", pop, known)
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
