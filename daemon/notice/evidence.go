package notice

import "net/netip"

// Evidence is what a notice rests on.
type Evidence struct {
	Methods  []string `json:"methods"`
	LeakType int      `json:"leak_type"` // RFC 7908; 0: none
	Also     []string `json:"also"`      // other types that hold for the same route and raise no incident of their own
	Routes   []Route  `json:"routes"`    // what is wrong, as received
	Previous []Route  `json:"previous"`  // what stood before
	Expected Expected `json:"expected"`
	Latency  *Latency `json:"latency"` // null when nothing was measured
	Verdict  string   `json:"verdict"` // which planes moved: both, route_only, latency_only; "" when not judged
	Cause    *Cause   `json:"cause"`   // of latency incidents: the change of the route that it came with; null: none
	// DataPlane is what becomes of packets drawn to a hijacker, as seen from here: black_hole, detour, unaffected_here; "" when not measured.
	DataPlane string   `json:"data_plane"`
	Trace     *Trace   `json:"trace"` // the way to the POP; null when none was traced
	Hints     []string `json:"hints"` // what a person might look at next
	Group     *Group   `json:"group"` // null: it is one incident
}

// Route is a route as a vantage showed it.
type Route struct {
	Vantage     string       `json:"vantage"`
	Prefix      netip.Prefix `json:"prefix"`
	ASPath      string       `json:"as_path"`
	Origin      uint32       `json:"origin"` // 0: none that is certain, as in an AS_SET
	NextHop     netip.Addr   `json:"next_hop"`
	Communities []string     `json:"communities"` // standard and large ones
	RPKI        string       `json:"rpki"`        // valid, invalid, not-found; "" when nothing is known
	Since       Time         `json:"since"`
}

// Expected is what would have been right.
type Expected struct {
	Origins         []uint32 `json:"origins"`
	CoveringOrigins []uint32 `json:"covering_origins"`
	Upstreams       []uint32 `json:"upstreams"` // next to the origin; [] = any
	Communities     []string `json:"communities"`
	MaxLength       int      `json:"max_length"` // 0: no matter
	Sessions        int      `json:"sessions"`   // how many primary sessions should carry the prefix
	Silent          []string `json:"silent"`     // the vantages that should hold it and do not
	Path            string   `json:"path"`
}

// Latency is what the condition cost on the way to a POP. A figure not measured yet is nil, and null in the body.
type Latency struct {
	POP      string   `json:"pop"`
	BeforeMS *float64 `json:"before_ms"`
	AfterMS  *float64 `json:"after_ms"`
	ShiftMS  *float64 `json:"shift_ms"`
	Loss     *float64 `json:"loss"` // 0 to 1

	OutageMS      *float64 `json:"outage_ms"`      // from the first to the last probe lost around the change of a route
	ConvergenceMS *float64 `json:"convergence_ms"` // from the first to the last UPDATE of that change
}
