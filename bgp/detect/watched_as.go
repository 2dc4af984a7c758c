package detect

import (
	"fmt"
	"slices"

	"peervane/bgp"
)

// WatchedAS says what is legitimate for one of our ASNs, wherever it stands in a path.
type WatchedAS struct {
	Upstreams   []uint32 // before it in a path, nearer to us; nil = not checked, empty = none is legitimate
	Downstreams []uint32 // behind it; likewise
	Unlisted    bool     // a prefix that it originates should be registered
}

// Unlisted is the registration under which routes outside every registered prefix are judged: nothing is expected of them,
// but what the watched ASNs promise.
func Unlisted() *Registration {
	return &Registration{Policy: &Policy{AnyOrigin: true, Expect: Optional, AllowPrivateASN: true, AllowPrepending: true}}
}

// registered says whether the scope lies inside a registered prefix.
func (s *State) registered() bool { return s.Reg.Prefix.IsValid() }

// unlistedPrefix: one of our ASNs originates a prefix that is not registered. Default routes are given, not announced.
func unlistedPrefix(s *State, h *Held) *offence {
	if s.registered() || s.Prefix.Bits() == 0 || s.local(h) {
		return nil
	}
	origin := s.Origin(h.Vantage, h.Attrs.Path)
	if origin.Set != nil || !s.Settings.ASNs[origin.ASN].Unlisted {
		return nil
	}
	return &offence{culprit: origin.ASN}
}

func unlistedPrefixSummary(_ *State, f *bgp.Finding) string {
	return fmt.Sprintf("%s announced by our %s is not registered: %s (%s)", f.Offending, asn(f.Culprit), seenBy(f), example(f))
}

// newUpstream: an AS that is not listed stands before one of our ASNs, so it gives its routes to others.
func newUpstream(s *State, h *Held) *offence {
	return s.stranger(h, -1, func(w WatchedAS) []uint32 { return w.Upstreams })
}

// newDownstream: an AS that is not listed stands behind one of our ASNs, so it gives its routes to others through ours.
func newDownstream(s *State, h *Held) *offence {
	return s.stranger(h, +1, func(w WatchedAS) []uint32 { return w.Downstreams })
}

// stranger finds an AS that is next to a watched one, on the side of step, and not listed there. Siblings and route servers
// are passed over. What is in an AS_SET, or hidden by AS_TRANS, is next to nobody for sure.
func (s *State) stranger(h *Held, step int, list func(WatchedAS) []uint32) *offence {
	if len(s.Settings.ASNs) == 0 {
		return nil
	}
	hops := s.hops(h.Vantage, h.Attrs.Path)
	for i, hop := range hops {
		w, watched := s.Settings.ASNs[hop.ASN]
		if !watched || hop.Set != nil || list(w) == nil {
			continue
		}
		next, ok := s.beside(hops, i, step)
		if ok && next.Set == nil && next.ASN != bgp.ASTrans && !s.listed(next.ASN, [][]uint32{list(w)}) {
			return &offence{culprit: next.ASN}
		}
	}
	return nil
}

// beside is the hop next to hops[i] on one side.
func (s *State) beside(hops []bgp.Hop, i, step int) (bgp.Hop, bool) {
	self := []uint32{hops[i].ASN}
	for i += step; i >= 0 && i < len(hops); i += step {
		if hops[i].Set == nil && (s.Settings.RouteServers[hops[i].ASN] || s.listed(hops[i].ASN, [][]uint32{self})) {
			continue
		}
		return hops[i], true
	}
	return bgp.Hop{}, false
}

func newUpstreamSummary(s *State, f *bgp.Finding) string {
	return fmt.Sprintf("%s goes through %s, which is no upstream of our %s: %s (%s)",
		f.Offending, asn(f.Culprit), s.beset(f, -1), seenBy(f), example(f))
}

func newDownstreamSummary(s *State, f *bgp.Finding) string {
	return fmt.Sprintf("%s comes through our %s from %s, which is no downstream of it: %s (%s)",
		f.Offending, s.beset(f, +1), asn(f.Culprit), seenBy(f), example(f))
}

// beset names the watched ASNs that a finding's culprit stands next to.
func (s *State) beset(f *bgp.Finding, step int) string {
	var ours []uint32
	for _, r := range f.Routes {
		hops := s.hops(r.Vantage, r.Attrs.Path)
		for i, hop := range hops {
			if _, watched := s.Settings.ASNs[hop.ASN]; !watched || slices.Contains(ours, hop.ASN) {
				continue
			}
			if next, ok := s.beside(hops, i, step); ok && next.ASN == f.Culprit {
				ours = append(ours, hop.ASN)
			}
		}
	}
	slices.Sort(ours)
	return asns(ours)
}
