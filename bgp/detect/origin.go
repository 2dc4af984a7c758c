package detect

import (
	"slices"

	"peervane/bgp"
)

// Verdict says whether an origin is legitimate.
type Verdict uint8

// Unknown is the verdict on an origin that proves nothing: AS_TRANS (RFC 6793).
const (
	Unknown Verdict = iota
	Legitimate
	Wrong
)

// Origin is the last hop of a path, as it is judged: confederation segments do not count. The origin of an empty path is
// ours on an internal session; on any other it is the neighbour.
func (s *State) Origin(v *bgp.Vantage, p *bgp.Path) bgp.Hop {
	last, ok := p.Last()
	switch {
	case ok:
		return last
	case v.Relationship == bgp.Internal:
		return bgp.Hop{ASN: s.Settings.OurASN}
	}
	return bgp.Hop{ASN: v.ASN}
}

// Verdict judges the origin of a route of the scope's prefix.
func (s *State) Verdict(h *Held) Verdict {
	p := s.Reg.Policy
	if p.Expect == Absent {
		return Wrong
	}
	return s.judge(s.Origin(h.Vantage, h.Attrs.Path), p.Origins)
}

// judge holds an origin against lists of legitimate ones. An AS_SET is legitimate only if every member is.
func (s *State) judge(origin bgp.Hop, legitimate ...[]uint32) Verdict {
	if s.Reg.Policy.AnyOrigin {
		return Legitimate
	}
	verdict := Legitimate
	for _, asn := range members(origin) {
		switch {
		case asn == bgp.ASTrans:
			verdict = Unknown
		case !s.listed(asn, legitimate):
			return Wrong
		}
	}
	return verdict
}

func members(h bgp.Hop) []uint32 {
	if h.Set != nil {
		return h.Set
	}
	return []uint32{h.ASN}
}

// listed looks for asn, or another ASN of its organisation.
func (s *State) listed(asn uint32, lists [][]uint32) bool {
	for _, list := range lists {
		if slices.ContainsFunc(list, func(have uint32) bool {
			return have == asn || s.Settings.organisation(have) == s.Settings.organisation(asn)
		}) {
			return true
		}
	}
	return false
}

// organisation gives the ASN that stands for all siblings of asn.
func (s *Settings) organisation(asn uint32) uint32 {
	if head, ok := s.Siblings[asn]; ok {
		return head
	}
	return asn
}

// hops is the path as it is judged.
func (s *State) hops(v *bgp.Vantage, p *bgp.Path) []bgp.Hop {
	if v.Relationship == bgp.Internal {
		return p.Clean(v.ASN, v.LocalASN, s.Settings.OurASN)
	}
	return p.Clean()
}

// local says whether a route was originated behind an internal peer: its path is empty, or all private.
func (s *State) local(h *Held) bool {
	if h.Vantage.Relationship != bgp.Internal {
		return false
	}
	for _, hop := range s.hops(h.Vantage, h.Attrs.Path) {
		if slices.ContainsFunc(members(hop), func(asn uint32) bool { return !bgp.IsPrivate(asn) }) {
			return false
		}
	}
	return true
}

// culprit is the origin, or the nearest public ASN when the origin is private or none that can be asked. Of an AS_SET it is
// the first member, in numerical order, that is neither legitimate nor private.
func (s *State) culprit(h *Held, legitimate ...[]uint32) uint32 {
	origin := s.Origin(h.Vantage, h.Attrs.Path)
	suspects := members(origin)
	if len(suspects) > 1 {
		suspects = slices.Sorted(slices.Values(suspects))
	}
	for _, asn := range suspects {
		if public(asn) && (origin.Set == nil || !s.listed(asn, legitimate)) {
			return asn
		}
	}
	hops := s.hops(h.Vantage, h.Attrs.Path)
	for i := len(hops) - 2; i >= 0; i-- {
		if hops[i].Set == nil && public(hops[i].ASN) {
			return hops[i].ASN
		}
	}
	if len(suspects) == 0 {
		return 0
	}
	return suspects[0]
}

func public(asn uint32) bool { return !bgp.IsPrivate(asn) && !bgp.IsReserved(asn) }
