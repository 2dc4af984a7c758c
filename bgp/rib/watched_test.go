package rib

import (
	"net/netip"
	"testing"

	"peervane/bgp"
	"pgregory.net/rapid"
)

func TestWatchedMatchesInsideAndCovering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		watched := rapid.SliceOfN(rapid.Custom(drawPrefix), 0, 6).Draw(t, "watched")
		w := NewWatched(watched, nil)
		p := drawPrefix(t)
		want := false
		for _, q := range watched {
			want = want || q.Overlaps(p)
		}
		if w.Match(p) != want {
			t.Fatalf("%v among %v: %v", p, watched, !want)
		}
	})
}

func TestWatchedMatchAllocatesNothing(t *testing.T) {
	w := NewWatched(randomPrefixes(10_000), nil)
	probes := randomPrefixes(100)
	if n := testing.AllocsPerRun(10, func() {
		for _, p := range probes {
			w.Match(p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWatchedByPath(t *testing.T) {
	w := NewWatched(nil, []uint32{64500})
	held := bgp.NewPath([]bgp.Segment{{Type: bgp.ASSequence, ASNs: []uint32{64496}}, {Type: bgp.ASSet, ASNs: []uint32{64499, 64500}}})
	if !w.MatchPath(held) || w.MatchPath(bgp.Sequence(64496, 64497)) || !w.ByPath() {
		t.Error("paths are mistaken")
	}
	var none *Watched
	if none.MatchPath(held) || none.Match(netip.MustParsePrefix("0.0.0.0/0")) || none.ByPath() || none.Len() != 0 {
		t.Error("the nil set watches something")
	}
}

func TestWatchedNewSince(t *testing.T) {
	p := netip.MustParsePrefix
	old := NewWatched([]netip.Prefix{p("192.0.2.0/24"), p("2001:db8::/32")}, nil)
	for _, test := range []struct {
		name string
		set  *Watched
		old  *Watched
		want [bgp.NumFamilies]bool
	}{
		{"nothing", NewWatched(nil, nil), old, [2]bool{}},
		{"the same", old, old, [2]bool{}},
		{"inside an old one", NewWatched([]netip.Prefix{p("192.0.2.128/25")}, nil), old, [2]bool{}},
		{"covering an old one", NewWatched([]netip.Prefix{p("192.0.2.0/23")}, nil), old, [2]bool{true, false}},
		{"another", NewWatched([]netip.Prefix{p("2001:db9::/32"), p("192.0.2.0/24")}, nil), old, [2]bool{false, true}},
		{"an ASN", NewWatched(nil, []uint32{64500}), old, [2]bool{true, true}},
		{"the first set", old, nil, [2]bool{true, true}},
		{"no set", nil, old, [2]bool{}},
	} {
		if got := test.set.NewSince(test.old); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func BenchmarkWatchedMatch(b *testing.B) {
	w := NewWatched(randomPrefixes(1000), nil)
	probes := randomPrefixes(4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.Match(probes[i%len(probes)])
	}
}
