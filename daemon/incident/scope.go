package incident

import (
	"cmp"
	"net/netip"
	"time"

	"peervane/daemon/notice"
)

// The kinds of scopes.
const (
	Routing = "prefix"
	Session = "peer"
	Probing = "pop"
	Service = "service" // peervane's own parts: RPKI data, channels, the uplink
	Grouped = "group"   // many incidents that are told as one; never judged
)

// Scope is what is judged at once: the findings of one judgement replace those of the one before.
type Scope struct {
	Kind      string       `json:"kind"`
	Prefix    netip.Prefix `json:"prefix,omitzero"`    // registered
	Offending netip.Prefix `json:"offending,omitzero"` // the route prefix that is judged: Prefix, or a more-specific
	Subject   string       `json:"subject,omitempty"`  // the peer, POP or part
}

func (s Scope) compare(t Scope) int {
	return cmp.Or(
		cmp.Compare(s.Kind, t.Kind),
		s.Prefix.Compare(t.Prefix),
		s.Offending.Compare(t.Offending),
		cmp.Compare(s.Subject, t.Subject),
	)
}

// Sight says what is known of a vantage at a scope's prefix.
type Sight uint8

// Lost, the zero value, is not knowing: the vantage is down, or up and not yet in sync.
const (
	Lost      Sight = iota
	InSync          // what it holds is all that there is
	Returning       // so it says, but what it showed before it was lost may still come
	Gone            // removed from the configuration, or forgotten
)

// World is what the book must know of a scope beside its findings. The zero value suits scopes that no vantage shows.
type World struct {
	Sight   func(vantage string) Sight // at the scope's prefix; nil: each is in sync
	Good    bool                       // a vantage in sync shows the prefix good
	Settled []string                   // types whose condition became the new normal with this judgement
	Reason  string                     // why what resolves now does; empty: cleared. After a reload: config
	Labels  map[string]string          // of the registration, the peer or the POP

	Connections []string // that a session belongs to

	// Latency gives what is known of the cost when an incident fires whose condition began then: the figures before, which
	// a hold must not blend with those after. nil, or a nil result: nothing.
	Latency func(began time.Time) *notice.Latency

	// Remains tells, as the end of a sentence, what has not recovered on the other plane when an incident resolves. nil, or "":
	// nothing.
	Remains func(n *notice.Notice) string

	// Unjudged says of an incident whose condition was not found at a vantage that the data which would find it is not there. nil: it is.
	Unjudged func(n *notice.Notice, vantage string) bool
}

func (w *World) sight(vantage string) Sight {
	if w.Sight == nil {
		return InSync
	}
	return w.Sight(vantage)
}
