package bgp_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"peervane/bgp"
)

func TestClean(t *testing.T) {
	for _, c := range []struct {
		path string
		own  []uint32
		want string
	}{
		{"", nil, "[]"},
		{"64500 64500 64501 64496 64496", nil, "[{64500 []} {64501 []} {64496 []}]"},
		{"(65001 65002) 64500 [65003] 64496", nil, "[{64500 []} {64496 []}]"},
		{"64500 {64497} 64496", nil, "[{64500 []} {64497 []} {64496 []}]"},
		{"64500 {64497,64498}", nil, "[{64500 []} {0 [64497 64498]}]"},
		{"64512 64512 64513 64500 64512", []uint32{64512, 64513}, "[{64500 []} {64512 []}]"},
		{"64512", []uint32{64512}, "[{64512 []}]"},
	} {
		p, err := bgp.ParsePath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(p.Clean(c.own...)); got != c.want {
			t.Errorf("%q without %v: %s, want %s", c.path, c.own, got, c.want)
		}
	}
}

// Last is what Clean ends with, found without cleaning.
func TestLastEndsTheCleanPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asns := rapid.SliceOfN(rapid.Uint32Range(1, 4), 0, 3)
		segments := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bgp.Segment {
			kinds := []bgp.SegmentType{bgp.ASSet, bgp.ASSequence, bgp.ConfedSequence, bgp.ConfedSet}
			return bgp.Segment{Type: rapid.SampledFrom(kinds).Draw(t, "type"), ASNs: asns.Draw(t, "asns")}
		}), 0, 4).Draw(t, "segments")
		p := bgp.NewPath(segments)
		hops := p.Clean(1)
		last, ok := p.Last()
		if ok != (len(hops) > 0) {
			t.Fatalf("%q: found %v, and the path has %d hops", p, ok, len(hops))
		}
		if ok && (last.ASN != hops[len(hops)-1].ASN || !slices.Equal(last.Set, hops[len(hops)-1].Set)) {
			t.Fatalf("%q: %v, want %v", p, last, hops[len(hops)-1])
		}
	})
}
