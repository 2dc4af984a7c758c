package rib

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"peervane/bgp"
)

// Delta is in what one set of watched routes differs from the one before it.
type Delta struct {
	More [bgp.NumFamilies]bool // it may match routes that the other does not: what a route refresh has to bring
	Less [bgp.NumFamilies]bool // and the other way round

	more, less []*bart.Lite // where such routes are; nil: anywhere
}

// MayGain says whether a route of p, of a family with more, may be newly watched; it costs less than two Matches.
func (d *Delta) MayGain(p netip.Prefix) bool { return anywhere(d.more, p) }

// MayLose says whether a route of p, of a family with less, may be watched no more.
func (d *Delta) MayLose(p netip.Prefix) bool { return anywhere(d.less, p) }

// Lost lists the prefixes inside or around which routes may be watched no more; false where that may be anywhere.
func (d *Delta) Lost() (prefixes []netip.Prefix, known bool) {
	for _, l := range d.less {
		if l != nil {
			prefixes = slices.AppendSeq(prefixes, l.All())
		}
	}
	return prefixes, d.less != nil
}

func anywhere(in []*bart.Lite, p netip.Prefix) bool {
	for _, l := range in {
		if l != nil && l.OverlapsPrefix(p) {
			return true
		}
	}
	return in == nil
}

// Since says in what w differs from old. Where w was made of old by Change or With it costs what differs, else what
// both hold.
func (w *Watched) Since(old *Watched) (d Delta) {
	if w == old {
		return d
	}
	if w == nil || old == nil {
		return Delta{More: old.lacks(w), Less: w.lacks(old)}
	}
	added, removed := w.prefixes, old.prefixes
	switch old.made {
	case w.made:
		added, removed = nil, nil
	case w.from:
		added, removed = w.added, w.removed
	}
	d.more, d.less = []*bart.Lite{added, w.hosts}, []*bart.Lite{removed, old.hosts}
	d.More, d.Less = old.lacks(&Watched{prefixes: added, hosts: w.hosts}), w.lacks(&Watched{prefixes: removed, hosts: old.hosts})
	if w.lacksASNs(old) {
		d.More, d.more = everything, nil
	}
	if old.lacksASNs(w) {
		d.Less, d.less = everything, nil
	}
	return d
}

var everything = [bgp.NumFamilies]bool{true, true}

// lacks says, by family, whether w may not match what other does.
func (w *Watched) lacks(other *Watched) (families [bgp.NumFamilies]bool) {
	if other == nil {
		return families
	}
	if len(other.asns) > 0 {
		return everything
	}
	for _, l := range [...]*bart.Lite{other.prefixes, other.hosts} {
		if l == nil {
			continue
		}
		for p := range l.All() {
			if f := bgp.FamilyOf(p); !families[f] && !w.holds(p) {
				families[f] = true
			}
		}
	}
	return families
}

// holds says whether all that is inside a prefix, or covers it, is matched.
func (w *Watched) holds(p netip.Prefix) bool {
	return w != nil && (w.prefixes.LookupPrefix(p) || w.hosts != nil && w.hosts.LookupPrefix(p))
}

// lacksASNs says whether w has an ASN that old lacks.
func (w *Watched) lacksASNs(old *Watched) bool {
	for asn := range w.asns {
		if _, ok := old.asns[asn]; !ok {
			return true
		}
	}
	return false
}
