package rib

import (
	"iter"
	"net/netip"

	"peervane/bgp"
)

// Exact yields the routes of a prefix, one for each path.
func (t *Table) Exact(p netip.Prefix) iter.Seq[Route] {
	return func(yield func(Route) bool) { t.exact(p.Masked(), yield) }
}

// exact says whether there was one, and whether yield wants more.
func (t *Table) exact(p netip.Prefix, yield func(Route) bool) (found, more bool) {
	switch {
	case p.Addr().Is4():
		return exact(t, &t.v4, t.mixer.key4(p), p.Bits(), yield)
	case isLong(p):
		return exact(t, &t.long, t.mixer.keyLong(p), p.Bits(), yield)
	}
	return exact(t, &t.v6, t.mixer.key6(p), p.Bits(), yield)
}

func exact[K comparable](t *Table, s *slots[K], k K, bits int, yield func(Route) bool) (found, more bool) {
	for i := range s.same(k, uint8(bits)) {
		found = true
		if !yield(route(t, s, i)) {
			return found, false
		}
	}
	return found, true
}

// Covering yields the routes of p and of every prefix that covers it, the longest first. It costs one probe for each
// prefix length in use.
func (t *Table) Covering(p netip.Prefix) iter.Seq[Route] {
	return func(yield func(Route) bool) { t.cover(p, func(bool) bool { return true }, yield) }
}

// Longest yields the routes of the longest prefix that is or covers p.
func (t *Table) Longest(p netip.Prefix) iter.Seq[Route] {
	return func(yield func(Route) bool) { t.cover(p, func(found bool) bool { return !found }, yield) }
}

func (t *Table) cover(p netip.Prefix, on func(found bool) bool, yield func(Route) bool) {
	f := bgp.FamilyOf(p)
	for bits := p.Bits(); bits >= 0; bits-- {
		if t.lengths[f][bits] == 0 {
			continue
		}
		found, more := t.exact(netip.PrefixFrom(p.Addr(), bits).Masked(), yield)
		if !more || !on(found) {
			return
		}
	}
}

// Within yields the routes of p and of every prefix inside it, in no order. It walks the whole family.
func (t *Table) Within(p netip.Prefix) iter.Seq[Route] {
	p = p.Masked()
	return func(yield func(Route) bool) {
		for r := range t.Walk(bgp.FamilyOf(p)) {
			if r.Prefix.Bits() >= p.Bits() && p.Contains(r.Prefix.Addr()) && !yield(r) {
				return
			}
		}
	}
}

// Walk yields every route of a family, in no order. The table must not change meanwhile.
func (t *Table) Walk(f bgp.Family) iter.Seq[Route] {
	return func(yield func(Route) bool) {
		if f == bgp.IPv4 {
			walk(t, &t.v4, yield)
			return
		}
		if walk(t, &t.v6, yield) {
			walk(t, &t.long, yield)
		}
	}
}

func walk[K comparable](t *Table, s *slots[K], yield func(Route) bool) bool {
	for i := range s.all {
		if !yield(route(t, s, i)) {
			return false
		}
	}
	return true
}
