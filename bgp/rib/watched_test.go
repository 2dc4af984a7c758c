package rib

import (
	"net/netip"
	"slices"
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
		hosts := rapid.SliceOfN(rapid.Custom(drawPrefix), 0, 2).Draw(t, "hosts")
		if w = w.With(hosts, nil); w.Match(p) && !w.Near(bgp.FamilyOf(p), onWire(p), p.Bits()) {
			t.Fatalf("%v is not near %v and %v", p, watched, hosts)
		}
	})
}

// onWire gives the octets of a prefix as an UPDATE has them, with bits beyond the length set.
func onWire(p netip.Prefix) []byte {
	octets := p.Addr().AsSlice()[:(p.Bits()+7)/8]
	if rest := p.Bits() % 8; rest > 0 {
		octets[len(octets)-1] |= 0xff >> rest
	}
	return octets
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
	if none.Near(bgp.IPv4, nil, 0) || none.MatchPath(held) || none.Match(netip.MustParsePrefix("0.0.0.0/0")) || none.ByPath() || none.Len() != 0 {
		t.Error("the nil set watches something")
	}
}

func TestWatchedSince(t *testing.T) {
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
		if got := test.set.Since(test.old).More; got != test.want {
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

// A set that was made of another matches what one does that was made anew, and knows in what it differs.
func TestWatchedMadeOfAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfNDistinct(rapid.Custom(drawPrefix), 0, 6, rapid.ID)
		held := map[netip.Prefix]bool{}
		var hosts []netip.Prefix
		var asns []uint32
		sets := []*Watched{NewWatched(nil, nil)}
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			last := sets[len(sets)-1]
			if rapid.Bool().Draw(t, "hosts") {
				hosts, asns = some.Draw(t, "hosts"), rapid.SliceOfN(rapid.Uint32Range(1, 3), 0, 2).Draw(t, "asns")
				sets = append(sets, last.With(hosts, asns))
				continue
			}
			var added, removed []netip.Prefix
			for _, p := range some.Draw(t, "changed") {
				if held[p] {
					removed = append(removed, p)
				} else {
					added = append(added, p)
				}
				held[p] = !held[p]
			}
			sets = append(sets, last.Change(added, removed))
		}
		w, old := sets[len(sets)-1], rapid.SampledFrom(sets).Draw(t, "old")
		var prefixes []netip.Prefix
		for p, is := range held {
			if is {
				prefixes = append(prefixes, p)
			}
		}
		anew := NewWatched(prefixes, asns).With(hosts, asns)
		d := w.Since(old)
		for range 20 {
			p := drawPrefix(t)
			f := bgp.FamilyOf(p)
			is, was := w.Match(p), old.Match(p)
			if is != anew.Match(p) {
				t.Fatalf("%v: %v", p, is)
			}
			around, known := d.Lost()
			if was && !is && known && !slices.ContainsFunc(around, p.Overlaps) {
				t.Fatalf("%v is lost, and is not around %v", p, around)
			}
			if is && !was && !(d.More[f] && d.MayGain(p)) || was && !is && !(d.Less[f] && d.MayLose(p)) {
				t.Fatalf("%v was %v and is %v: %+v", p, was, is, d)
			}
		}
		for asn := uint32(1); asn <= 3; asn++ {
			path := bgp.Sequence(asn)
			if w.MatchPath(path) && !old.MatchPath(path) && d.More != everything || old.MatchPath(path) && !w.MatchPath(path) && d.Less != everything {
				t.Fatalf("AS%d: %+v", asn, d)
			}
		}
	})
}

// A change of one prefix among very many costs what one prefix does, and leaves the older set as it was.
func TestWatchedChangeIsCheap(t *testing.T) {
	cost := func(n int) float64 {
		w := NewWatched(randomPrefixes(n), nil)
		one := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		var next *Watched
		allocs := testing.AllocsPerRun(10, func() {
			next = w.Change(one, nil)
			next.Since(w)
		})
		if w.Match(one[0]) == next.Match(one[0]) && !w.Match(one[0]) {
			t.Error("the change does not show")
		}
		return allocs
	}
	if few, many := cost(1_000), cost(100_000); many > few+20 {
		t.Errorf("%v allocations among 1,000 prefixes, %v among 100,000", few, many)
	}
}
