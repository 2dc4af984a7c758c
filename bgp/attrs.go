package bgp

import "net/netip"

// Origin is the ORIGIN attribute; lower is preferred (RFC 4271 section 5.1.1).
type Origin uint8

// The values of ORIGIN.
const (
	OriginIGP Origin = iota
	OriginEGP
	OriginIncomplete
)

func (o Origin) String() string {
	switch o {
	case OriginIGP:
		return "IGP"
	case OriginEGP:
		return "EGP"
	}
	return "INCOMPLETE"
}

// Attrs is one decoded set of path attributes. It is immutable, and shared by all routes whose attribute bytes are equal.
type Attrs struct {
	Path             *Path
	Origin           Origin
	NextHop          netip.Addr // evidence only; its value never drops a route
	MED              uint32
	LocalPref        uint32
	HasMED           bool
	HasLocalPref     bool
	AtomicAggregate  bool
	HasOTC           bool
	OTC              uint32 // Only to Customer, RFC 9234
	Aggregator       Aggregator
	Communities      []Community
	ExtCommunities   []ExtCommunity
	LargeCommunities []LargeCommunity
	OriginatorID     netip.Addr
	ClusterList      []netip.Addr
}

// Aggregator is the AGGREGATOR attribute; the zero value means that there was none.
type Aggregator struct {
	ASN  uint32
	Addr netip.Addr
}

// HasCommunity says whether c is among the route's communities.
func (a *Attrs) HasCommunity(c Community) bool {
	for _, have := range a.Communities {
		if have == c {
			return true
		}
	}
	return false
}
