package rib

import (
	"net/netip"
	"testing"

	"peervane/bgp"
)

// A walk in parts misses nothing that stands all the while, while the table grows and shrinks under it.
func TestPartsMissNothingWhileTheTableChanges(t *testing.T) {
	var in Interner
	table := NewTable(&in, 3)
	prefixes := randomPrefixes(120_000)
	standing, others := prefixes[:60_000], prefixes[60_000:]
	for _, p := range standing {
		table.Announce(p, 0, None, t0)
	}
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		inside := netip.MustParsePrefix(all)
		found := map[netip.Prefix]bool{}
		var at Cursor
		parts := 0
		for more := true; more; parts++ {
			at, more = table.WithinPart(inside, at, func(r Route) { found[r.Prefix] = true })
			for i := range 30_000 {
				if p := others[(parts/2*30_000+i)%len(others)]; parts%2 == 0 {
					table.Announce(p, 0, None, t0)
				} else {
					table.Withdraw(p, 0)
				}
			}
		}
		for _, p := range standing {
			if bgp.FamilyOf(p) == bgp.FamilyOf(inside) && !found[p] {
				t.Fatalf("%v is missed", p)
			}
		}
		if parts < 2 {
			t.Errorf("%s: %d parts", all, parts)
		}
	}
}
