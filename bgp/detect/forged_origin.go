package detect

import (
	"fmt"
	"slices"

	"peervane/bgp"
)

// forgedOrigin: the origin is legitimate, but the AS next to it is none of its upstreams. Who wants a route to pass origin
// validation puts the legitimate origin behind his own AS.
func forgedOrigin(s *State, h *Held) *offence {
	upstreams := s.Reg.Policy.Upstreams
	if len(upstreams) == 0 || s.Verdict(h) != Legitimate {
		return nil
	}
	next, ok := s.upstream(h)
	if !ok || s.mayBe(next, upstreams) {
		return nil
	}
	return &offence{culprit: members(next)[0]}
}

// upstream is the hop next to the origin. ASNs that may originate the prefix themselves are trusted with it, and siblings
// are one, so the origin begins with the first of them; route servers are transparent. False: the path holds none, so that
// the neighbour himself is the origin.
func (s *State) upstream(h *Held) (bgp.Hop, bool) {
	hops := s.hops(h.Vantage, h.Attrs.Path)
	if len(hops) == 0 {
		return bgp.Hop{}, false
	}
	origins := [][]uint32{s.Reg.Policy.Origins, members(hops[len(hops)-1])}
	for _, hop := range slices.Backward(hops[:len(hops)-1]) {
		if hop.Set == nil && (s.Settings.RouteServers[hop.ASN] || s.listed(hop.ASN, origins)) {
			continue
		}
		return hop, true
	}
	return bgp.Hop{}, false
}

// mayBe says whether a hop may stand for one of the listed ASNs: AS_TRANS may stand for any, and in an AS_SET nobody knows
// which member stands where.
func (s *State) mayBe(hop bgp.Hop, list []uint32) bool {
	return slices.ContainsFunc(members(hop), func(asn uint32) bool {
		return asn == bgp.ASTrans || s.listed(asn, [][]uint32{list})
	})
}

func expectUpstreams(s *State, e *bgp.Expected) { e.Upstreams = s.Reg.Policy.Upstreams }

func forgedOriginSummary(s *State, f *bgp.Finding) string {
	return fmt.Sprintf("%s goes through %s, which is no upstream of %s: %s, expected next to the origin %s (%s)",
		f.Offending, asn(f.Culprit), s.origins(f), seenBy(f), asns(s.Reg.Policy.Upstreams), example(f))
}
