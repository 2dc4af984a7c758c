package rpki

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
	"peervane/bgp"
)

// Diff is what changed from one Set to the next: exactly the routes that it touches can have another verdict.
type Diff struct {
	Added, Removed []VRP    // ascending
	Customers      []uint32 // ascending: whose ASPA came, went or changed
	AllPrefixes    bool     // VRPs came or went altogether, so that every origin is known, or unknown, anew
	prefixes       bart.Lite
}

// Compare gives the way from before to after. It costs one pass over both, and nothing for a kind that they share.
func Compare(before, after *Set) *Diff {
	d := &Diff{AllPrefixes: (before.vrps == nil) != (after.vrps == nil)}
	if before.vrps != after.vrps {
		d.vrps(before.vrps.list(), after.vrps.list())
	}
	if before.aspas != after.aspas {
		d.aspas(before.aspas.list(), after.aspas.list())
	}
	return d
}

func (t *vrpTable) list() []VRP {
	if t == nil {
		return nil
	}
	return t.sorted
}

func (t *aspaTable) list() []ASPA {
	if t == nil {
		return nil
	}
	return t.sorted
}

func (d *Diff) vrps(before, after []VRP) {
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].Compare(after[0]) < 0:
			d.Removed = append(d.Removed, before[0])
			d.prefixes.Insert(before[0].Prefix)
			before = before[1:]
		case len(before) == 0 || after[0].Compare(before[0]) < 0:
			d.Added = append(d.Added, after[0])
			d.prefixes.Insert(after[0].Prefix)
			after = after[1:]
		default:
			before, after = before[1:], after[1:]
		}
	}
}

func (d *Diff) aspas(before, after []ASPA) {
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].Customer < after[0].Customer:
			d.Customers = append(d.Customers, before[0].Customer)
			before = before[1:]
		case len(before) == 0 || after[0].Customer < before[0].Customer:
			d.Customers = append(d.Customers, after[0].Customer)
			after = after[1:]
		default:
			if !slices.Equal(before[0].Providers, after[0].Providers) {
				d.Customers = append(d.Customers, after[0].Customer)
			}
			before, after = before[1:], after[1:]
		}
	}
}

// Empty says whether no verdict can have changed.
func (d *Diff) Empty() bool {
	return !d.AllPrefixes && len(d.Added) == 0 && len(d.Removed) == 0 && len(d.Customers) == 0
}

// TouchesPrefix says whether a VRP that covers prefix came or went.
func (d *Diff) TouchesPrefix(prefix netip.Prefix) bool {
	return d.AllPrefixes || d.prefixes.LookupPrefix(prefix)
}

// TouchesPath says whether the ASPA of an AS in the path came, went or changed.
func (d *Diff) TouchesPath(p *bgp.Path) bool {
	if len(d.Customers) == 0 {
		return false
	}
	return slices.ContainsFunc(p.Segments, func(s bgp.Segment) bool {
		return slices.ContainsFunc(s.ASNs, func(asn uint32) bool {
			_, found := slices.BinarySearch(d.Customers, asn)
			return found
		})
	})
}
