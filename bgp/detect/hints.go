package detect

import (
	"fmt"
	"slices"
	"strconv"

	"peervane/bgp"
)

// manyPrepends bounds what can be a count of prepends that was typed where an ASN belongs.
const manyPrepends = 32

// reOrigination is the type of RFC 7908 section 3.5: an AS announces as its own what it learns from the origin.
const reOrigination = 5

// hints says what a person would look at first in a route that offends: the mistakes that make most of what looks like a
// hijack, and what the route has in common with legitimate ones.
func (s *State) hints(c *claim, h *Held) (hints []string) {
	add := func(format string, args ...any) { hints = append(hints, fmt.Sprintf(format, args...)) }
	hops := s.hops(h.Vantage, h.Attrs.Path)
	switch c.by.name {
	case "subprefix", "origin_change":
		s.originHints(h, hops, c.culprit, add)
	case "forged_origin":
		if n := len(hops); n > 2 && hops[n-3].ASN == hops[n-1].ASN && hops[n-2].ASN <= manyPrepends {
			add("AS%d stands in the midst of AS%d: a count of prepends, typed where the ASN belongs?", hops[n-2].ASN, hops[n-1].ASN)
		} else {
			addTypo(add, c.culprit, s.Reg.Policy.Upstreams)
		}
	case "new_upstream", "new_downstream":
		for _, w := range s.Settings.ASNs {
			addTypo(add, c.culprit, w.Upstreams)
			addTypo(add, c.culprit, w.Downstreams)
		}
	case "new_more_specific":
		if s.likeRegistered(h) && c.severity != info {
			add("it takes the same path as %s: the doing of %s itself", s.Reg.Prefix, s.origins(&bgp.Finding{Routes: []bgp.Seen{h.Seen}}))
		}
	}
	if whole, ok := s.optimised(h); ok {
		add("both halves of %s come with one AS path, which is not that of %s: a route optimiser's pattern", whole, s.Reg.Prefix)
	}
	if h.Attrs.Path.HasSet() {
		add("the path holds an AS_SET, which RFC 9774 forbids")
	}
	return hints
}

// originHints looks for why a wrong origin might be there.
func (s *State) originHints(h *Held, hops []bgp.Hop, culprit uint32, add func(string, ...any)) {
	origin, n := s.Origin(h.Vantage, h.Attrs.Path), len(hops)
	if origin.Set != nil || s.Reg.Policy.Expect == Absent {
		return
	}
	legitimate := [][]uint32{s.Reg.Policy.Origins}
	behind := n > 1 && hops[n-2].Set == nil && s.listed(hops[n-2].ASN, legitimate)
	switch {
	case behind && origin.ASN <= manyPrepends:
		add("AS%d stands behind AS%d: a count of prepends, typed where the ASN belongs?", origin.ASN, hops[n-2].ASN)
	case behind:
		add("AS%d announces it through the legitimate AS%d: a customer or sibling of it that is not registered?", origin.ASN, hops[n-2].ASN)
	default:
		addTypo(add, origin.ASN, s.Reg.Policy.Origins)
	}
	if bgp.IsPrivate(origin.ASN) && origin.ASN != culprit {
		add("the origin AS%d is private: AS%d let it out", origin.ASN, culprit)
	}
	if s.Settings.Ours[origin.ASN] {
		add("AS%d is a legitimate origin of other registered prefixes", origin.ASN)
	}
	if s.transits(culprit) {
		add("AS%d is on the way to the legitimate origin: it may announce as its own what it learns there (RFC 7908 type %d)", culprit, reOrigination)
	}
}

// transits says whether an AS stands on the legitimate path of some vantage, now or when it was settled.
func (s *State) transits(asn uint32) bool {
	if s.transit == nil {
		s.transit = map[uint32]bool{}
		for i := range s.Routes {
			if h := &s.Routes[i]; s.Verdict(h) == Legitimate {
				s.noteTransit(h.Vantage, h.Attrs.Path)
			}
		}
		for i, t := range s.traces {
			if t != nil && t.Settled.Path != nil {
				s.noteTransit(s.Vantages[i].Vantage, t.Settled.Path)
			}
		}
	}
	return s.transit[asn]
}

func (s *State) noteTransit(v *bgp.Vantage, p *bgp.Path) {
	hops := s.hops(v, p)
	for i := range max(0, len(hops)-1) {
		for _, asn := range members(hops[i]) {
			s.transit[asn] = true
		}
	}
}

// likeRegistered says whether a more-specific takes the way of the registered prefix at the same vantage.
func (s *State) likeRegistered(h *Held) bool {
	return slices.ContainsFunc(s.Around, func(r Held) bool {
		return r.V == h.V && r.Prefix == s.Reg.Prefix && r.Attrs.Path.String() == h.Attrs.Path.String()
	})
}

// optimised says whether a more-specific and its other half take one path, and the registered prefix another: so do routers
// that split what they learn, to steer traffic, and let the halves escape.
func (s *State) optimised(h *Held) (whole fmt.Stringer, ok bool) {
	if s.exact() || !s.registered() || s.Verdict(h) != Legitimate {
		return nil, false
	}
	twin, other := false, false
	for i := range s.Around {
		r := &s.Around[i]
		same := r.Attrs.Path.String() == h.Attrs.Path.String()
		switch {
		case r.V != h.V:
		case r.Prefix == s.Reg.Prefix:
			other = !same
		default:
			twin = twin || same
		}
	}
	parent, _ := s.Prefix.Addr().Prefix(s.Prefix.Bits() - 1)
	return parent, twin && other
}

// addTypo adds what may have been meant by an ASN: one of a list that is written almost alike.
func addTypo(add func(string, ...any), asn uint32, meant []uint32) {
	for _, m := range meant {
		if how := typo(asn, m); how != "" {
			add("AS%d %s AS%d: mistyped?", asn, how, m)
		}
	}
}

// typo says how one ASN may have come of typing another; "" = not likely. Short ones are all alike.
func typo(asn, meant uint32) string {
	const least = 4 // digits
	a, b := strconv.Itoa(int(asn)), strconv.Itoa(int(meant))
	if a == b || min(len(a), len(b)) < least {
		return ""
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	switch {
	case len(a) == len(b) && a[i+1:] == b[i+1:]:
		return "is one digit off"
	case len(a) == len(b) && i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]:
		return "has two digits swapped of"
	case len(a)+1 == len(b) && a[i:] == b[i+1:]:
		return "lacks a digit of"
	case len(a) == len(b)+1 && a[i+1:] == b[i:]:
		return "has a digit more than"
	}
	return ""
}
