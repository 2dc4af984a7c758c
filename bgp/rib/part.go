package rib

import (
	"net/netip"

	"peervane/bgp"
)

// Cursor says how far a walk in parts has come. The zero value is the beginning.
type Cursor struct {
	long  bool   // among the longest prefixes of IPv6
	at    uint64 // of the 32 bits of keys by which buckets are in order
	homes int    // the buckets when that was
}

const (
	partLen = 4096 // buckets of one part: a part of a millisecond
	allKeys = 1 << 32
)

// WithinPart gives some of what Within gives, and says how to go on; more is false at the end. The table may change between
// two parts: what stands all the while is given, perhaps twice.
func (t *Table) WithinPart(p netip.Prefix, from Cursor, yield func(Route)) (next Cursor, more bool) {
	inside := func(r Route) {
		if r.Prefix.Bits() >= p.Bits() && p.Contains(r.Prefix.Addr()) {
			yield(r)
		}
	}
	switch {
	case bgp.FamilyOf(p) == bgp.IPv4:
		return part(t, &t.v4, from, inside)
	case from.long:
		return part(t, &t.long, from, inside)
	}
	if next, more = part(t, &t.v6, from, inside); !more {
		return Cursor{long: true}, true
	}
	return next, true
}

func part[K comparable](t *Table, s *slots[K], from Cursor, yield func(Route)) (next Cursor, more bool) {
	first := int(from.at * uint64(s.homes) >> 32)
	if from.homes != s.homes {
		first = max(0, first-minTail) // what had passed over the border may stand before it now
	}
	end := first + partLen
	if more = end < s.homes; more {
		from.at = (uint64(end)*allKeys + uint64(s.homes) - 1) / uint64(s.homes)
	} else {
		end = s.buckets()
	}
	s.from(first, end, func(i int) bool { yield(route(t, s, i)); return true })
	from.homes = s.homes
	return from, more
}
