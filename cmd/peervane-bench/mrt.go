package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"peervane/bgp"
	"peervane/bgp/source"
)

// fromMRT makes a table of what the first peer of a RIB dump that has the most routes shows there.
func fromMRT(ctx context.Context, file string) (*table, error) {
	type held map[netip.Prefix]*bgp.Attrs
	by := map[*bgp.Vantage]held{}
	recording := source.NewRecording([]string{file}, source.RecordingOptions{})
	err := recording.Run(ctx, source.SinkFunc(func(in bgp.Input) error {
		c, ok := in.(bgp.Change)
		if !ok || c.Attrs == nil {
			return nil
		}
		if by[c.Vantage] == nil {
			by[c.Vantage] = held{}
		}
		by[c.Vantage][c.Prefix] = c.Attrs
		return nil
	}))
	var most held
	for _, h := range by {
		if len(h) > len(most) {
			most = h
		}
	}
	if len(most) == 0 {
		return nil, fmt.Errorf("%s shows no routes: %w", file, err)
	}
	return newTable(setsOf(most), netip.MustParsePrefix("223.255.255.0/24")), nil
}

// setsOf puts the prefixes together that share their attributes, as a router does that sends them.
func setsOf(routes map[netip.Prefix]*bgp.Attrs) []set {
	type key struct {
		attrs  *bgp.Attrs
		family bgp.Family
	}
	index, sets := map[key]int{}, []set{}
	prefixes := make([]netip.Prefix, 0, len(routes))
	for p := range routes {
		prefixes = append(prefixes, p)
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	for _, p := range prefixes {
		k := key{routes[p], bgp.FamilyOf(p)}
		i, known := index[k]
		if !known {
			i = len(sets)
			index[k] = i
			sets = append(sets, set{attrs: headed(routes[p])})
		}
		sets[i].prefixes = append(sets[i].prefixes, p)
	}
	return sets
}

// headed puts the peer's ASN before the path, and leaves out what only an internal neighbour sends.
func headed(a *bgp.Attrs) *bgp.Attrs {
	out := *a
	segments := append([]bgp.Segment{{Type: bgp.ASSequence, ASNs: []uint32{marker}}}, a.Path.Segments...)
	out.Path = bgp.NewPath(segments)
	out.HasLocalPref, out.ClusterList, out.OriginatorID = false, nil, netip.Addr{}
	return &out
}
