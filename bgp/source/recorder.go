package source

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// recorder turns the records of one file into Inputs.
type recorder struct {
	*replay
	collector string
	dump      []*recordedVantage // those with routes in the RIB dump that is being read
	dumping   bool
	at        time.Time // of the last record
	file      string
	deck      *tapeDeck // nil: the file is no tape
}

// Params of recorded messages: all families, and LOCAL_PREF is kept wherever a file has it.
func recordedParams(as4, addPath bool, peer mrtPeer) wire.Params {
	return wire.Params{
		AS4: as4, IBGP: true, Extended: true, PeerASN: peer.asn,
		Families: [bgp.NumFamilies]bool{true, true},
		AddPath:  [bgp.NumFamilies]bool{addPath, addPath},
	}
}

func (r *recorder) ignored(what string) { r.stats.ignore(what) }

func (r *recorder) message(m *mrtMessage) error {
	if r.deck != nil {
		return r.tapeMessage(m)
	}
	if err := r.endDump(); err != nil {
		return err
	}
	switch {
	case m.update == nil:
		r.ignored("BGP message other than UPDATE")
		return nil
	case m.local:
		r.ignored("message sent to a peer")
		return nil
	}
	v, err := r.vantage(m.peer, m.at)
	if err != nil {
		return err
	}
	return r.update(v, m)
}

// vantage finds who spoke. Whoever speaks is up.
func (r *recorder) vantage(peer mrtPeer, at time.Time) (*recordedVantage, error) {
	v := r.vantages.get(r.collector, peer)
	if v.up {
		return v, nil
	}
	v.up = true
	return v, r.put(bgp.SessionUp{Vantage: v.Vantage, At: at, Families: bgp.Families[:], Recorded: true})
}

func (r *recorder) update(v *recordedVantage, m *mrtMessage) error {
	u, params := &r.scanned, recordedParams(m.as4, m.addPath, m.peer)
	var bad error
	if params.Scan(m.update, u) == wire.SessionReset {
		bad = malformed(u.Err().Reason)
		// The collector did not end its session over it: what stands before the fault was learnt.
		if faults := u.Faults(); params.Scan(m.update[:faults[len(faults)-1].Offset], u) == wire.SessionReset {
			return bad
		}
	}
	r.stats.Faults.add(u)
	r.countOthers(m, u)
	if f, ok := u.EndOfRIB(); ok && bad == nil {
		return r.endOfRIB(v, f, m.at)
	}
	if err := r.routes(v, u, m.at); err != nil {
		return err
	}
	return bad
}

// countOthers counts the routes of families that are not learnt, which an UPDATE may hold beside or instead of others.
func (r *recorder) countOthers(m *mrtMessage, u *wire.Update) {
	for _, f := range u.Faults() {
		if f.Reason != wire.ReasonFamily {
			continue
		}
		attrs, _, err := splitUpdate(m)
		if err != nil {
			return
		}
		if f.Attr == typeMPReach {
			r.stats.OtherAnnounced += attrs.reach.count(m.addPath)
		} else {
			r.stats.OtherWithdrawn += attrs.unreach.count(m.addPath)
		}
	}
}

// routes takes in what an UPDATE withdraws and announces.
func (r *recorder) routes(v *recordedVantage, u *wire.Update, at time.Time) error {
	for n := range u.Withdrawn {
		r.stats.Withdrawn++
		if err := r.withdraw(v, n.Prefix, n.PathID, at); err != nil {
			return err
		}
	}
	attrs := blocks{in: &r.vantages.interner}
	defer attrs.done()
	family, cause := bgp.Family(bgp.NumFamilies), bgp.Updated
	get := func() rib.ID { return attrs.id(u, family) }
	for n := range u.Announced {
		r.stats.Announced++
		if f := bgp.FamilyOf(n.Prefix); f != family {
			family, cause = f, v.first[f].cause(at)
		}
		if err := r.learn(v, n.Prefix, n.PathID, get, at, cause); err != nil {
			return err
		}
	}
	return nil
}

// endOfRIB is told only where the beginning of the table was seen too, and all of it that is watched was kept.
func (r *recorder) endOfRIB(v *recordedVantage, f bgp.Family, at time.Time) error {
	if !v.first[f].on {
		return nil
	}
	v.first[f].end()
	if v.first[f].part {
		return nil
	}
	return r.put(bgp.EndOfRIB{Vantage: v.Vantage, Family: f, At: at})
}

func (r *recorder) state(s *mrtState) error {
	if r.deck != nil {
		return r.tapeState(s)
	}
	if err := r.endDump(); err != nil {
		return err
	}
	r.stats.States++
	reason := fmt.Sprintf("recorded session state %d after %d", s.to, s.from)
	return r.session(s.peer, s.to == mrtEstablished, s.from == mrtEstablished, reason, s.at)
}

// session takes in that a session came up, or was lost.
func (r *recorder) session(peer mrtPeer, up, down bool, reason string, at time.Time) error {
	if !up && !down {
		return nil
	}
	v := r.vantages.get(r.collector, peer)
	was := v.up
	v.clear()
	if v.up = up; up {
		v.settle(at)
		return r.put(bgp.SessionUp{Vantage: v.Vantage, At: at, Families: bgp.Families[:], Recorded: true})
	}
	if !was {
		return nil
	}
	return r.put(bgp.SessionDown{Vantage: v.Vantage, At: at, Reason: reason})
}

// learn takes in one announced route, if it is watched. attrs interns its attributes.
func (r *replay) learn(v *recordedVantage, p netip.Prefix, pathID uint32, attrs func() rib.ID, at time.Time, cause bgp.Cause) error {
	watched := r.watches(p)
	if !watched && !r.opts.Watched.ByPath() {
		return nil
	}
	path := func() *bgp.Path { return decoded(&r.vantages.interner, attrs()).Path }
	if v.home != 0 && within(path(), v.home) || !watched && !r.opts.Watched.MatchPath(path()) {
		return r.withdraw(v, p, pathID, at) // it may have been watched for the path that this one replaces
	}
	return r.announce(v, p, pathID, attrs(), at, cause)
}

// within says whether a route has not left an AS: it came from there, or from somebody behind it who has no public ASN.
func within(path *bgp.Path, home uint32) bool {
	for _, s := range path.Segments {
		if s.Type != bgp.ASSequence && s.Type != bgp.ASSet {
			continue // of the confederation that the AS is
		}
		if slices.ContainsFunc(s.ASNs, func(asn uint32) bool { return asn != home && !bgp.IsPrivate(asn) }) {
			return false
		}
	}
	return true
}

// announce tells one route, and keeps it.
func (r *replay) announce(v *recordedVantage, p netip.Prefix, pathID uint32, id rib.ID, at time.Time, cause bgp.Cause) error {
	old, had := v.table.Announce(p, pathID, id, at)
	defer r.vantages.interner.Release(old)
	c := bgp.Change{
		Vantage: v.Vantage, Prefix: p, PathID: pathID, Attrs: decoded(&r.vantages.interner, id),
		At: at, First: at, Cause: cause, Announced: 1,
	}
	if !had {
		v.first[bgp.FamilyOf(p)].grew(at)
	} else if old != id && !samePath(decoded(&r.vantages.interner, old), c.Attrs) {
		c.PathChanges = 1
	}
	return r.put(c)
}

// withdraw tells that a route has gone, if it was there.
func (r *replay) withdraw(v *recordedVantage, p netip.Prefix, pathID uint32, at time.Time) error {
	if r.gone != nil {
		r.gone(v, p, pathID, at)
	}
	old, had := v.table.Withdraw(p, pathID)
	if !had {
		return nil
	}
	r.vantages.interner.Release(old.ID)
	cause := v.first[bgp.FamilyOf(p)].cause(at)
	return r.put(bgp.Change{
		Vantage: v.Vantage, Prefix: p, PathID: pathID, At: at, First: at, Cause: cause, Withdrawn: 1,
	})
}
