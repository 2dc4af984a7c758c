package source

import (
	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// A RIB dump shows the whole table of each peer with routes in it: once it has been read to its end, those peers are in
// sync, and what they held before and is not in it has gone. A peer without routes of a family is not taken to be in
// sync there, since most are peers for one family only.

func (r *recorder) peerIndex(*mrtPeerIndex) error {
	if err := r.endDump(); err != nil {
		return err
	}
	r.dumping = true
	return nil
}

// route takes in one entry of a dump.
func (r *recorder) route(e *mrtRoute) error {
	r.dumping = true
	f := bgp.FamilyOf(e.prefix)
	verdict := recordedParams(e.as4, e.addPath, e.peer).ScanRIB(e.attrs, f, &r.scanned)
	r.stats.Faults.add(&r.scanned)
	r.stats.Routes++
	if verdict > wire.AttributeDiscard {
		r.ignored("RIB entry without usable attributes")
		return nil
	}
	v, err := r.vantage(e.peer, e.at)
	if err != nil {
		return err
	}
	r.enterDump(v, f)
	attrs := blocks{in: &r.vantages.interner}
	defer attrs.done()
	get := func() rib.ID { return attrs.id(&r.scanned, f) }
	return r.learn(v, e.prefix, e.pathID, get, e.at, bgp.Initial)
}

// enterDump notes that the dump holds routes of a vantage and family.
func (r *recorder) enterDump(v *recordedVantage, f bgp.Family) {
	if v.inDump[f] {
		return
	}
	if v.inDump == [bgp.NumFamilies]bool{} {
		r.dump = append(r.dump, v)
	}
	v.inDump[f] = true
	v.table.MarkStale(f)
}

// endDump tells that the vantages of a dump are in sync, once all of it was read.
func (r *recorder) endDump() error {
	if !r.dumping {
		return nil
	}
	vantages := r.dump
	r.dumping, r.dump = false, nil
	for _, v := range vantages {
		for _, f := range bgp.Families {
			if !v.inDump[f] {
				continue
			}
			v.inDump[f] = false
			if err := r.endDumpOf(v, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *recorder) endDumpOf(v *recordedVantage, f bgp.Family) error {
	var err error
	v.first[f].end()
	v.table.Sweep(f, func(old rib.Route) {
		if err == nil {
			err = r.put(bgp.Change{
				Vantage: v.Vantage, Prefix: old.Prefix, PathID: old.PathID, At: r.at, First: r.at, Cause: bgp.Swept, Withdrawn: 1,
			})
		}
	})
	if err != nil {
		return err
	}
	return r.put(bgp.EndOfRIB{Vantage: v.Vantage, Family: f, At: r.at})
}
