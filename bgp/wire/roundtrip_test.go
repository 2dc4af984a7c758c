package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"peervane/bgp"
)

func drawParams(t *rapid.T) Params {
	return Params{
		AS4: rapid.Bool().Draw(t, "as4"), IBGP: true, Extended: rapid.Bool().Draw(t, "extended"),
		Families: [bgp.NumFamilies]bool{true, true},
		AddPath:  [bgp.NumFamilies]bool{rapid.Bool().Draw(t, "addpath4"), rapid.Bool().Draw(t, "addpath6")},
	}
}

func drawAddr(t *rapid.T, f bgp.Family, label string) netip.Addr {
	b := rapid.SliceOfN(rapid.Byte(), f.Bits()/8, f.Bits()/8).Draw(t, label)
	a, _ := netip.AddrFromSlice(b)
	return a
}

func drawRoutes(t *rapid.T, p Params, label string) []NLRI {
	one := rapid.Custom(func(t *rapid.T) NLRI {
		f := rapid.SampledFrom(bgp.Families[:]).Draw(t, "family")
		prefix, _ := drawAddr(t, f, "prefix").Prefix(rapid.IntRange(0, f.Bits()).Draw(t, "bits"))
		n := NLRI{Prefix: prefix}
		if p.AddPath[f] {
			n.PathID = rapid.Uint32().Draw(t, "path id")
		}
		return n
	})
	return rapid.SliceOfN(one, 0, 40).Draw(t, label)
}

// drawPath keeps confederations at the head, where they stand in life; towards a 2-octet neighbour there are none, since
// AS4_PATH cannot carry their ASNs.
func drawPath(t *rapid.T, p Params) *bgp.Path {
	asn := rapid.OneOf(rapid.Uint32Range(1, 65535), rapid.Uint32Min(1))
	var segments []bgp.Segment
	if p.AS4 && rapid.Bool().Draw(t, "confederation") {
		segments = append(segments, bgp.Segment{Type: bgp.ConfedSequence, ASNs: rapid.SliceOfN(asn, 1, 5).Draw(t, "members")})
	}
	if hops := rapid.SliceOfN(asn, 0, 300).Draw(t, "hops"); len(hops) > 0 {
		segments = append(segments, bgp.Segment{Type: bgp.ASSequence, ASNs: hops})
	}
	if rapid.Bool().Draw(t, "aggregated") {
		segments = append(segments, bgp.Segment{Type: bgp.ASSet, ASNs: rapid.SliceOfN(asn, 1, 5).Draw(t, "set")})
	}
	return bgp.NewPath(segments)
}

func drawAttrs(t *rapid.T, p Params) *bgp.Attrs {
	a := &bgp.Attrs{
		Path: drawPath(t, p), Origin: bgp.Origin(rapid.IntRange(0, 2).Draw(t, "origin")),
		AtomicAggregate: rapid.Bool().Draw(t, "atomic"),
		HasMED:          rapid.Bool().Draw(t, "med"), HasLocalPref: rapid.Bool().Draw(t, "pref"), HasOTC: rapid.Bool().Draw(t, "otc"),
	}
	number := rapid.Uint32Min(1)
	if a.HasMED {
		a.MED = number.Draw(t, "MED")
	}
	if a.HasLocalPref {
		a.LocalPref = number.Draw(t, "LOCAL_PREF")
	}
	if a.HasOTC {
		a.OTC = number.Draw(t, "OTC")
	}
	if rapid.Bool().Draw(t, "aggregator") {
		a.Aggregator = bgp.Aggregator{ASN: number.Draw(t, "aggregator AS"), Addr: drawAddr(t, bgp.IPv4, "aggregator address")}
	}
	for range rapid.IntRange(0, 20).Draw(t, "communities") {
		a.Communities = append(a.Communities, bgp.Community(number.Draw(t, "community")))
		a.ExtCommunities = append(a.ExtCommunities, bgp.ExtCommunity(binary.BigEndian.AppendUint64(nil, rapid.Uint64().Draw(t, "extended"))))
		a.LargeCommunities = append(a.LargeCommunities, bgp.LargeCommunity{Global: number.Draw(t, "large")})
	}
	a.LargeCommunities = distinct(a.LargeCommunities)
	for range rapid.IntRange(0, 3).Draw(t, "clusters") {
		a.OriginatorID = drawAddr(t, bgp.IPv4, "originator")
		a.ClusterList = append(a.ClusterList, drawAddr(t, bgp.IPv4, "cluster"))
	}
	return a
}

// split cuts a stream into the bodies of its messages.
func split(t *rapid.T, p Params, stream []byte) (bodies [][]byte) {
	for len(stream) > 0 {
		typ, length, err := ParseHeader(stream, p.MaxLen())
		if err != nil || typ != TypeUpdate || length > len(stream) {
			t.Fatalf("type %d, length %d of %d: %v", typ, length, len(stream), err)
		}
		bodies, stream = append(bodies, stream[HeaderLen:length]), stream[length:]
	}
	return bodies
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParams(t)
		a := drawAttrs(t, p)
		a.NextHop = drawAddr(t, rapid.SampledFrom(bgp.Families[:]).Draw(t, "next hop family"), "next hop")
		announced, withdrawn := drawRoutes(t, p, "announced"), drawRoutes(t, p, "withdrawn")
		var u Update
		var gotAnnounced, gotWithdrawn []NLRI
		for _, b := range split(t, p, AppendUpdate(nil, p, a, announced, withdrawn)) {
			if v := p.Scan(b, &u); v != OK {
				t.Fatalf("%v: %v", v, u.Faults())
			}
			gotAnnounced, gotWithdrawn = slices.AppendSeq(gotAnnounced, u.Announced), slices.AppendSeq(gotWithdrawn, u.Withdrawn)
			checkAttrs(t, &u, a)
		}
		checkRoutes(t, gotAnnounced, announced)
		checkRoutes(t, gotWithdrawn, withdrawn)
	})
}

func checkAttrs(t *rapid.T, u *Update, want *bgp.Attrs) {
	for n := range u.Announced {
		got := u.Attrs(bgp.FamilyOf(n.Prefix))
		if got.NextHop.Unmap() != want.NextHop.Unmap() {
			t.Fatalf("next hop %v, want %v", got.NextHop, want.NextHop)
		}
		got.NextHop = want.NextHop // an IPv4 next hop of IPv6 routes comes back mapped
		if !sameAttrs(got, want) {
			t.Fatalf("got  %+v (%s)\nwant %+v (%s)", got, got.Path, want, want.Path)
		}
		return
	}
}

// checkRoutes knows that IPv4 goes before IPv6.
func checkRoutes(t *rapid.T, got, want []NLRI) {
	split := byFamily(want)
	if want = slices.Concat(split[bgp.IPv4], split[bgp.IPv6]); !slices.Equal(got, want) {
		t.Fatalf("routes %v, want %v", got, want)
	}
}

func TestAppendUpdateSplits(t *testing.T) {
	var announced []NLRI
	for i := range 20000 {
		announced = append(announced, NLRI{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)})
	}
	a := &bgp.Attrs{Path: bgp.Sequence(65001), NextHop: netip.MustParseAddr("192.0.2.1")}
	for _, extended := range []bool{false, true} {
		p := with(external, func(p *Params) { p.Extended = extended })
		stream, most, n := AppendUpdate(nil, p, a, announced, announced), 0, 0
		var u Update
		for len(stream) > 0 {
			_, length, err := ParseHeader(stream, p.MaxLen())
			if err != nil {
				t.Fatal(err)
			}
			if v := p.Scan(stream[HeaderLen:length], &u); v != OK {
				t.Fatal(u.Faults())
			}
			for range u.Announced {
				n++
			}
			for range u.Withdrawn {
				n++
			}
			most, stream = max(most, length), stream[length:]
		}
		if n != 2*len(announced) || most < p.MaxLen()-100 {
			t.Errorf("%d routes, the longest message has %d bytes of %d", n, most, p.MaxLen())
		}
	}
}

func TestAppendUpdateWithoutRoom(t *testing.T) {
	a := &bgp.Attrs{Path: bgp.Sequence(65001), NextHop: netip.MustParseAddr("192.0.2.1"), Communities: make([]bgp.Community, 1020)}
	if got := AppendUpdate(nil, external, a, []NLRI{{Prefix: netip.MustParsePrefix(theRoute)}}, nil); len(got) != 0 {
		t.Errorf("%d bytes for a route that has no room", len(got))
	}
	if got := AppendUpdate(nil, external, nil, []NLRI{{Prefix: netip.MustParsePrefix(theRoute)}}, nil); len(got) != 0 {
		t.Errorf("%d bytes for a route without attributes", len(got))
	}
}

func TestAppendUpdateOfBareAttributes(t *testing.T) {
	routes := []NLRI{{Prefix: netip.MustParsePrefix(theRoute)}, {Prefix: netip.MustParsePrefix(route6)}}
	stream := AppendUpdate(nil, external, &bgp.Attrs{}, routes, nil)
	for _, want := range []struct{ route, hop string }{{theRoute, "0.0.0.0"}, {route6, "::"}} {
		_, length, err := ParseHeader(stream, MaxLen)
		if err != nil {
			t.Fatal(err)
		}
		var u Update
		if v := external.Scan(stream[HeaderLen:length], &u); v != OK || announcedBy(&u) != want.route {
			t.Errorf("%v %q: %v", v, announcedBy(&u), u.Faults())
		}
		f := bgp.FamilyOf(netip.MustParsePrefix(want.route))
		if a := u.Attrs(f); a.NextHop.String() != want.hop || a.Path.Len() != 0 {
			t.Errorf("next hop %v, path %q", a.NextHop, a.Path)
		}
		stream = stream[length:]
	}
}
