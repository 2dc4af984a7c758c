package source

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// settle tells what a rebuild shows otherwise than was told. What was newly watched meanwhile is in no table of it, and has it done
// again.
func (d *mrtDir) settle(b *dirRebuild, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delta := d.opts.Watched.Since(b.opts.Watched)
	if b.lacks = delta.More; b.lacks != [bgp.NumFamilies]bool{} {
		d.wanted = true
	}
	for _, s := range b.seen {
		known := d.live.vantages.byKey[vantageKey{b.collector, s.Addr, s.ASN}] != nil
		if (known || s.up) && d.admits(b.collector, mrtPeer{s.Addr, s.ASN}) {
			d.settleVantage(b, s, now)
		}
	}
}

func (d *mrtDir) settleVantage(b *dirRebuild, s *recordedVantage, now time.Time) {
	r := d.recorderOf(b.collector)
	peer := mrtPeer{s.Addr, s.ASN}
	v := d.live.vantages.get(b.collector, peer)
	read, mark := b.latest[s], d.latest[v]
	if read.at.After(mark.at) {
		d.latest[v] = read
	}
	if !s.up {
		_ = r.session(peer, false, true, "lost, by the collector's updates", now) // always nil
		return
	}
	if read.reset.After(mark.reset) {
		d.reset(b, s, v, mark, now)
	}
	up := d.clock(b.begun, now)
	if lost, was := d.lost[v]; was && up.Before(lost) {
		up = lost // it is back since then at the earliest
	}
	_, _ = r.vantage(peer, up) // always nil
	for _, f := range bgp.Families {
		d.settleFamily(b, s, v, f, now)
	}
	d.settleGone(b, s, v, now)
}

// reset tells that a session was lost and came back, which only the rebuild has read: what was held before is gone, and no dump nor
// withdrawal says so. Where later records were told already, telling of the session would undo them, so what is older goes alone.
func (d *mrtDir) reset(b *dirRebuild, s, v *recordedVantage, mark dirMark, now time.Time) {
	latest := d.latest[v]
	latest.reset = b.latest[s].reset
	d.latest[v] = latest
	at := d.clock(latest.reset, now)
	if !latest.reset.Before(mark.at) {
		r, peer := d.recorderOf(b.collector), mrtPeer{s.Addr, s.ASN}
		_ = r.session(peer, false, true, "lost and back, by the collector's updates", at) // always nil
		_ = r.session(peer, true, false, "", at)                                          // always nil
		return
	}
	for _, f := range bgp.Families {
		for route := range v.table.Walk(f) {
			if !route.Since.Before(at) {
				continue
			}
			if b.gone[s] == nil {
				b.gone[s] = map[dirRoute]time.Time{}
			}
			if of := (dirRoute{route.Prefix, route.PathID}); b.gone[s][of].Before(at) {
				b.gone[s][of] = at
			}
		}
	}
}

// settleGone tells what was withdrawn and has not come back. A route that is younger than its withdrawal came from what does not lie
// there any more.
func (d *mrtDir) settleGone(b *dirRebuild, s, v *recordedVantage, now time.Time) {
	gone := slices.SortedFunc(maps.Keys(b.gone[s]), func(x, y dirRoute) int {
		return cmp.Or(b.gone[s][x].Compare(b.gone[s][y]), x.prefix.Compare(y.prefix), cmp.Compare(x.pathID, y.pathID))
	})
	for _, of := range gone {
		at := d.clock(b.gone[s][of], now)
		for have := range v.table.Exact(of.prefix) {
			if have.PathID == of.pathID && !at.Before(have.Since) && !holds(s, of) {
				_ = d.live.withdraw(v, of.prefix, of.pathID, at) // always nil
				break
			}
		}
	}
}

// holds says whether a vantage has a route.
func holds(v *recordedVantage, of dirRoute) bool {
	for have := range v.table.Exact(of.prefix) {
		if have.PathID == of.pathID {
			return true
		}
	}
	return false
}

func (d *mrtDir) settleFamily(b *dirRebuild, s, v *recordedVantage, f bgp.Family, now time.Time) {
	whole := b.listed[s][f]
	if whole {
		v.table.MarkStale(f)
	}
	for route := range s.table.Walk(f) {
		d.settleRoute(b, v, route, now)
	}
	if !whole {
		return
	}
	v.first[f].end()
	v.table.Sweep(f, func(old rib.Route) {
		_ = d.put(bgp.Change{
			Vantage: v.Vantage, Prefix: old.Prefix, PathID: old.PathID, At: now, First: now, Cause: bgp.Swept, Withdrawn: 1,
		})
	})
	if !b.lacks[f] {
		_ = d.put(bgp.EndOfRIB{Vantage: v.Vantage, Family: f, At: now})
	}
}

func (d *mrtDir) settleRoute(b *dirRebuild, v *recordedVantage, route rib.Route, now time.Time) {
	if w := d.opts.Watched; !w.Match(route.Prefix) && !w.MatchPath(decoded(&b.replay.vantages.interner, route.ID).Path) {
		return // not any more
	}
	in := &d.live.vantages.interner
	id, isNew := in.Intern(b.replay.vantages.interner.Key(route.ID))
	defer in.Release(id)
	if isNew {
		in.SetAttrs(id, decoded(&b.replay.vantages.interner, route.ID))
	}
	for have := range v.table.Exact(route.Prefix) {
		if have.PathID != route.PathID {
			continue
		}
		// One that is younger came from what does not lie there any more: a file that was replaced.
		if have.ID == id || have.Since.After(d.clock(route.Since, now)) {
			v.table.Announce(route.Prefix, route.PathID, have.ID, now) // no news, but not stale
			in.Release(have.ID)                                        // the reference that the old one had
			return
		}
	}
	_ = d.live.announce(v, route.Prefix, route.PathID, id, d.clock(route.Since, now), bgp.Initial)
}
