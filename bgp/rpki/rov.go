package rpki

import (
	"net/netip"

	"peervane/bgp"
)

// State is the outcome of a verification. The zero value is Unknown: the data cannot say.
type State uint8

// Unknown is for paths (no attestation decides) and for any route while no data is held; NotFound is for origins only.
const (
	Unknown State = iota
	NotFound
	Valid
	Invalid
)

var stateNames = [...]string{"unknown", "not-found", "valid", "invalid"}

func (s State) String() string { return stateNames[s] }

// OriginFault says why no VRP matches a route that is covered.
type OriginFault uint8

// The faults, the likeliest mistake first: if any VRP has the right origin, the route is too specific for it.
const (
	NoOriginFault OriginFault = iota
	TooSpecific               // a VRP has this origin, but its maximum length is shorter
	WrongOrigin               // other ASes are authorized
	OnlyAS0                   // nobody may originate it (RFC 6483 section 4)
	NoOrigin                  // the path ends in an AS_SET, which nothing can match
)

var originFaults = [...]string{"", "more specific than the maximum length", "wrong origin", "AS0: nobody may originate it", "the origin is an AS_SET"}

func (f OriginFault) String() string { return originFaults[f] }

// OriginVerdict is the result of origin validation, with its evidence.
type OriginVerdict struct {
	State    State
	Fault    OriginFault
	Covering []VRP // all VRPs that cover the route, the most specific first; shared, not to be changed
}

// Origin is the Route Origin ASN of RFC 6811 section 2. It is 0, which no VRP can match, where the path ends in an
// AS_SET; own where it was originated inside our AS or confederation.
func Origin(p *bgp.Path, own uint32) uint32 {
	if len(p.Segments) == 0 {
		return own
	}
	switch last := p.Segments[len(p.Segments)-1]; {
	case last.Type == bgp.ConfedSequence || last.Type == bgp.ConfedSet:
		return own
	case last.Type == bgp.ASSequence && len(last.ASNs) > 0:
		return last.ASNs[len(last.ASNs)-1]
	}
	return 0
}

// VerifyOrigin validates the origin of a route (RFC 6811): valid if a VRP matches, invalid if some cover it and none
// matches, otherwise not found. Without any VRPs held it is Unknown.
func (s *Set) VerifyOrigin(prefix netip.Prefix, origin uint32) OriginVerdict {
	if s.vrps == nil {
		return OriginVerdict{}
	}
	v := OriginVerdict{State: NotFound}
	for _, at := range s.vrps.index.Supernets(prefix) {
		covering := s.vrps.sorted[at.from:at.to:at.to]
		if v.Covering == nil {
			v.Covering = covering
		} else {
			v.Covering = append(v.Covering, covering...)
		}
	}
	if len(v.Covering) > 0 {
		v.State, v.Fault = match(v.Covering, prefix.Bits(), origin)
	}
	return v
}

// match looks for a VRP that has the origin and allows the length. AS 0 matches nothing (RFC 6811 section 2).
func match(covering []VRP, bits int, origin uint32) (State, OriginFault) {
	fault := OnlyAS0
	for _, v := range covering {
		switch {
		case v.ASN == 0:
		case v.ASN != origin:
			fault = min(fault, WrongOrigin)
		case bits <= int(v.MaxLength):
			return Valid, NoOriginFault
		default:
			fault = TooSpecific
		}
	}
	if origin == 0 {
		fault = NoOrigin
	}
	return Invalid, fault
}
