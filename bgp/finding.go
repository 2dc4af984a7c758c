package bgp

import (
	"net/netip"
	"time"
)

// Seen is a route as evidence shows it.
type Seen struct {
	Vantage *Vantage
	Prefix  netip.Prefix
	PathID  uint32
	Attrs   *Attrs
	RPKI    string // "valid", "invalid", "not-found"; empty when nothing is known
	Since   time.Time
}

// Finding is a condition that a detector sees to hold now. It is a function of state: as long as the condition holds, every
// evaluation gives it again. The incident book gives it an id, a life and an end.
type Finding struct {
	Type      string // the names of SPEC section 4: "origin_change", ...
	Severity  string // the detector's default
	Prefix    netip.Prefix
	Offending netip.Prefix
	Culprit   uint32
	Peer      string
	POP       string
	Source    netip.Addr // probe types only
	Channel   string     // channel_failing only

	Since time.Time     // when the condition began, before any hold; zero: when it is found
	Hold  time.Duration // it must hold so long before it fires
	Quiet bool          // it holds, but too few vantages agree to fire it; one that fires already goes on

	// Bad holds the names of the vantages that show the condition: those whose loss must not resolve it. Total is the
	// number of vantages that could show it.
	Bad   []string
	Total int

	Routes     []Seen // what is wrong, as received
	Previous   []Seen // what stood before
	Methods    []string
	Also       []string // other types that hold for the same route and raise no incident of their own
	LeakType   int      // RFC 7908
	Expected   Expected
	Hints      []string
	Summary    string // one plain sentence
	Measured   *Measured
	Cause      *RouteChange // probe types only: the change of the route to the POP that it came with
	Verdict    string       // which planes moved: "both", "route_only", "latency_only"; empty when not judged
	Connection string
}

// Measured is what a latency finding rests on, in milliseconds. NaN stands for what is not known.
type Measured struct {
	POP           string
	Before, After float64
	Loss          float64 // 0 to 1

	// Outage is for how long probes were lost around the change of a route, and Convergence how long the route itself took
	// to settle.
	Outage, Convergence float64
}

// RouteChange is a change of the route to an address at one vantage, which may have taken several UPDATEs. A route without attributes
// is none.
type RouteChange struct {
	At, Last time.Time // of the first UPDATE, and of the last
	Updates  int
	Old, New Seen
}

// Vantage is where the route changed.
func (c *RouteChange) Vantage() *Vantage {
	if c.New.Vantage != nil {
		return c.New.Vantage
	}
	return c.Old.Vantage
}

// Prefix is that of the route that is in use now, or of the one that went.
func (c *RouteChange) Prefix() netip.Prefix {
	if c.New.Attrs != nil {
		return c.New.Prefix
	}
	return c.Old.Prefix
}

// Expected says what would have been right.
type Expected struct {
	Origins         []uint32
	CoveringOrigins []uint32
	Upstreams       []uint32 // next to the origin
	Communities     []string
	MaxLength       int
	Sessions        int      // how many primary sessions should carry the prefix
	Silent          []string // the vantages that should hold it and do not
	Path            string
}
