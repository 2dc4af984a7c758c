package rpki

import (
	"slices"

	"peervane/bgp"
)

// Authorization answers whether one AS attests another as its provider (aspa-verification section 5.3).
type Authorization uint8

// The answers; Provider is the draft's "Provider+": a provider, or a route server that is not transparent.
const (
	NoAttestation Authorization = iota
	Provider
	NotProvider
)

var authorizationNames = [...]string{"no attestation", "provider", "not provider"}

func (a Authorization) String() string { return authorizationNames[a] }

// Authorized says whether y is an attested provider of x. AS_TRANS stands for an AS that we do not know, so that nothing
// is attested of it; AS 0 in a provider set stands for nobody.
func (s *Set) Authorized(x, y uint32) Authorization {
	if s.aspas == nil || y == bgp.ASTrans {
		return NoAttestation
	}
	providers, attested := s.aspas.providers[x]
	if !attested {
		return NoAttestation
	}
	if _, found := slices.BinarySearch(providers, y); found && y != 0 {
		return Provider
	}
	return NotProvider
}

// Session says from whom a path was received.
type Session struct {
	Relationship bgp.Relationship // what the neighbour is to us
	Neighbour    uint32           // its ASN, which must stand first in the path; 0 compares nothing
}

// PathFault says why a path is Invalid.
type PathFault uint8

// The faults in the order of the procedure's steps. Only Unauthorized speaks of a leak or a forged path.
const (
	NoPathFault PathFault = iota
	EmptyPath
	WrongNeighbour
	HasASSet
	Unauthorized // more than one hop is neither up nor down
)

var pathFaults = [...]string{"", "the path is empty", "the first AS is not the neighbour", "the path has an AS_SET", "a hop is not authorized"}

func (f PathFault) String() string { return pathFaults[f] }

// Denial is a hop whose customer attests other providers only ("Not Provider+").
type Denial struct{ Customer, Provider uint32 }

// PathVerdict is the result of path verification, with its evidence. State is Valid, Invalid or Unknown.
type PathVerdict struct {
	State    State
	Fault    PathFault
	Denied   []Denial // the hops that bound the ramps, from the origin on
	Leaker   uint32   // the AS at the turn: the first of Suspects; 0 unless Unauthorized
	Suspects []uint32 // all ASes where the turn can be, as far as attestations tell, from the origin on
	LeakType int      // RFC 7908 types 1 to 4, 0 where the leaker's own ASPA does not tell
}

// VerifyPath verifies an AS_PATH by the procedures of draft-ietf-sidrops-aspa-verification-28, sections 5.5 (upstream:
// from customers, peers, route servers and their clients) and 5.6 (downstream: from providers, and the lenient choice for
// collectors). own are our ASNs that an internal neighbour leaves at the head of the path. A route from an internal
// neighbour is Unknown (section 6.2): give the relationship of the external AS behind it to have it judged.
//
// The cost is a few map look-ups a hop; the verdict is a function of path, session and Set alone, so keep it with the path.
func (s *Set) VerifyPath(p *bgp.Path, from Session, own ...uint32) PathVerdict {
	if from.Relationship == bgp.Internal {
		return PathVerdict{}
	}
	path, fault := compress(p, from, own)
	if fault != NoPathFault {
		return PathVerdict{State: Invalid, Fault: fault}
	}
	n := len(path)
	maxUp, minUp := s.ramp(n, func(i int) Authorization { return s.Authorized(path[i], path[i+1]) })
	maxDown, minDown := 0, 0
	if downstream(from.Relationship) {
		maxDown, minDown = s.ramp(n, func(i int) Authorization { return s.Authorized(path[n-1-i], path[n-2-i]) })
	}
	switch {
	case maxUp+maxDown < n:
		return s.blame(path, maxUp, maxDown, from)
	case minUp+minDown < n:
		return PathVerdict{State: Unknown}
	}
	return PathVerdict{State: Valid}
}

// downstream says which procedure applies (sections 5.5 and 5.6).
func downstream(r bgp.Relationship) bool { return r == bgp.Provider || r == bgp.Collector }

// compress makes the COMPRESSED_AS_PATH, the origin first, and checks steps 1 to 3 of both procedures. A transparent
// route server does not stand in the path, so that its clients cannot compare the neighbour.
func compress(p *bgp.Path, from Session, own []uint32) ([]uint32, PathFault) {
	hops := p.Clean(own...)
	switch {
	case len(hops) == 0:
		return nil, EmptyPath
	case from.Neighbour != 0 && from.Relationship != bgp.RouteServer && hops[0].ASN != from.Neighbour:
		return nil, WrongNeighbour
	case p.HasSet():
		return nil, HasASSet
	}
	path := make([]uint32, len(hops))
	for i, h := range hops {
		path[len(hops)-1-i] = h.ASN
	}
	return path, NoPathFault
}

// ramp measures the bounds of a ramp (section 5.4) over the hops from its foot: the longest that no attestation denies,
// and the longest that is attested.
func (s *Set) ramp(n int, hop func(i int) Authorization) (longest, attested int) {
	longest, attested = n, n
	for i := range n - 1 {
		switch hop(i) {
		case NotProvider:
			return i + 1, min(attested, i+1)
		case NoAttestation:
			attested = min(attested, i+1)
		}
	}
	return longest, attested
}
