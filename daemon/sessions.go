package daemon

import (
	"slices"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// sessions is which sessions must be judged, now or at a time.
type sessions struct {
	touched []*vantage
	wake    map[*vantage]time.Time
	first   time.Time // of wake, unless stale
	stale   bool
}

func (s *sessions) touch(v *vantage) { s.touched = append(s.touched, v) }

// next is when time alone may change what holds of a session; zero when it cannot.
func (s *sessions) next() time.Time {
	if s.stale {
		s.first, s.stale = time.Time{}, false
		for _, t := range s.wake {
			s.first = earliest(s.first, t)
		}
	}
	return s.first
}

// due touches the sessions whose time has come.
func (s *sessions) due(vs *vantages, now time.Time) {
	if first := s.next(); first.IsZero() || first.After(now) {
		return
	}
	for _, v := range vs.list { // not over the map: in the same order every time
		if at, ok := s.wake[v]; ok && !at.After(now) {
			s.touch(v)
		}
	}
}

// at asks for a session to be judged again; the zero time withdraws that.
func (s *sessions) at(v *vantage, t time.Time) {
	if t.Equal(s.wake[v]) {
		return
	}
	s.stale = true
	if t.IsZero() {
		delete(s.wake, v)
		return
	}
	if s.wake == nil {
		s.wake = map[*vantage]time.Time{}
	}
	s.wake[v] = t
}

// expect makes a configured peer known, from now on: one that connects to its neighbour is missed if it does not come up.
func (e *engine) expect(bv *bgp.Vantage, p config.Peer, now time.Time) {
	dynamic := p.Dynamic.IsValid()
	e.await(bgp.Awaited{Vantage: bv, At: now, Active: !p.Passive && !dynamic, Dynamic: dynamic}, p.Labels)
}

func (e *engine) await(in bgp.Awaited, labels map[string]string) {
	if e.tap != nil {
		e.tap(in)
	}
	bv, now := in.Vantage, in.At
	if old := e.vantages.named(bv.Name); old != nil && old.Vantage != bv {
		e.replace(old, bv, now)
	}
	delete(e.forgotten, bv.Name)
	delete(e.missed, bv.Name)
	v := e.vantages.of(bv)
	v.labels = labels
	if in.Active && !v.active && !v.everUp {
		v.since = time.Time{} // it is missed from now on
	}
	v.active, v.dynamic = in.Active, in.Dynamic
	if v.since.IsZero() {
		scope := incident.Scope{Kind: incident.Session, Subject: v.Name}
		v.since = now
		if began := e.book.Began(scope, notice.SessionDown); !began.IsZero() {
			v.since = began // down since before a restart
		}
		v.everUp = e.book.Has(scope)
	}
	e.sessions.touch(v)
}

// replace gives a vantage whose configuration changed its new identity. What it showed is unknown, as after a loss.
func (e *engine) replace(v *vantage, by *bgp.Vantage, now time.Time) {
	for _, f := range bgp.Families {
		e.lose(v, f)
	}
	delete(e.vantages.by, v.Vantage)
	if v.up {
		v.since, v.reason = now, "its configuration changed" // the hold begins now, not when it came up
		// What the old session itself says of its end is not heard.
		e.record(event{at: now, typ: notice.SessionDown, severity: notice.Warning, peer: v.Name, detail: v.reason})
	}
	v.Vantage, v.up, v.limit = by, false, detect.Limit{}
	v.leaked = detect.Leaked{}
	v.drops = [bgp.NumFamilies]detect.Drop{}
	e.vantages.by[by] = v
}

// judgeSessions says what is wrong with sessions.
func (e *engine) judgeSessions(now time.Time) {
	e.sessions.due(&e.vantages, now)
	touched := e.sessions.touched
	e.sessions.touched = nil
	for _, v := range touched {
		e.judgeSession(v, now)
	}
}

func (e *engine) judgeSession(v *vantage, now time.Time) {
	scope := incident.Scope{Kind: incident.Session, Subject: v.Name}
	if e.vantages.by[v.Vantage] == nil {
		e.tell(e.book.Remove(scope, now), now)
		e.sessions.at(v, time.Time{})
		return
	}
	findings, recheck := detect.Sessions([]detect.Peer{e.peer(v)}, now)
	v.blind = slices.ContainsFunc(findings, func(f bgp.Finding) bool { return f.Type == notice.FeedStale })
	e.tell(e.book.Reconcile(scope, e.held(findings), now, incident.World{Labels: v.labels, Sight: v.told, Connections: e.connections[v.Name]}), now)
	e.sessions.at(v, earliest(recheck, e.book.Due(scope)))
}

// peer is the session as the detectors want it.
func (e *engine) peer(v *vantage) detect.Peer {
	p := detect.Peer{
		Name: v.Name, Addr: v.Addr, ASN: v.ASN, Foreign: !v.Own(), Enabled: true, Active: v.active, Dynamic: v.dynamic,
		Established: v.up, WasUp: v.everUp, Since: v.since, Reason: e.reasonOf(v),
		Limit: v.limit, Leaked: v.leaked, Drops: v.drops, PathSettle: e.settings.PathSettle, Activity: v.activity, FeedLast: e.vantages.last[v.Collector],
	}
	for _, f := range bgp.Families {
		if s := &v.families[f]; v.endDue && s.spoken && !s.synced {
			p.Due = append(p.Due, f)
		}
	}
	return p
}

// told says what is known of a session's own incidents: after a restart nothing, until it has shown its table.
func (v *vantage) told(string) incident.Sight {
	for _, f := range v.families {
		if v.up && v.Own() && f.spoken && !f.synced {
			return incident.Lost
		}
	}
	if !v.risen {
		return incident.Lost
	}
	return incident.InSync
}

// noteActivity keeps how often a vantage changes anything, to know when it is silent for too long. A table that a neighbour
// shows again is a sign of life; a dump of what a collector holds is none, neither of its peers nor of their feed.
func (e *engine) noteActivity(v *vantage, c bgp.Change) {
	if c.Cause != bgp.Updated {
		if !v.recorded {
			v.activity.Rise(c.At)
		}
		return
	}
	e.vantages.last[v.Collector] = c.At
	if v.activity.Note(c.At) || v.blind {
		e.sessions.touch(v)
	}
}

// touchSession asks for the session of an open incident to be judged; one that nobody knows any more is removed.
func (e *engine) touchSession(s incident.Scope) {
	v := e.vantages.named(s.Subject)
	if v == nil && e.known.mayReturn(s.Subject) {
		return // a dynamic neighbour that has not come back yet
	}
	if v == nil {
		v = &vantage{Vantage: &bgp.Vantage{Name: s.Subject}}
	}
	e.sessions.touch(v)
}
