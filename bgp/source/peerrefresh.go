package source

import (
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// SetWatched changes what the engine is told of. Routes that are newly watched are told from the table where it is
// kept in full, and are asked for by a route refresh (RFC 2918) where it is not; bgp.EndOfRIB follows when all of them
// have been told, for each family that is in sync: until then their absence means nothing.
func (p *Peer) SetWatched(w *rib.Watched) { p.setWatched(w, time.Now()) }

func (p *Peer) setWatched(w *rib.Watched, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, delta := p.watched, w.Since(p.watched)
	p.watched = w
	for _, f := range bgp.Families {
		if p.cfg.Full && delta.More[f] {
			p.tellNewlyWatched(f, old, &delta, at)
		} else if !p.cfg.Full && delta.Less[f] {
			p.forgetUnwatched(f, &delta, at)
		}
		p.catchUp(f, delta.More[f] && !p.cfg.Full, at)
	}
	p.countLeaks()
	p.checkLeaks(at)
	p.rearm()
}

// tellNewlyWatched walks a full table.
func (p *Peer) tellNewlyWatched(family bgp.Family, old *rib.Watched, delta *rib.Delta, at time.Time) {
	for r := range p.table.Walk(family) {
		if !delta.MayGain(r.Prefix) {
			continue
		}
		was := old.Match(r.Prefix) || old.ByPath() && old.MatchPath(p.sketch.Of(p.interner.Key(r.ID)).Path)
		if !was && p.concerns(r.Prefix, r.ID) {
			p.tellHeld(r, at, bgp.Refreshed)
		}
	}
}

// forgetUnwatched drops, or keeps for their number alone, the routes that are not watched any more.
func (p *Peer) forgetUnwatched(family bgp.Family, delta *rib.Delta, at time.Time) {
	if !p.counting() {
		p.table.Remove(family, func(r rib.Route) bool { return delta.MayLose(r.Prefix) && !p.concerns(r.Prefix, r.ID) })
		return
	}
	var unwatched []rib.Route
	for r := range p.table.Walk(family) {
		if r.ID != rib.None && delta.MayLose(r.Prefix) && !p.concerns(r.Prefix, r.ID) {
			unwatched = append(unwatched, r)
		}
	}
	for _, r := range unwatched {
		old, _ := p.table.Announce(r.Prefix, r.PathID, rib.None, at)
		p.interner.Release(old)
	}
}

// catchUp asks for what a family lacks, or says that it lacks nothing. While the first table is still coming it will say
// so itself, by its End-of-RIB.
func (p *Peer) catchUp(family bgp.Family, lacks bool, at time.Time) {
	f := &p.families[family]
	switch {
	case !f.up:
	case lacks && p.negotiated.RouteRefresh:
		f.asked, f.grew = true, at
		f.answered, f.echoes = !f.heard, p.table.Len(family) > 0 && !p.counting()
		p.control.RouteRefresh(family)
	case lacks:
		f.lacking = true
		p.log.Warn("newly watched prefixes will not be known of this neighbour until its session restarts: it does not support route refresh",
			zap.Stringer("family", family))
	case !f.asked && !f.lacking && !f.first.coming(at):
		p.put(bgp.EndOfRIB{Vantage: p.cfg.Vantage, Family: family, At: at})
	}
}

// AskAgain asks the neighbour for its routes of a family again, and says whether it was asked: not while its first table or an
// earlier answer is still coming, nor if it does not support that.
func (p *Peer) AskAgain(family bgp.Family, at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.families[family]
	if !f.up || f.asked || f.awaitsEndOfRIB() || !p.negotiated.RouteRefresh {
		return false
	}
	p.catchUp(family, true, at)
	p.rearm()
	return true
}

// Refresh implements session.Handler: enhanced route refresh (RFC 7313 section 4). A BoRR before the first End-of-RIB is
// ignored, and an EoRR without a BoRR.
func (p *Peer) Refresh(family bgp.Family, subtype uint8, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.families[family]
	switch {
	case !f.up || f.awaitsEndOfRIB():
	case subtype == wire.RefreshBegin:
		p.table.MarkStale(family)
		f.marked, f.answered = true, true
	case subtype == wire.RefreshEnd && f.marked:
		f.marked = false
		p.sweep(family, at, bgp.Refreshed)
		p.endRefresh(family, at)
		p.checkLimit(at)
		p.checkDrop(at)
		p.checkLeaks(at)
	}
}

// endRefresh ends a refresh that we asked for: by EoRR, or, without enhanced route refresh, when nothing new has come for
// quietTime.
func (p *Peer) endRefresh(family bgp.Family, at time.Time) {
	f := &p.families[family]
	if !f.asked {
		return
	}
	f.asked, f.lacking = false, false
	p.put(bgp.EndOfRIB{Vantage: p.cfg.Vantage, Family: family, At: at})
}

// settleRefresh ends a refresh that we asked for when nothing new comes any more. OpenBGPD up to 7.7 takes the request,
// and does nothing: where an answer would have shown, silence tells nothing of what the neighbour has.
func (p *Peer) settleRefresh(family bgp.Family, at time.Time) {
	f := &p.families[family]
	if f.answered {
		p.endRefresh(family, at)
		return
	}
	f.asked, f.lacking = false, true
	p.log.Warn("newly watched prefixes will not be known of this neighbour until its session restarts: it does not answer a route refresh",
		zap.Stringer("family", family))
}

// heeds notes an announcement while a refresh is waited for: a route that is told again answers it, and, where there was
// none to tell again, any.
func (f *peerFamily) heeds(again bool) {
	f.heard = true
	f.answered = f.answered || again || !f.echoes
}

// quietAt is when a refresh that we asked for counts as complete; false where something else will tell.
func (f *peerFamily) quietAt() (time.Time, bool) {
	return f.grew.Add(quietTime), f.asked && !f.marked && !f.awaitsEndOfRIB()
}

// awaitsEndOfRIB says whether the first table is still coming, and will end with End-of-RIB.
func (f *peerFamily) awaitsEndOfRIB() bool { return f.first.on && f.first.due }

// refreshes says whether an announcement is part of a route refresh and no news: the same route again, or one that we
// lacked and asked for.
func (f *peerFamily) refreshes(had, same bool) bool {
	if had {
		return same && (f.asked || f.marked)
	}
	return f.asked
}
