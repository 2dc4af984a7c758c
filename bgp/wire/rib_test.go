package wire

import (
	"testing"

	"peervane/bgp"
)

// The attribute blocks of RIB dumps (RFC 6396 section 4.3.4).
func TestScanRIB(t *testing.T) {
	plain := join(origin, path4(65001))
	short := attr(attrMPReach, append([]byte{16}, hop6...)...)
	for _, c := range []struct {
		name    string
		family  bgp.Family
		block   []byte
		verdict Verdict
		hop     string
	}{
		{"IPv4", bgp.IPv4, sound, OK, "192.0.2.1"},
		{"IPv6, abbreviated", bgp.IPv6, join(plain, short), OK, "2001:db8::1"},
		{"IPv6, abbreviated, two", bgp.IPv6, join(plain, attr(attrMPReach, join([]byte{32}, hop6, hop6)...)), OK, "2001:db8::1"},
		{"IPv6, whole", bgp.IPv6, join(plain, reach(bgp.IPv6, hop6, nlri(route6))), OK, "2001:db8::1"},
		{"IPv6, whole without NLRI", bgp.IPv6, join(plain, reach(bgp.IPv6, hop6, nil)), OK, "2001:db8::1"},
		{"IPv4 with an IPv6 next hop", bgp.IPv4, join(plain, short), OK, "2001:db8::1"},
		{"no next hop at all", bgp.IPv6, plain, OK, "invalid IP"},
		{"next hop cut short", bgp.IPv6, join(plain, attr(attrMPReach, 16, 1, 2)), AttributeDiscard, "invalid IP"},
		{"next hop of zero octets", bgp.IPv6, join(plain, attr(attrMPReach, 0)), AttributeDiscard, "invalid IP"},
		{"empty MP_REACH", bgp.IPv6, join(plain, attr(attrMPReach)), AttributeDiscard, "invalid IP"},
		{"MP_REACH twice", bgp.IPv6, join(plain, short, short), AttributeDiscard, "2001:db8::1"},
		{"MP_UNREACH", bgp.IPv6, join(plain, short, attr(attrMPUnreach, 1)), OK, "2001:db8::1"},
		{"no path", bgp.IPv4, join(origin, nextHop), TreatAsWithdraw, ""},
		{"list cut short", bgp.IPv4, sound[:len(sound)-1], TreatAsWithdraw, ""},
		{"unrecognized well-known attribute", bgp.IPv4, join(sound, attrFlags(0x40, 99)), TreatAsWithdraw, ""},
		{"nothing", bgp.IPv4, nil, TreatAsWithdraw, ""},
		{"too much", bgp.IPv4, make([]byte, MaxExtendedLen+1), TreatAsWithdraw, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u Update
			if v := external.ScanRIB(c.block, c.family, &u); v != c.verdict || u.Err() != nil {
				t.Fatalf("%v, want %v: %v %v", v, c.verdict, u.Faults(), u.Err())
			}
			if got := routes(u.Announced) + routes(u.Withdrawn); got != "" {
				t.Errorf("a block holds no routes of its own, but %s", got)
			}
			if _, ok := u.EndOfRIB(); ok {
				t.Error("a block is no End-of-RIB")
			}
			if a := u.Attrs(c.family); a != nil && a.NextHop.String() != c.hop {
				t.Errorf("next hop %s, want %s", a.NextHop, c.hop)
			}
		})
	}
}
