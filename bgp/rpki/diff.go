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
	All            bool     // a kind of data came or went as a whole, so that every route is touched
	prefixes       bart.Lite
}

// Compare gives the way from old to new. It costs one pass over both, and nothing for a kind that they share.
func Compare(old, new *Set) *Diff {
	d := &Diff{All: (old.vrps == nil) != (new.vrps == nil) || (old.aspas == nil) != (new.aspas == nil)}
	if old.vrps != new.vrps {
		d.vrps(old.vrps.list(), new.vrps.list())
	}
	if old.aspas != new.aspas {
		d.aspas(old.aspas.list(), new.aspas.list())
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

func (d *Diff) vrps(old, new []VRP) {
	for len(old) > 0 || len(new) > 0 {
		switch {
		case len(new) == 0 || len(old) > 0 && old[0].Compare(new[0]) < 0:
			d.Removed = append(d.Removed, old[0])
			d.prefixes.Insert(old[0].Prefix)
			old = old[1:]
		case len(old) == 0 || new[0].Compare(old[0]) < 0:
			d.Added = append(d.Added, new[0])
			d.prefixes.Insert(new[0].Prefix)
			new = new[1:]
		default:
			old, new = old[1:], new[1:]
		}
	}
}

func (d *Diff) aspas(old, new []ASPA) {
	for len(old) > 0 || len(new) > 0 {
		switch {
		case len(new) == 0 || len(old) > 0 && old[0].Customer < new[0].Customer:
			d.Customers = append(d.Customers, old[0].Customer)
			old = old[1:]
		case len(old) == 0 || new[0].Customer < old[0].Customer:
			d.Customers = append(d.Customers, new[0].Customer)
			new = new[1:]
		default:
			if !slices.Equal(old[0].Providers, new[0].Providers) {
				d.Customers = append(d.Customers, new[0].Customer)
			}
			old, new = old[1:], new[1:]
		}
	}
}

// Empty says whether no verdict can have changed.
func (d *Diff) Empty() bool {
	return !d.All && len(d.Added) == 0 && len(d.Removed) == 0 && len(d.Customers) == 0
}

// TouchesPrefix says whether a VRP that covers prefix came or went.
func (d *Diff) TouchesPrefix(prefix netip.Prefix) bool {
	return d.All || d.prefixes.LookupPrefix(prefix)
}

// TouchesPath says whether the ASPA of an AS in the path came, went or changed.
func (d *Diff) TouchesPath(p *bgp.Path) bool {
	if d.All || len(d.Customers) == 0 {
		return d.All
	}
	return slices.ContainsFunc(p.Segments, func(s bgp.Segment) bool {
		return slices.ContainsFunc(s.ASNs, func(asn uint32) bool {
			_, found := slices.BinarySearch(d.Customers, asn)
			return found
		})
	})
}
