package detect

import (
	"fmt"
	"slices"

	"peervane/bgp"
)

// policy: a route at a primary or backup session does not meet a requirement of the registration.
func policy(s *State, h *Held) *offence {
	unmet := s.unmet(h)
	if len(unmet) == 0 {
		return nil
	}
	return &offence{culprit: s.culprit(h), hints: unmet, sudden: true}
}

// unmet says which requirements a route does not meet. Those of other networks and of collectors' peers need meet none: on
// their way routes grow, and lose communities.
func (s *State) unmet(h *Held) (reasons []string) {
	if s.role(h.Vantage) == bystander || s.Verdict(h) == Wrong {
		return nil
	}
	p := s.Reg.Policy
	for _, c := range p.RequiredCommunities {
		if !h.Attrs.HasCommunity(c) {
			reasons = append(reasons, fmt.Sprintf("community %s is missing", c))
		}
	}
	for _, c := range p.RequiredLargeCommunities {
		if !slices.Contains(h.Attrs.LargeCommunities, c) {
			reasons = append(reasons, fmt.Sprintf("community %s is missing", c))
		}
	}
	if p.MaxPathLength > 0 {
		if n := len(s.steps(h)); n > p.MaxPathLength {
			reasons = append(reasons, fmt.Sprintf("the AS path is too long (%d, at most %d)", n, p.MaxPathLength))
		}
	}
	if !p.AllowPrivateASN {
		if asn, ok := s.privateASN(h); ok {
			reasons = append(reasons, fmt.Sprintf("private AS%d in the path", asn))
		}
	}
	if !p.AllowPrepending {
		if asn, ok := s.prepended(h); ok {
			reasons = append(reasons, fmt.Sprintf("AS%d is prepended", asn))
		}
	}
	return reasons
}

// steps is the path with its repeats: confederation segments and our own ASN at the head of an internal route are gone.
func (s *State) steps(h *Held) (steps []bgp.Hop) {
	for _, seg := range h.Attrs.Path.Segments {
		switch seg.Type {
		case bgp.ASSet:
			steps = append(steps, bgp.Hop{Set: seg.ASNs})
		case bgp.ASSequence:
			for _, asn := range seg.ASNs {
				steps = append(steps, bgp.Hop{ASN: asn})
			}
		}
	}
	for len(steps) > 1 && h.Vantage.Relationship == bgp.Internal && s.ours(h.Vantage, steps[0].ASN) {
		steps = steps[1:]
	}
	return steps
}

// ours says whether an ASN is our own on a session.
func (s *State) ours(v *bgp.Vantage, asn uint32) bool {
	return asn != 0 && (asn == s.Settings.OurASN || asn == v.LocalASN || v.Relationship == bgp.Internal && asn == v.ASN)
}

// privateASN finds a private ASN that nobody has named: neither as the neighbour, nor in the registration, nor as ours. A
// route that was originated behind an internal peer is still on its way out.
func (s *State) privateASN(h *Held) (uint32, bool) {
	if s.local(h) {
		return 0, false
	}
	p := s.Reg.Policy
	for _, seg := range h.Attrs.Path.Segments {
		if seg.Type != bgp.ASSequence && seg.Type != bgp.ASSet {
			continue
		}
		for _, asn := range seg.ASNs {
			if !bgp.IsPrivate(asn) || asn == h.Vantage.ASN || s.ours(h.Vantage, asn) {
				continue
			}
			if !s.listed(asn, [][]uint32{p.Origins, p.Upstreams, p.Required}) {
				return asn, true
			}
		}
	}
	return 0, false
}

// prepended finds an ASN that stands in the path more than once in a row.
func (s *State) prepended(h *Held) (uint32, bool) {
	steps := s.steps(h)
	for i := 1; i < len(steps); i++ {
		if steps[i].Set == nil && steps[i-1].Set == nil && steps[i].ASN == steps[i-1].ASN {
			return steps[i].ASN, true
		}
	}
	return 0, false
}

func expectCommunities(s *State, e *bgp.Expected) {
	for _, c := range s.Reg.Policy.RequiredCommunities {
		e.Communities = append(e.Communities, c.String())
	}
	for _, c := range s.Reg.Policy.RequiredLargeCommunities {
		e.Communities = append(e.Communities, c.String())
	}
}

func policySummary(s *State, f *bgp.Finding) string {
	var reasons []string
	for _, r := range f.Routes {
		reasons = union(reasons, s.unmet(&Held{Seen: r}))
	}
	return fmt.Sprintf("%s does not meet what is required of it (%s): %s (%s)", f.Offending, names(reasons), seenBy(f), example(f))
}
