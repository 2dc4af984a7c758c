package source

import (
	"encoding/hex"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// Update implements session.Handler: it scans one UPDATE in place, keeps its routes, and tells the engine of the
// watched ones.
func (p *Peer) Update(body []byte, at time.Time) *wire.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.negotiated == nil {
		return nil
	}
	u := &p.scanned
	verdict := p.negotiated.Params.Scan(body, u)
	p.counts.Updates++
	if len(u.Faults()) > 0 {
		p.fault(u, body, at)
	}
	if verdict == wire.SessionReset {
		return u.Err()
	}
	if f, ok := u.EndOfRIB(); ok {
		p.endOfRIB(f, at)
		return nil
	}
	for n := range u.Withdrawn {
		p.counts.Withdrawn++
		p.withdraw(n, at)
	}
	p.readAnnounced(u)
	attrs := blocks{in: &p.interner, new: p.learn}
	if p.cfg.Full && len(p.announced) > 0 { // all of them will be needed: what they need of memory is fetched at once
		attrs.touch(u, bgp.FamilyOf(p.announced[0].Prefix))
		for i := range p.announced {
			p.table.Touch(p.announced[i].Prefix)
		}
	}
	for i := range p.announced {
		p.announce(&p.announced[i], u, &attrs, at)
	}
	attrs.done()
	p.checkLimit(at)
	p.checkDrop(at)
	p.checkLeaks(at)
	return nil
}

// readAnnounced takes out of an UPDATE the routes that may be kept: all, where any may.
func (p *Peer) readAnnounced(u *wire.Update) {
	if p.cfg.Full || p.counting() || p.watched.ByPath() {
		p.announced = u.AppendAnnounced(p.announced[:0])
		p.counts.Announced += uint64(len(p.announced))
		return
	}
	var all [bgp.NumFamilies]int
	p.announced, all = u.AppendNear(p.announced[:0], p.watched)
	for f, n := range all {
		if n > 0 {
			p.counts.Announced += uint64(n)
			p.families[f].heeds(false)
		}
	}
}

// counting says that unwatched routes are kept too, without their attributes, so that there is something to count.
func (p *Peer) counting() bool { return p.cfg.MaxPrefixes > 0 }

func (p *Peer) withdraw(n wire.NLRI, at time.Time) {
	if !p.cfg.Full && !p.counting() && !p.watched.ByPath() && !p.watched.Match(n.Prefix) {
		return
	}
	old, found := p.table.Withdraw(n.Prefix, n.PathID)
	if !found {
		return
	}
	if !p.watched.Match(n.Prefix) {
		p.moved(old.ID, rib.None)
	}
	if p.concerns(n.Prefix, old.ID) {
		p.tellGone(&n, at, p.families[bgp.FamilyOf(n.Prefix)].first.cause(at))
	}
	p.interner.Release(old.ID)
}

func (p *Peer) announce(n *bgp.NLRI, u *wire.Update, attrs *blocks, at time.Time) {
	family := bgp.FamilyOf(n.Prefix)
	p.families[family].heeds(false)
	registered := p.watched.Match(n.Prefix)
	watched := registered
	if !watched && p.watched.ByPath() {
		watched = p.matchesPath(attrs.id(u, family))
	}
	if !watched {
		p.keepUnwatched(n, u, attrs, at)
		return
	}
	id := attrs.id(u, family)
	old, had := p.table.Announce(n.Prefix, n.PathID, id, at)
	if !registered {
		p.moved(old, id)
	}
	p.tellAnnounced(n, id, old, had && old != rib.None, at)
	p.interner.Release(old)
}

// keepUnwatched keeps a route that is not told. It may replace one that was told for its path.
func (p *Peer) keepUnwatched(n *bgp.NLRI, u *wire.Update, attrs *blocks, at time.Time) {
	var old rib.ID
	switch {
	case p.cfg.Full:
		id := attrs.id(u, bgp.FamilyOf(n.Prefix))
		old, _ = p.table.Announce(n.Prefix, n.PathID, id, at)
		p.moved(old, id)
	case p.counting():
		old, _ = p.table.Announce(n.Prefix, n.PathID, rib.None, at)
	case p.watched.ByPath():
		gone, _ := p.table.Withdraw(n.Prefix, n.PathID)
		old = gone.ID
	}
	if old == rib.None {
		return
	}
	if p.concerns(n.Prefix, old) {
		p.tellGone(n, at, p.families[bgp.FamilyOf(n.Prefix)].first.cause(at))
	}
	p.interner.Release(old)
}

// concerns says whether the engine is told of a route with these attributes.
func (p *Peer) concerns(prefix netip.Prefix, id rib.ID) bool {
	if id == rib.None {
		return false
	}
	return p.watched.Match(prefix) || p.watched.ByPath() && p.matchesPath(id)
}

// matchesPath says whether the path of a block holds a watched ASN.
func (p *Peer) matchesPath(id rib.ID) bool {
	return p.watched.MatchPath(p.sketch.Of(p.interner.Key(id)).Path)
}

// attrs gives the attributes of a block, None's are nil.
func (p *Peer) attrs(id rib.ID) *bgp.Attrs { return decoded(&p.interner, id) }

// tellAnnounced tells of a route that was announced, in place of old if had. It is told even where nothing has changed:
// that it was seen since the session came up is news.
func (p *Peer) tellAnnounced(n *bgp.NLRI, id, old rib.ID, had bool, at time.Time) {
	f := &p.families[bgp.FamilyOf(n.Prefix)]
	c := bgp.Change{
		Vantage: p.cfg.Vantage, Prefix: n.Prefix, PathID: n.PathID, Attrs: p.attrs(id),
		At: at, First: at, Cause: f.first.cause(at), Announced: 1,
	}
	if !had {
		f.first.grew(at)
		f.grew = at
	} else if old != id && !samePath(p.attrs(old), c.Attrs) {
		c.PathChanges = 1
	}
	if c.Cause == bgp.Updated && f.refreshes(had, old == id) {
		c.Cause = bgp.Refreshed
		f.heeds(had)
	}
	p.put(c)
}

func (p *Peer) tellGone(r *bgp.NLRI, at time.Time, cause bgp.Cause) {
	p.put(bgp.Change{
		Vantage: p.cfg.Vantage, Prefix: r.Prefix, PathID: r.PathID,
		At: at, First: at, Cause: cause, Withdrawn: 1,
	})
}

// tellHeld tells of a route that is held already.
func (p *Peer) tellHeld(r rib.Route, at time.Time, cause bgp.Cause) {
	p.put(bgp.Change{
		Vantage: p.cfg.Vantage, Prefix: r.Prefix, PathID: r.PathID, Attrs: p.attrs(r.ID),
		At: at, First: at, Cause: cause, Announced: 1,
	})
}

// loggedBytes is how much of a malformed UPDATE is logged: all of it, but for extended messages.
const loggedBytes = wire.MaxLen

// fault counts what is wrong with an UPDATE, and logs it, at a limited rate, where it has consequences.
func (p *Peer) fault(u *wire.Update, body []byte, at time.Time) {
	p.counts.Faults.add(u)
	if u.Verdict() == wire.OK {
		return
	}
	if !p.logRate.AllowN(at, 1) {
		p.unlogged++
		return
	}
	p.log.Warn("malformed UPDATE",
		zap.Stringer("verdict", u.Verdict()),
		zap.Stringers("faults", u.Faults()),
		zap.Int("length", len(body)),
		zap.String("body", hex.EncodeToString(body[:min(len(body), loggedBytes)])),
		zap.Int("not_logged_before", p.unlogged))
	p.unlogged = 0
}
