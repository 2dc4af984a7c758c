package main

import (
	"net/netip"

	"peervane/bgp"
)

// related counts the routes that lie inside the watched prefixes or cover them, the slow and obvious way.
func (t *table) related(watched []netip.Prefix) (n int) {
	inside, above := map[netip.Prefix]bool{}, map[netip.Prefix]bool{}
	var used [bgp.NumFamilies][129]bool
	for _, w := range watched {
		inside[w] = true
		used[bgp.FamilyOf(w)][w.Bits()] = true
		for bits := range w.Bits() {
			above[netip.PrefixFrom(w.Addr(), bits).Masked()] = true
		}
	}
	count := func(p netip.Prefix) {
		if above[p] {
			n++
			return
		}
		for bits := range p.Bits() + 1 {
			if used[bgp.FamilyOf(p)][bits] && inside[netip.PrefixFrom(p.Addr(), bits).Masked()] {
				n++
				return
			}
		}
	}
	for _, s := range t.sets {
		for _, p := range s.prefixes {
			count(p)
		}
	}
	count(t.last)
	return n
}
