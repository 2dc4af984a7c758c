package bgp

import "slices"

// Hop is one step of a cleaned path: an AS, or the members of an AS_SET.
type Hop struct {
	ASN uint32   // 0 for a set
	Set []uint32 // nil for a single AS
}

// Clean gives the path as it is judged: confederation segments are gone, adjacent repeats are one, and each of own
// (the ASNs of an internal neighbour) is taken from its head, but never the last hop. The nearest AS comes first, the origin last.
func (p *Path) Clean(own ...uint32) []Hop { return p.AppendClean(make([]Hop, 0, p.Len()), own...) }

// AppendClean is Clean, into the memory of hops, which is empty.
func (p *Path) AppendClean(hops []Hop, own ...uint32) []Hop {
	for _, s := range p.Segments {
		switch {
		case s.Type == ASSet && len(s.ASNs) > 0:
			hops = append(hops, setHop(s.ASNs))
		case s.Type == ASSequence:
			for _, asn := range s.ASNs {
				if n := len(hops); n > 0 && hops[n-1].Set == nil && hops[n-1].ASN == asn {
					continue
				}
				hops = append(hops, Hop{ASN: asn})
			}
		}
	}
	for len(hops) > 1 && hops[0].Set == nil && slices.Contains(own, hops[0].ASN) {
		hops = hops[1:]
	}
	return hops
}

// Last is the last hop of the cleaned path, the origin; false where there is none.
func (p *Path) Last() (Hop, bool) {
	for _, s := range slices.Backward(p.Segments) {
		switch n := len(s.ASNs); {
		case n == 0:
		case s.Type == ASSet:
			return setHop(s.ASNs), true
		case s.Type == ASSequence:
			return Hop{ASN: s.ASNs[n-1]}, true
		}
	}
	return Hop{}, false
}

// setHop makes a set of one member a plain AS, as aggregation of one route leaves it.
func setHop(asns []uint32) Hop {
	if len(asns) == 1 {
		return Hop{ASN: asns[0]}
	}
	return Hop{Set: asns}
}

// SameHops compares two cleaned paths: prepends and attributes alone do not count.
func SameHops(a, b []Hop) bool {
	return slices.EqualFunc(a, b, func(x, y Hop) bool {
		return x.ASN == y.ASN && slices.Equal(x.Set, y.Set)
	})
}

// IsPrivate says whether asn is reserved for private use (RFC 6996), documentation (RFC 5398) excluded: examples use those as public.
func IsPrivate(asn uint32) bool {
	return asn >= 64512 && asn <= 65534 || asn >= 4200000000 && asn <= 4294967294
}

// IsReserved says whether asn can never be seen in a sound path: 0 (RFC 7607), AS_TRANS, and the last of each width (RFC 7300).
func IsReserved(asn uint32) bool {
	return asn == 0 || asn == ASTrans || asn == 65535 || asn == 4294967295
}
