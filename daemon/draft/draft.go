package draft

import (
	"fmt"
	"net/netip"
	"slices"

	"peervane/bgp"
)

// Options say what to draft. The zero value drafts whatever is seen.
type Options struct {
	ASNs        []uint32       // only what these originate, and no other origin is legitimate
	Prefixes    []netip.Prefix // only these, and what is inside of them with the same origins
	MinVantages int            // what fewer show is noise
	OurASN      uint32         // the origin of an empty path at an internal peer
	Upstreams   bool           // neighbours are drafted as legitimate, not in comments alone
}

// rare is the share of the vantages of a prefix, one in so many, that an origin needs to be drafted as legitimate.
const rare = 10

// Draft is what to register. Prefixes and ASNs are sorted.
type Draft struct {
	Prefixes []*Prefix
	ASNs     []*ASN
	Vantages int  // that showed anything
	Strict   bool // neighbours are drafted as legitimate
	LeftOut  int  // prefixes whose origins too few vantages show
}

// Prefix is one registration.
type Prefix struct {
	Prefix    netip.Prefix
	Vantages  int     // that hold it
	Origins   []Count // drafted as legitimate
	Others    []Count // other origins
	Upstreams []Count // next to a legitimate origin
	Inside    []Inside
	Gone      bool // drafted before, and not seen now
}

// Inside is a more-specific from other origins, which is not drafted: whether it is a customer's or a hijack cannot be seen.
type Inside struct {
	Prefix   netip.Prefix
	Vantages int
	Origins  []Count
}

// ASN is one of the ASNs that were asked for.
type ASN struct {
	ASN         uint32
	Upstreams   []Count // seen before it in a path
	Downstreams []Count // seen behind it
	Gone        bool
}

// Make drafts what a view shows.
func Make(v *View, o Options) *Draft {
	d := &Draft{Vantages: v.Vantages(), Strict: o.Upstreams}
	var above []*Prefix // what was drafted that holds the prefix before, the longest last
	for _, p := range v.Prefixes() {
		if p.Bits() == 0 || p.Addr().IsMulticast() {
			continue // nothing that can be registered
		}
		for len(above) > 0 && !above[len(above)-1].Prefix.Contains(p.Addr()) {
			above = above[:len(above)-1]
		}
		var parent *Prefix
		if len(above) > 0 {
			parent = above[len(above)-1]
		}
		e, wanted := o.prefix(v.now(p), p, parent)
		switch {
		case len(e.Origins) > 0:
			d.Prefixes = append(d.Prefixes, e)
			above = append(above, e)
		case parent != nil && len(e.Others) > 0:
			parent.Inside = append(parent.Inside, Inside{p, e.Vantages, e.Others})
		case wanted:
			d.LeftOut++
		}
	}
	for _, asn := range slices.Compact(slices.Sorted(slices.Values(o.ASNs))) {
		d.ASNs = append(d.ASNs, o.asn(v, asn))
	}
	return d
}

// Unseen names what was asked for and is not in the draft: ASNs that originate nothing, and prefixes.
func (d *Draft) Unseen(o Options) (missing []string) {
	for _, asn := range o.ASNs {
		if !slices.ContainsFunc(d.Prefixes, func(e *Prefix) bool { return slices.Contains(asnsOf(e.Origins), asn) }) {
			missing = append(missing, fmt.Sprintf("AS%d originates nothing that is seen", asn))
		}
	}
	for _, p := range o.Prefixes {
		if !slices.ContainsFunc(d.Prefixes, func(e *Prefix) bool { return e.Prefix == p }) {
			missing = append(missing, fmt.Sprintf("%s is not seen", p))
		}
	}
	return missing
}

// prefix drafts one prefix. Without origins it is none to register; wanted says whether too few vantages are the reason.
func (o *Options) prefix(routes []shown, p netip.Prefix, parent *Prefix) (e *Prefix, wanted bool) {
	var holders, origins, upstreams tally
	for _, s := range routes {
		holders = append(holders, sighting{0, s.by.key})
		origins.addHop(o.origin(s), s.by.key)
	}
	e = &Prefix{Prefix: p, Vantages: holders.counts()[0].Vantages}
	asked, others := split(origins.counts(), func(c Count) bool { return o.asked(c.ASN, p, parent) })
	e.Origins, e.Others = split(asked, func(c Count) bool { return c.Vantages >= o.MinVantages && c.Vantages*rare >= e.Vantages })
	e.Others = append(e.Others, others...)
	legitimate := asnsOf(e.Origins)
	for _, s := range routes {
		hops, origin := o.hops(s), o.origin(s)
		known := func(asn uint32) bool { return slices.Contains(legitimate, asn) }
		if len(hops) > 1 && slices.ContainsFunc(members(origin), known) {
			upstreams.addHop(hops[len(hops)-2], s.by.key)
		}
	}
	e.Upstreams = upstreams.counts()
	return e, len(asked) > 0
}

// asked says whether an origin of a prefix is one to draft, if enough vantages show it.
func (o *Options) asked(origin uint32, p netip.Prefix, parent *Prefix) bool {
	if len(o.ASNs) > 0 {
		return slices.Contains(o.ASNs, origin) && o.within(p)
	}
	if len(o.Prefixes) == 0 || parent == nil || slices.Contains(o.Prefixes, p) {
		return o.within(p)
	}
	return slices.Contains(asnsOf(parent.Origins), origin)
}

// within says whether a prefix is one of those that were asked for, or inside of one.
func (o *Options) within(p netip.Prefix) bool {
	return len(o.Prefixes) == 0 || slices.ContainsFunc(o.Prefixes, func(q netip.Prefix) bool {
		return q.Bits() <= p.Bits() && q.Contains(p.Addr())
	})
}

// asn drafts the [[asn]] table of an ASN, from every path that it stands in.
func (o *Options) asn(v *View, asn uint32) *ASN {
	var upstreams, downstreams tally
	for p := range v.shown {
		for _, s := range v.now(p) {
			if !s.path.Contains(asn) {
				continue
			}
			hops := o.hops(s)
			for i, h := range hops {
				if !slices.Contains(members(h), asn) {
					continue
				}
				if i > 0 {
					upstreams.addHop(hops[i-1], s.by.key)
				}
				if i+1 < len(hops) {
					downstreams.addHop(hops[i+1], s.by.key)
				}
			}
		}
	}
	enough := func(c Count) bool { return c.Vantages >= o.MinVantages }
	a := &ASN{ASN: asn}
	a.Upstreams, _ = split(upstreams.counts(), enough)
	a.Downstreams, _ = split(downstreams.counts(), enough)
	return a
}

// hops is a path as it is judged.
func (o *Options) hops(s shown) []bgp.Hop {
	if s.by.Relationship == bgp.Internal {
		return s.path.Clean(s.by.ASN, s.by.LocalASN, o.OurASN)
	}
	return s.path.Clean()
}

// origin is the last hop of a path. That of an empty one is ours at an internal peer, and else the neighbour.
func (o *Options) origin(s shown) bgp.Hop {
	last, ok := s.path.Last()
	switch {
	case ok:
		return last
	case s.by.Relationship == bgp.Internal:
		return bgp.Hop{ASN: o.OurASN}
	}
	return bgp.Hop{ASN: s.by.ASN}
}
