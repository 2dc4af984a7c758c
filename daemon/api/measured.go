package api

import (
	"net/netip"

	"peervane/daemon/notice"
)

// POP is one point of presence, with each way in which it is probed.
type POP struct {
	Name       string   `json:"name"`
	Service    string   `json:"service"`
	City       string   `json:"city"`
	Nearest    bool     `json:"nearest"`     // of its service
	DistanceKM *float64 `json:"distance_km"` // along the great circle; null: not both places are configured
	FloorMS    *float64 `json:"floor_ms"`    // the round-trip time of light in fibre over that distance
	Hints      []string `json:"hints"`       // what does not fit the distance
	Probes     []Probe  `json:"probes"`
}

// Probe is what one way of probing a POP measured over the last ten minutes.
type Probe struct {
	Address  netip.Addr  `json:"address"`
	Method   string      `json:"method"`
	Source   string      `json:"source"`   // "": the system's choice
	LastAt   notice.Time `json:"last_at"`  // of the latest batch
	LastMS   *float64    `json:"last_ms"`  // its median
	Nearest  bool        `json:"nearest"`  // the POP is the nearest of its service over this family and from this source
	Offender string      `json:"offender"` // who sent the latest ICMP error; "": there was none
	Figures
}

// Latency is what one way of probing a POP measured over a window, as a whole and point by point: batch by batch in a window
// of an hour or less, else hour by hour.
type Latency struct {
	POP string `json:"pop"`
	Probe
	Points []Point `json:"points"` // oldest first
}

// Point is what was measured from one moment to another.
type Point struct {
	At    notice.Time `json:"at"`
	Until notice.Time `json:"until"`
	Figures
}

// Figures are what probes come to. What is not known is null.
type Figures struct {
	Sent        int      `json:"sent"`
	Received    int      `json:"received"`
	Late        int      `json:"late"`
	Duplicate   int      `json:"duplicate"`
	Refused     int      `json:"refused"` // by a reset: reachable all the same
	Unreachable int      `json:"unreachable"`
	Lost        int      `json:"lost"`
	LocalDrop   int      `json:"local_drop"` // by this host: says nothing of the network
	Foreign     int      `json:"foreign"`    // answers from another address, or without our cookie
	Loss        float64  `json:"loss"`       // 0 to 1
	MinMS       *float64 `json:"min_ms"`
	P50MS       *float64 `json:"p50_ms"`
	P95MS       *float64 `json:"p95_ms"`
	P99MS       *float64 `json:"p99_ms"`
	MaxMS       *float64 `json:"max_ms"`
	JitterMS    *float64 `json:"jitter_ms"` // p95 - p50
	TSSource    string   `json:"ts_source"` // the weakest clock among them: kernel, tcp_info, kernel_rx, user; "" without any
}

// Transit is what an AS on the way to POPs has meant for the latency: over paths with it, less over paths without it.
type Transit struct {
	ASN     uint32   `json:"asn"`
	CostMS  float64  `json:"cost_ms"` // on average over the POPs
	POPs    []string `json:"pops"`    // that were reached in both ways
	With    int      `json:"batches_with"`
	Without int      `json:"batches_without"`
}
