package source

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/session"
)

// Graceful restart as the helper (RFC 4724 section 4.2): after a loss the routes of the families that the neighbour had
// listed are kept as stale, for as long as it asked for and at most GracefulRestart. When it is back in time, having
// kept its forwarding state, each route that it announces again is fresh, and End-of-RIB sweeps the others. Where
// End-of-RIB is not there GracefulRestart after the loss, what is still stale is given up.

// Established implements session.Handler.
func (p *Peer) Established(n session.Negotiated, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.negotiated, p.ceased = &n, false
	var families []bgp.Family
	for _, family := range bgp.Families {
		f := &p.families[family]
		if f.kept && !returns(&n, family) {
			p.giveUpStale(family, at)
		}
		f.keptUntil = f.lost.Add(p.cfg.GracefulRestart)
		f.up, f.synced, f.asked, f.marked, f.heard = n.Families[family], false, false, false, false
		f.lacking = false
		if f.up {
			families = append(families, family)
			f.first.begin(n.GR != nil, at)
		} else if slices.Contains(p.cfg.Session.Families, family) {
			p.log.Warn("the neighbour does not speak this family: its routes cannot be seen; enable it there, or leave it out of families",
				zap.Stringer("family", family))
		}
	}
	p.put(bgp.SessionUp{Vantage: p.cfg.Vantage, At: at, Families: families, AddPath: n.AddPath, EndOfRIBDue: n.GR != nil})
	p.rearm()
}

// returns says whether the neighbour came back with the forwarding state of a family (RFC 4724 section 4.2: else the
// stale routes "MUST" go at once).
func returns(n *session.Negotiated, f bgp.Family) bool {
	return n.Families[f] && n.GR != nil && n.GR.Families[f].Listed && n.GR.Families[f].Forwarding
}

// Closed implements session.Handler.
func (p *Peer) Closed(r session.Reason, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []bgp.Family
	for _, family := range bgp.Families {
		f := &p.families[family]
		if !f.up {
			continue
		}
		if f.kept { // a second restart: what was stale already goes (RFC 4724 section 4.2)
			p.giveUpStale(family, at)
		}
		f.up, f.asked, f.marked = false, false, false
		f.crest = crest{}
		f.first.end()
		if wait := p.restartTime(r, family); wait > 0 {
			p.table.MarkStale(family)
			f.kept, f.lost, f.keptUntil = true, at, at.Add(wait)
			kept = append(kept, family)
		} else {
			p.table.Clear(family)
		}
	}
	p.negotiated = nil
	p.countLeaks()
	p.put(bgp.SessionDown{Vantage: p.cfg.Vantage, At: at, Reason: r.Text, Kept: kept})
	p.rearm()
}

// restartTime is how long to wait for the neighbour with its routes of a family kept.
func (p *Peer) restartTime(r session.Reason, f bgp.Family) time.Duration {
	n := p.negotiated
	if !r.Graceful || n == nil || n.GR == nil || !n.GR.Families[f].Listed {
		return 0
	}
	return min(p.cfg.GracefulRestart, time.Duration(n.GR.Time)*time.Second)
}

// giveUpStale drops stale routes of which nobody knows whether they still stand. StaleLost makes all that the vantage
// held of the family unknown, so what it has announced since it is back is told again.
func (p *Peer) giveUpStale(family bgp.Family, at time.Time) {
	f := &p.families[family]
	f.kept = false
	if !f.up {
		p.table.Clear(family)
	} else {
		p.table.Sweep(family, nil)
	}
	p.countLeaks()
	p.log.Warn("stale routes given up", zap.Stringer("family", family), zap.Bool("returned", f.up))
	p.put(bgp.StaleLost{Vantage: p.cfg.Vantage, Family: family, At: at})
	for r := range p.table.Walk(family) {
		if p.concerns(r.Prefix, r.ID) {
			p.tellHeld(r, at, bgp.Initial)
		}
	}
}

// endOfRIB takes in the marker of the neighbour (RFC 4724 section 2). It sweeps what a restart left stale. It is told
// once, and where we have asked for more meanwhile, when that has come.
func (p *Peer) endOfRIB(family bgp.Family, at time.Time) {
	f := &p.families[family]
	if f.kept {
		f.kept = false
		p.sweep(family, at, bgp.Swept)
	}
	f.first.end()
	if !f.synced && !f.asked {
		p.put(bgp.EndOfRIB{Vantage: p.cfg.Vantage, Family: family, At: at})
	}
	f.synced, f.grew = true, at
	p.checkLimit(at)
	p.checkDrop(at)
	p.checkLeaks(at)
	p.rearm()
}

// sweep drops the stale routes of a family, and tells so.
func (p *Peer) sweep(family bgp.Family, at time.Time, cause bgp.Cause) {
	p.table.Sweep(family, func(r rib.Route) {
		if p.concerns(r.Prefix, r.ID) {
			p.tellGone(&bgp.NLRI{Prefix: r.Prefix, PathID: r.PathID}, at, cause)
		}
	})
	p.countLeaks()
}
