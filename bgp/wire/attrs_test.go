package wire

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"

	"peervane/bgp"
)

// scanned gives the attributes of an UPDATE that announces an IPv4 route.
func scanned(t *testing.T, p Params, attrs ...[]byte) (*Update, *bgp.Attrs) {
	t.Helper()
	var u Update
	if v := p.Scan(body(nil, join(attrs...), route), &u); v > AttributeDiscard {
		t.Fatalf("%v: %v", v, u.Faults())
	}
	return &u, u.Attrs(bgp.IPv4)
}

func TestAttrs(t *testing.T) {
	_, got := scanned(t, internal, sound,
		attr(attrMED, 0, 0, 0, 7), attr(attrLocalPref, 0, 0, 0, 200), attr(attrAtomicAggregate),
		attr(attrAggregator, 0, 1, 0, 0, 192, 0, 2, 9), attr(attrCommunities, 0xff, 0xff, 2, 0x9a, 0, 1, 0, 2),
		attr(attrOriginatorID, 192, 0, 2, 7), attr(attrClusterList, 1, 1, 1, 1, 2, 2, 2, 2),
		attr(attrExtCommunities, 0, 2, 0, 1, 0, 0, 0, 2), attr(attrOTC, 0, 0, 0xfd, 0xe9),
		attr(attrLargeCommunities, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6))
	want := &bgp.Attrs{
		Path: bgp.Sequence(65001, 65002), NextHop: netip.MustParseAddr("192.0.2.1"),
		MED: 7, HasMED: true, LocalPref: 200, HasLocalPref: true, AtomicAggregate: true, OTC: 65001, HasOTC: true,
		Aggregator:       bgp.Aggregator{ASN: 65536, Addr: netip.MustParseAddr("192.0.2.9")},
		Communities:      []bgp.Community{bgp.Blackhole, 1<<16 | 2},
		ExtCommunities:   []bgp.ExtCommunity{{0, 2, 0, 1, 0, 0, 0, 2}},
		LargeCommunities: []bgp.LargeCommunity{{Global: 1, Local1: 2, Local2: 3}, {Global: 4, Local1: 5, Local2: 6}},
		OriginatorID:     netip.MustParseAddr("192.0.2.7"),
		ClusterList:      []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2.2.2.2")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAttrsDiscarded(t *testing.T) {
	_, got := scanned(t, external, sound, attr(attrLocalPref, 0, 0, 0, 9), attr(attrAggregator, 0, 0, 0, 0, 1, 1, 1, 1),
		attr(attrAtomicAggregate, 1), attr(attrClusterList, 1, 1, 1, 1), attr(attrOrigin, 1))
	want := &bgp.Attrs{Path: bgp.Sequence(65001, 65002), NextHop: netip.MustParseAddr("192.0.2.1")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestNextHop(t *testing.T) {
	global, local := hop6, netip.MustParseAddr("fe80::1").AsSlice()
	plain := join(origin, path4(65001))
	for _, c := range []struct {
		name  string
		attrs []byte
		nlri  []byte
		v4    string
		v6    string
	}{
		{"IPv4", sound, route, "192.0.2.1", "invalid IP"},
		{"IPv6", join(reach(bgp.IPv6, global, nlri(route6)), plain), nil, "invalid IP", "2001:db8::1"},
		{"IPv6, global and link-local", join(reach(bgp.IPv6, join(global, local), nlri(route6)), plain), nil, "invalid IP", "2001:db8::1"},
		{"IPv6, link-local only", join(reach(bgp.IPv6, join(make([]byte, 16), local), nlri(route6)), plain), nil, "invalid IP", "fe80::1"},
		{"IPv4 by MP_REACH", join(reach(bgp.IPv4, []byte{1, 2, 3, 4}, route), plain), nil, "1.2.3.4", "invalid IP"},
		{"IPv4 by IPv6 (RFC 8950)", join(reach(bgp.IPv4, global, route), plain), nil, "2001:db8::1", "invalid IP"},
		{"NEXT_HOP beside MP_REACH of IPv4", join(reach(bgp.IPv4, []byte{1, 2, 3, 4}, route), plain, nextHop), nil, "1.2.3.4", "invalid IP"},
		{"both families", join(reach(bgp.IPv6, global, nlri(route6)), plain, nextHop), route, "192.0.2.1", "2001:db8::1"},
		{"both fields", join(reach(bgp.IPv4, []byte{1, 2, 3, 4}, other), plain, nextHop), route, "192.0.2.1", "invalid IP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u Update
			if v := external.Scan(body(nil, c.attrs, c.nlri), &u); v != OK {
				t.Fatal(u.Faults())
			}
			if got := u.Attrs(bgp.IPv4).NextHop.String(); got != c.v4 {
				t.Errorf("IPv4 next hop %s, want %s", got, c.v4)
			}
			if got := u.Attrs(bgp.IPv6).NextHop.String(); got != c.v6 {
				t.Errorf("IPv6 next hop %s, want %s", got, c.v6)
			}
		})
	}
}

func TestKey(t *testing.T) {
	key := func(p Params, f bgp.Family, b []byte) []byte {
		var u Update
		if v := p.Scan(b, &u); v > AttributeDiscard {
			t.Fatal(u.Faults())
		}
		return bytes.Clone(u.Key(f))
	}
	base := key(external, bgp.IPv4, body(nil, sound, route))
	for name, same := range map[string][]byte{
		"other routes":         key(external, bgp.IPv4, body(other, sound, other)),
		"another order":        key(external, bgp.IPv4, body(nil, join(nextHop, path4(65001, 65002), origin), route)),
		"an unread attribute":  key(external, bgp.IPv4, body(nil, join(sound, attr(99, 1)), route)),
		"a discarded one":      key(external, bgp.IPv4, body(nil, join(sound, attr(attrLocalPref, 0, 0, 0, 1)), route)),
		"another flag":         key(external, bgp.IPv4, body(nil, join([]byte{0x50, 1, 0, 1, 0}, path4(65001, 65002), nextHop), route)),
		"another session":      key(internal, bgp.IPv4, body(nil, sound, route)),
		"IPv6 withdrawn aside": key(external, bgp.IPv4, body(nil, join(sound, soundMPU), route)),
	} {
		if !bytes.Equal(same, base) {
			t.Errorf("%s: the key differs", name)
		}
	}
	for name, differs := range map[string][]byte{
		"next hop":   key(external, bgp.IPv4, body(nil, join(origin, path4(65001, 65002), attr(attrNextHop, 1, 1, 1, 1)), route)),
		"path":       key(external, bgp.IPv4, body(nil, join(origin, path4(65001, 65003), nextHop), route)),
		"origin":     key(external, bgp.IPv4, body(nil, join(attr(attrOrigin, 1), path4(65001, 65002), nextHop), route)),
		"LOCAL_PREF": key(internal, bgp.IPv4, body(nil, join(sound, attr(attrLocalPref, 0, 0, 0, 1)), route)),
		"ASN width":  key(old, bgp.IPv4, body(nil, join(origin, attr(attrASPath, 2, 1, 0, 1), nextHop), route)),
		"family":     key(external, bgp.IPv6, body(nil, join(sound, soundMP), route)),
	} {
		if bytes.Equal(differs, base) {
			t.Errorf("%s: the key is the same", name)
		}
	}
}
