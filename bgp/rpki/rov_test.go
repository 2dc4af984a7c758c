package rpki

import (
	"net/netip"
	"slices"
	"testing"

	"peervane/bgp"
	"pgregory.net/rapid"
)

func vrp(prefix string, maxLength uint8, asn uint32) VRP {
	return VRP{netip.MustParsePrefix(prefix), maxLength, asn}
}

// TestVerifyOrigin is RFC 6811 as a truth table: is the route covered, does the length fit, does the origin match.
func TestVerifyOrigin(t *testing.T) {
	set := NewSet([]VRP{
		vrp("192.0.2.0/24", 24, 64496),
		vrp("198.51.100.0/22", 24, 64496), // holes in its length: see the rows
		vrp("198.51.100.0/24", 24, 64497),
		vrp("203.0.113.0/24", 24, 0),
		vrp("100.64.0.0/10", 32, 0), // RFC 6483: AS0 beside a VRP of somebody
		vrp("100.64.0.0/16", 24, 64500),
		vrp("2001:db8::/32", 48, 64496),
	}, nil)
	for _, row := range []struct {
		about  string
		prefix string
		origin uint32
		state  State
		fault  OriginFault
		covers int
	}{
		{"no VRP covers it", "10.0.0.0/8", 64496, NotFound, NoOriginFault, 0},
		{"a VRP for a more-specific covers nothing", "192.0.0.0/16", 64496, NotFound, NoOriginFault, 0},
		{"no VRP covers it, no origin", "10.0.0.0/8", 0, NotFound, NoOriginFault, 0},
		{"covered, length fits, origin matches", "192.0.2.0/24", 64496, Valid, NoOriginFault, 1},
		{"covered, length fits, other origin", "192.0.2.0/24", 64511, Invalid, WrongOrigin, 1},
		{"covered, too long, origin matches", "192.0.2.0/25", 64496, Invalid, TooSpecific, 1},
		{"covered, too long, other origin", "192.0.2.0/25", 64511, Invalid, WrongOrigin, 1},
		{"covered, length fits, AS_SET", "192.0.2.0/24", 0, Invalid, NoOrigin, 1},
		{"within the maximum length", "198.51.100.0/23", 64496, Valid, NoOriginFault, 1},
		{"two cover it, the less specific matches", "198.51.100.0/24", 64496, Valid, NoOriginFault, 2},
		{"two cover it, the more specific matches", "198.51.100.0/24", 64497, Valid, NoOriginFault, 2},
		{"two cover it, none matches", "198.51.100.0/24", 64511, Invalid, WrongOrigin, 2},
		{"two cover it, both too short", "198.51.100.128/25", 64497, Invalid, TooSpecific, 2},
		{"AS0 alone, any origin", "203.0.113.0/24", 64496, Invalid, OnlyAS0, 1},
		{"AS0 alone, origin 0 (RFC 7607)", "203.0.113.0/24", 0, Invalid, NoOrigin, 1},
		{"AS0 beside a match", "100.64.7.0/24", 64500, Valid, NoOriginFault, 2},
		{"AS0 beside another origin", "100.64.7.0/24", 64501, Invalid, WrongOrigin, 2},
		{"AS0 beside one that is too short", "100.64.7.0/25", 64500, Invalid, TooSpecific, 2},
		{"IPv6", "2001:db8:1::/48", 64496, Valid, NoOriginFault, 1},
		{"IPv6, too long", "2001:db8:1:2::/64", 64496, Invalid, TooSpecific, 1},
		{"the default route", "0.0.0.0/0", 64496, NotFound, NoOriginFault, 0},
	} {
		got := set.VerifyOrigin(netip.MustParsePrefix(row.prefix), row.origin)
		if got.State != row.state || got.Fault != row.fault || len(got.Covering) != row.covers {
			t.Errorf("%s: %s AS%d is %v (%v) by %v, want %v (%v) by %d", row.about, row.prefix, row.origin, got.State, got.Fault, got.Covering, row.state, row.fault, row.covers)
		}
	}
	if v := set.VerifyOrigin(netip.MustParsePrefix("198.51.100.0/24"), 1); v.Covering[0].ASN != 64497 || v.Covering[1].ASN != 64496 {
		t.Errorf("covering %v: the most specific must come first", v.Covering)
	}
}

// TestNoData holds a Set without data to knowing nothing, which is not the same as finding nothing.
func TestNoData(t *testing.T) {
	if v := (&Set{}).VerifyOrigin(netip.MustParsePrefix("192.0.2.0/24"), 64496); v.State != Unknown {
		t.Errorf("without data the origin is %v", v.State)
	}
	if v := NewSet(nil, nil).VerifyOrigin(netip.MustParsePrefix("192.0.2.0/24"), 64496); v.State != NotFound {
		t.Errorf("in an empty set the origin is %v", v.State)
	}
}

// TestOrigin is the definition of the Route Origin ASN in RFC 6811 section 2.
func TestOrigin(t *testing.T) {
	segments := func(segs ...bgp.Segment) *bgp.Path { return bgp.NewPath(segs) }
	seq := bgp.Segment{Type: bgp.ASSequence, ASNs: []uint32{64500, 64496}}
	for _, row := range []struct {
		path *bgp.Path
		want uint32
	}{
		{segments(), 64512},
		{segments(seq), 64496},
		{segments(seq, bgp.Segment{Type: bgp.ASSet, ASNs: []uint32{1, 2}}), 0},
		{segments(seq, bgp.Segment{Type: bgp.ASSet, ASNs: []uint32{64496}}), 0},
		{segments(bgp.Segment{Type: bgp.ASSet, ASNs: []uint32{1, 2}}, seq), 64496},
		{segments(bgp.Segment{Type: bgp.ConfedSequence, ASNs: []uint32{65001}}), 64512},
		{segments(bgp.Segment{Type: bgp.ConfedSequence, ASNs: []uint32{65001}}, seq), 64496},
		{segments(bgp.Segment{Type: bgp.ConfedSet, ASNs: []uint32{65001}}), 64512},
		{segments(bgp.Segment{Type: bgp.ASSequence}), 0},
	} {
		if got := Origin(row.path, 64512); got != row.want {
			t.Errorf("the origin of %q is %d, want %d", row.path, got, row.want)
		}
	}
}

var somePrefix = rapid.Custom(func(t *rapid.T) netip.Prefix {
	if rapid.Bool().Draw(t, "six") {
		b := [16]byte{0x20, 1, 0xd, 0xb8, rapid.Byte().Draw(t, "b")}
		return netip.PrefixFrom(netip.AddrFrom16(b), rapid.IntRange(30, 42).Draw(t, "bits")).Masked()
	}
	b := [4]byte{10, rapid.Byte().Draw(t, "b"), 0, 0}
	return netip.PrefixFrom(netip.AddrFrom4(b), rapid.IntRange(0, 20).Draw(t, "bits")).Masked()
})

var someVRP = rapid.Custom(func(t *rapid.T) VRP {
	p := somePrefix.Draw(t, "prefix")
	return VRP{p, uint8(rapid.IntRange(p.Bits(), p.Addr().BitLen()).Draw(t, "max")), rapid.Uint32Range(0, 3).Draw(t, "asn")}
})

// TestOriginOracle holds the trie against a walk over all VRPs, and the difference of two sets against judging every route anew.
func TestOriginOracle(t *testing.T) {
	slow := func(vrps []VRP, prefix netip.Prefix, origin uint32) State {
		state := NotFound
		for _, v := range vrps {
			if v.Prefix.Bits() <= prefix.Bits() && v.Prefix.Contains(prefix.Addr()) {
				if prefix.Bits() <= int(v.MaxLength) && v.ASN == origin && origin != 0 {
					return Valid
				}
				state = Invalid
			}
		}
		return state
	}
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.SliceOfN(someVRP, 0, 30).Draw(t, "old")
		new := slices.Concat(old[:rapid.IntRange(0, len(old)).Draw(t, "kept")], rapid.SliceOfN(someVRP, 0, 5).Draw(t, "added"))
		before, after := NewSet(slices.Clone(old), nil), NewSet(slices.Clone(new), nil)
		d := Compare(before, after)
		for range 20 {
			prefix, origin := somePrefix.Draw(t, "prefix"), rapid.Uint32Range(0, 3).Draw(t, "origin")
			v := after.VerifyOrigin(prefix, origin)
			if want := slow(new, prefix, origin); v.State != want {
				t.Fatalf("%s AS%d is %v, want %v", prefix, origin, v.State, want)
			}
			was := before.VerifyOrigin(prefix, origin)
			if touched := d.TouchesPrefix(prefix); touched == slices.Equal(was.Covering, v.Covering) {
				t.Fatalf("%s touched: %v, covered by %v and then %v", prefix, touched, was.Covering, v.Covering)
			}
		}
	})
}
