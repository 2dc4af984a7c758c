package incident

import (
	"net/netip"
	"time"

	"peervane/daemon/notice"
)

// The kinds of scopes.
const (
	Routing = "prefix"
	Session = "peer"
	Probing = "pop"
	Service = "service" // peervane's own parts: rpki, channels, uplink
)

// Scope is what is judged at once: its findings replace those of the judgement before.
type Scope struct {
	Kind      string       `json:"kind"`
	Prefix    netip.Prefix `json:"prefix,omitzero"`    // registered
	Offending netip.Prefix `json:"offending,omitzero"` // the route prefix that is judged
	Subject   string       `json:"subject,omitempty"`  // peer, POP, channel
}

// Sight says what is known of a vantage at a prefix.
type Sight uint8

// Lost, the zero value, is not knowing: the vantage is down, or up and not yet in sync.
const (
	Lost   Sight = iota
	InSync       // what it holds is all that there is
	Gone         // removed from the configuration, or forgotten
)

// World is what the book must know of a scope beside its findings. The zero value suits scopes that no vantage shows.
type World struct {
	// Sight of a vantage at the scope's prefix. Nil: no vantage is known.
	Sight func(vantage string) Sight
	// Good says that a vantage in sync shows the prefix good.
	Good bool
	// Settled holds the types whose condition became the new normal with this judgement.
	Settled []string
	// Labels of the registration, the peer or the POP.
	Labels map[string]string
	// Latency is what is known of the cost when an incident fires; nil when nothing is.
	Latency *notice.Latency
}

// Record is one incident, with all that is needed to go on with it after a restart.
type Record struct {
	Scope  Scope         `json:"scope"`
	Notice notice.Notice `json:"notice"` // as it stands now; Delivery is empty
	Open   bool          `json:"open"`

	Bad     []Witness `json:"bad,omitempty"` // sorted by name
	Total   int       `json:"total"`         // vantages in sync that could show it
	Summary string    `json:"summary"`       // without the latency

	FiredAt  time.Time `json:"fired_at"`
	ToldBad  int       `json:"told_bad"`           // how many vantages the last notice told of
	ToldAt   time.Time `json:"told_at"`            // when that was
	LostTold time.Time `json:"lost_told,omitzero"` // when the last loss was told
}

// Witness is a vantage that showed the condition when it was last seen.
type Witness struct {
	Vantage string    `json:"vantage"`
	Lost    time.Time `json:"lost,omitzero"`    // since when it is not in sync; zero: it shows the condition now
	Unseen  bool      `json:"unseen,omitempty"` // not judged since a restart
}
