package wire

import (
	"net/netip"
	"testing"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

// typical is an UPDATE as a full table has them: a path of five, five routes, a few communities.
func typical(f bgp.Family) []byte {
	a := &bgp.Attrs{
		Path: bgp.Sequence(64500, 3356, 1299, 64501, 64496), NextHop: netip.MustParseAddr("192.0.2.1"), HasMED: true, MED: 10,
		Communities:      []bgp.Community{3356<<16 | 3, 3356<<16 | 22, 3356<<16 | 100},
		LargeCommunities: []bgp.LargeCommunity{{Global: 64500, Local1: 1, Local2: 2}},
	}
	list := []string{"203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/25", "10.0.0.0/8", "172.16.0.0/12"}
	if f == bgp.IPv6 {
		a.NextHop = netip.MustParseAddr("2001:db8::1")
		list = []string{"2001:db8:1::/48", "2001:db8:2::/48", "2001:db8::/32", "2001:db8:4000::/35", "2001:db8:3::/48"}
	}
	var announced []NLRI
	for _, s := range list {
		announced = append(announced, NLRI{Prefix: netip.MustParsePrefix(s)})
	}
	return AppendUpdate(nil, external, a, announced, nil)[HeaderLen:]
}

// sink keeps results alive.
var sink int

func scanAll(p Params, b []byte, u *Update) {
	p.Scan(b, u)
	for n := range u.Withdrawn {
		sink += n.Prefix.Bits()
	}
	for n := range u.Announced {
		sink += n.Prefix.Bits()
	}
	sink += len(u.Key(bgp.IPv4)) + len(u.Key(bgp.IPv6)) + len(u.Faults())
	if _, ok := u.EndOfRIB(); ok {
		sink++
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	var u Update
	for name, b := range map[string][]byte{
		"IPv4": typical(bgp.IPv4), "IPv6": typical(bgp.IPv6), "End-of-RIB": AppendEndOfRIB(nil, bgp.IPv6)[HeaderLen:],
		"withdrawn":       body(other, soundMPU, nil),
		"remarks":         body(nil, join(origin, attr(attrASPath, segment(bgp.ASSet, 4, 1, 2)...), nextHop), route),
		"discarded":       body(nil, join(sound, attr(attrLocalPref, 1), attr(attrAtomicAggregate, 1), origin), route),
		"treat withdrawn": body(nil, join(sound, attr(attrMED, 1), []byte{0x80}), route),
	} {
		scanAll(external, b, &u) // the key's buffer grows once
		if n := testing.AllocsPerRun(100, func() { scanAll(external, b, &u) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { external.ScanRIB(b, bgp.IPv4, &u) }); n != 0 {
			t.Errorf("%s as a RIB entry: %v allocations", name, n)
		}
	}
}

func benchFamilies(b *testing.B, run func(b *testing.B, message []byte)) {
	for _, f := range bgp.Families {
		message := typical(f)
		b.Run(f.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(message)))
			run(b, message)
		})
	}
}

func BenchmarkScan(b *testing.B) {
	benchFamilies(b, func(b *testing.B, message []byte) {
		var u Update
		for b.Loop() {
			external.Scan(message, &u)
		}
	})
}

func BenchmarkScanNLRI(b *testing.B) {
	benchFamilies(b, func(b *testing.B, message []byte) {
		var u Update
		for b.Loop() {
			external.Scan(message, &u)
			for n := range u.Announced {
				sink += n.Prefix.Bits()
			}
		}
	})
}

func BenchmarkScanKey(b *testing.B) {
	benchFamilies(b, func(b *testing.B, message []byte) {
		var u Update
		for b.Loop() {
			external.Scan(message, &u)
			sink += len(u.Key(bgp.IPv4))
		}
	})
}

func BenchmarkScanAttrs(b *testing.B) {
	benchFamilies(b, func(b *testing.B, message []byte) {
		var u Update
		for b.Loop() {
			external.Scan(message, &u)
			sink += int(u.Attrs(bgp.IPv4).Origin)
		}
	})
}

// BenchmarkGobgp is gobgp's codec on the same messages: routes and attributes at once, as it has them.
func BenchmarkGobgp(b *testing.B) {
	benchFamilies(b, func(b *testing.B, message []byte) {
		header := &gobgp.BGPHeader{Type: gobgp.BGP_MSG_UPDATE, Len: uint16(HeaderLen + len(message))}
		for b.Loop() {
			if _, err := gobgp.ParseBGPBody(header, message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
