package rpki

import "peervane/bgp"

// blame explains a path whose ramps do not meet: it ceased to climb at the hop behind path[maxUp-1], and what came down
// to us begins at the hop before path[n-maxDown] (with no down-ramp, at our own session). Between them somebody turned it around.
func (s *Set) blame(path []uint32, maxUp, maxDown int, from Session) PathVerdict {
	n := len(path)
	v := PathVerdict{State: Invalid, Fault: Unauthorized}
	v.Denied = append(v.Denied, Denial{path[maxUp-1], path[maxUp]})
	if maxDown > 0 {
		v.Denied = append(v.Denied, Denial{path[n-maxDown], path[n-maxDown-1]})
	}
	first, last := 0, n-1-maxDown
	for at := maxUp; at <= last; at++ {
		possible, certain := true, at == last
		if !certain {
			possible, certain = s.turn(path[at], path[at+1])
		}
		if possible {
			if v.Suspects == nil {
				first = at
			}
			v.Suspects = append(v.Suspects, path[at])
		}
		if certain {
			break
		}
	}
	v.Leaker = path[first]
	if len(v.Suspects) == 1 {
		v.LeakType = s.leakType(path, first, from)
	}
	return v
}

// turn says whether an AS that has a route from a provider or peer can have leaked it by passing it to next, and whether it
// certainly has. Passing it down to a customer leaks nothing; siblings, who attest each other, may do either.
func (s *Set) turn(at, next uint32) (possible, certain bool) {
	down, up := s.Authorized(next, at), s.Authorized(at, next)
	possible = down != Provider || up == Provider
	certain = down == NotProvider || up == Provider && down != Provider
	return possible, certain
}

// leakType tells from the leaker's own ASPA from whom it had the route and to whom it gave it (RFC 7908 section 3).
func (s *Set) leakType(path []uint32, at int, from Session) int {
	before := s.Authorized(path[at], path[at-1])
	if before == NoAttestation {
		return 0
	}
	after := NotProvider
	if at+1 < len(path) {
		after = s.Authorized(path[at], path[at+1])
	} else if from.Relationship == bgp.Customer {
		after = Provider
	}
	switch {
	case before == Provider && after == Provider:
		return 1
	case before == NotProvider && after == NotProvider:
		return 2
	case before == Provider:
		return 3
	}
	return 4
}
