package rib

import (
	"net/netip"

	"github.com/gaissmai/bart"

	"peervane/bgp"
)

// Watched says which routes concern us: those inside or covering a watched prefix, and those whose path holds a
// watched ASN. It is immutable. The nil set watches nothing.
type Watched struct {
	prefixes bart.Lite
	asns     map[uint32]struct{}
}

// NewWatched makes the set. A host route stands for a single address, as of a POP.
func NewWatched(prefixes []netip.Prefix, asns []uint32) *Watched {
	w := &Watched{asns: make(map[uint32]struct{}, len(asns))}
	for _, p := range prefixes {
		w.prefixes.Insert(p.Masked())
	}
	for _, asn := range asns {
		w.asns[asn] = struct{}{}
	}
	return w
}

// Match says whether p lies inside a watched prefix or covers one. It costs one walk down the trie and allocates
// nothing.
func (w *Watched) Match(p netip.Prefix) bool {
	return w != nil && w.prefixes.OverlapsPrefix(p)
}

// MatchPath says whether the path holds a watched ASN.
func (w *Watched) MatchPath(p *bgp.Path) bool {
	if w == nil || len(w.asns) == 0 {
		return false
	}
	for _, s := range p.Segments {
		for _, asn := range s.ASNs {
			if _, ok := w.asns[asn]; ok {
				return true
			}
		}
	}
	return false
}

// ByPath says whether any ASN is watched, so that paths must be looked at.
func (w *Watched) ByPath() bool { return w != nil && len(w.asns) > 0 }

// Len is the number of watched prefixes.
func (w *Watched) Len() int {
	if w == nil {
		return 0
	}
	return w.prefixes.Size()
}

// NewSince says, by family, whether w may match a route that old does not: what a route refresh has to bring.
func (w *Watched) NewSince(old *Watched) (families [bgp.NumFamilies]bool) {
	if w == nil {
		return families
	}
	for asn := range w.asns {
		if old == nil {
			return [bgp.NumFamilies]bool{true, true}
		}
		if _, ok := old.asns[asn]; !ok {
			return [bgp.NumFamilies]bool{true, true}
		}
	}
	for p := range w.prefixes.All() {
		if f := bgp.FamilyOf(p); !families[f] && (old == nil || !old.prefixes.LookupPrefix(p)) {
			families[f] = true
		}
	}
	return families
}
