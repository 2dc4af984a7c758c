package rib

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// Widest lists the watched prefixes that lie in no other, POPs' addresses among them, in order. Whoever is told of all that is
// inside or covers these is told of all that Match says.
func (w *Watched) Widest() (out []netip.Prefix) {
	if w == nil {
		return nil
	}
	for _, l := range [...]*bart.Lite{w.prefixes, w.hosts} {
		if l != nil {
			out = slices.AppendSeq(out, l.All())
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	kept := out[:0]
	for _, p := range out {
		if n := len(kept); n == 0 || !kept[n-1].Overlaps(p) {
			kept = append(kept, p)
		}
	}
	return kept
}
