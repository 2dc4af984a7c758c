package daemon

import (
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/bgp/rib"
	"peervane/bgp/rpki"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/join"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// engine owns all watched state: what the vantages show, the incidents, the latency plane. One goroutine calls it; it
// holds no socket, and time comes in as a value, so that a replay gives the same notices every time.
type engine struct {
	log         *zap.Logger
	cfg         *config.Config
	settings    *detect.Settings
	regs        *registry
	table       table
	bench       bench
	verdicts    detect.Verdicts
	vantages    vantages
	known       knownPeers
	connections map[string][]string // that each peer serves, by its name
	forgotten   map[string]bool     // vantages that are gone, and may come back only as new ones
	missed      missed
	agenda      agenda
	sessions    sessions
	book        *incident.Book
	plane       join.Plane
	rollups     rollups
	places      places
	pops        pops
	reigns      reigns
	watching    *rib.Watched // what the sources were last asked for; nil: everything
	uplink      uplink
	whyDown     func(peer string) string // why a session never came up; nil: not known, as in a replay
	rpki        dataAge
	channels    channels
	costs       []openCost
	costsLooked time.Time                // when they were compared last
	movements   map[string]movement      // of incidents, by id
	ended       []string                 // those of them that have ended, in that order
	suffering   map[string][]bgp.Finding // of POPs, where it came with a change of a route
	echoes      []echo                   // of what was told of POPs
	traces      traces
	trailsKept  time.Time                 // when they were written last
	locals      map[netip.Addr]netip.Addr // which source the system chooses for an address
	reloaded    map[scope]bool            // to be judged for the first time under a new configuration
	configured  int                       // how many configurations were in force before this one
	young       []*registration           // that came with a reload: not all sessions may have told of them
	source      string                    // how this host is named in notices
	judged      time.Time                 // when judge was called last

	tap func(bgp.Input) // hears all that vantages tell; nil: nobody records

	localDrops uint64 // probes that this host dropped itself
	out        output
}

// output is what the engine has to tell since it was last taken.
type output struct {
	notices  []notice.Notice
	heard    time.Time       // when the first of the changes was read that led to one of them; zero: none did
	memories []*registration // whose memory changed
	events   []event
	latency  []store.Latency
	bursts   []netip.Addr // POP addresses to measure at once
	burstAll bool         // all of them
	traces   []path       // to follow now
	trails   []join.Trails
	reigns   []byte // which POPs are the nearest; nil: as it was
}

func newEngine(cfg *config.Config, o incident.Options, replay bool, log *zap.Logger) *engine {
	e := &engine{log: log, book: incident.NewBook(o), source: o.Source, rollups: rollups{}, movements: map[string]movement{}, suffering: map[string][]bgp.Finding{}}
	e.traces = traces{good: map[path]tracedPath{}, waiting: map[string]time.Time{}}
	e.adopt(e.plan(cfg, replay))
	return e
}

// adopt puts a configuration in force. Memories of registrations that stay go on.
func (e *engine) adopt(p *plan) {
	p.settings.RPKI = &rpki.Set{}
	if before := e.settings; before != nil {
		e.configured++
		p.settings.RPKI = before.RPKI
	}
	e.cfg, e.settings, e.regs = p.cfg, p.settings, p.regs
	for _, c := range p.changed {
		c.Policy, c.Connection = c.policy, c.connection
	}
	for _, reg := range p.added {
		reg.born = e.configured
	}
	e.known, e.connections = knownPeersOf(p.cfg), connectionsOf(p.cfg)
	e.pops.configure(p.cfg)
	e.places = placesOf(p.cfg)
	e.plane.Settle = p.cfg.Detect.PathSettle
	e.rpki.touched = true
}

// input takes in what a source tells. Nothing is judged before judge is called, but what a session shows before it rises or falls.
func (e *engine) input(in bgp.Input) {
	switch in := in.(type) {
	case bgp.Standing:
		e.stand(in)
		return
	case bgp.Awaited:
		e.await(in, e.labelsOf(in.Vantage.Name))
		return
	}
	v := e.vantage(in)
	if v == nil {
		return // of a session that was replaced
	}
	if e.tap != nil {
		e.tap(in)
	}
	switch in.(type) {
	case bgp.SessionUp, bgp.SessionDown, bgp.StaleLost, bgp.Gone:
		e.lastWords(v, in.When())
	}
	switch in := in.(type) {
	case bgp.Change:
		if !v.recorded { // a feed says when its collector heard it, not when we did
			e.agenda.heard = in.First
		}
		e.change(v, in)
		e.agenda.heard = time.Time{}
	case bgp.SessionUp:
		e.sessionUp(v, in)
	case bgp.SessionDown:
		e.sessionDown(v, in)
	case bgp.StaleLost:
		e.lose(v, in.Family)
	case bgp.EndOfRIB:
		e.endOfRIB(v, in)
	case bgp.Gone:
		e.gone(v)
	case bgp.TableDropped:
		v.drops[in.Family] = detect.Drop{}
		if in.Dropped {
			v.drops[in.Family] = detect.Drop{Since: in.At, Before: in.Before, Routes: in.Routes}
		}
		e.sessions.touch(v)
	case bgp.LeakedTable:
		v.takeLeaks(in)
		e.sessions.touch(v)
	case bgp.LimitExceeded:
		v.limit = detect.Limit{Exceeded: in.Exceeded, Prefixes: in.Prefixes, Most: in.Limit, Since: in.At}
		e.sessions.touch(v)
	}
}

// vantage finds whose input it is. Collectors' peers are made known as they come; our own sessions are known before, or
// were replaced.
func (e *engine) vantage(in bgp.Input) *vantage {
	bv := in.Of()
	if v := e.vantages.by[bv]; v != nil || bv.Own() {
		return v
	}
	return e.vantages.of(bv)
}

func (e *engine) change(v *vantage, c bgp.Change) {
	if !e.watches(c) {
		return
	}
	old := e.table.apply(v, c)
	e.recordChange(v, c, old)
	e.noteFlap(v, c)
	e.noteActivity(v, c)
	if c.Cause == bgp.Initial && v.Own() {
		e.touchWith(c.Prefix, e.agenda.show)
		return
	}
	e.touch(c.Prefix)
}

// touch asks for everything to be judged that a change of a prefix may concern: its own scope, and, where it covers
// registered prefixes or POPs, those.
func (e *engine) touch(p netip.Prefix) { e.touchWith(p, e.agenda.touch) }

func (e *engine) touchWith(p netip.Prefix, ask func(scope)) {
	if reg := e.regs.judges(p); reg != nil {
		ask(scope{reg.Prefix, p})
		if half := otherHalf(p); p != reg.Prefix && e.table.get(half) != nil && e.regs.judges(half) == reg {
			ask(scope{reg.Prefix, half}) // it shows what p is half of
		}
	}
	if p.Bits() > 0 { // default routes do not count as covering
		for reg := range e.regs.inside(p) {
			ask(scope{reg.Prefix, reg.Prefix})
		}
	}
	e.pops.touch(p)
}

func (e *engine) sessionUp(v *vantage, up bgp.SessionUp) {
	v.rise(up)
	for _, f := range bgp.Families {
		if !v.families[f].kept {
			e.lose(v, f)
		}
	}
	e.sessions.touch(v)
	e.record(event{at: up.At, typ: "session_up", severity: notice.Info, peer: v.Name})
}

func (e *engine) sessionDown(v *vantage, down bgp.SessionDown) {
	v.fall(down)
	for _, f := range bgp.Families {
		if !v.families[f].kept {
			e.lose(v, f)
		}
	}
	e.sessions.touch(v)
	e.record(event{at: down.At, typ: "session_down", severity: notice.Warning, peer: v.Name, detail: down.Reason})
}

// lose makes what a vantage showed of a family unknown. That resolves nothing: the book remembers what it showed.
func (e *engine) lose(v *vantage, f bgp.Family) {
	v.families[f].kept, v.families[f].synced = false, false
	ask := e.agenda.touch
	if v.Own() { // as its first table, it holds up nobody else's changes
		ask = e.agenda.show
	}
	e.table.forget(v, f, func(p netip.Prefix) { e.touchWith(p, ask) })
	e.touchFamily(f)
}

func (e *engine) gone(v *vantage) {
	e.forget(v.Name)
	for _, f := range bgp.Families {
		e.lose(v, f)
	}
	e.vantages.drop(v)
	e.sessions.touch(v)
}

// endOfRIB takes that a vantage has shown a family whole. Where it had before, only what was registered since is news.
func (e *engine) endOfRIB(v *vantage, in bgp.EndOfRIB) {
	f := in.Family
	was := v.families[f]
	whole := e.configured
	if e.settings.Replay && !v.Relived {
		whole = unrecorded // its recording has all that it showed
	}
	v.sync(f, whole, in.At)
	e.recordStrayed(v, f, in.At)
	e.sessions.touch(v)
	if !was.synced || was.kept {
		e.touchFamily(f)
		return
	}
	e.young = slices.DeleteFunc(e.young, func(reg *registration) bool { return e.regs.exact(reg.Prefix) != reg })
	for _, reg := range e.young {
		if reg.born > was.whole && bgp.FamilyOf(reg.Prefix) == f && !reg.Policy.Ignore {
			e.agenda.review(scope{reg.Prefix, reg.Prefix})
		}
	}
	e.touchOpen(func(s incident.Scope) bool {
		reg := e.regs.exact(s.Prefix)
		return bgp.FamilyOf(s.Offending) == f && reg != nil && reg.born > was.whole
	})
}

// touchFamily asks for all to be judged again that depends on which vantages are in sync: the absence of every
// registered prefix, and all scopes with an open incident.
func (e *engine) touchFamily(f bgp.Family) {
	e.agenda.reviewAll(f, e.cfg.Prefixes)
	e.touchOpen(func(s incident.Scope) bool { return bgp.FamilyOf(s.Offending) == f })
}

// touchOpen asks for the scopes of open incidents about routes to be judged again.
func (e *engine) touchOpen(which func(incident.Scope) bool) {
	for _, s := range e.book.Open(incident.Routing) {
		if which(s) {
			e.agenda.review(scope{s.Prefix, s.Offending})
		}
	}
}

// tickBook tells what is due by the clock alone.
func (e *engine) tickBook(now time.Time) {
	if due := e.book.Next(); due.IsZero() || due.After(now) {
		return
	}
	notices, ended := e.book.Tick(now)
	e.tell(notices, now)
	for _, s := range ended {
		if s.Kind == incident.Routing {
			e.agenda.touch(scope{s.Prefix, s.Offending})
		}
	}
}

// tell puts notices out, and opens an account of the cost for each routing incident that fires.
func (e *engine) tell(notices []notice.Notice, now time.Time) {
	e.out.notices = append(e.out.notices, notices...)
	for _, n := range notices {
		e.recordIncident(&n)
		e.traceFor(&n, now)
		e.account(n, now)
		e.noteMovement(&n, now)
	}
}

// take gives what there is to tell, and forgets it.
func (e *engine) take() output {
	out := e.out
	e.out = output{}
	if out.burstAll && e.cfg.Probe.Burst {
		out.bursts = e.pops.all()
	}
	return out
}

// reuse takes back the room of an output that was published.
func (e *engine) reuse(out output) {
	const most = 256 // a burst's memory is not kept
	if cap(out.events) <= most && e.out.events == nil {
		clear(out.events)
		e.out.events = out.events[:0]
	}
}

// next is when judge has something to do; false when only an input can change anything.
func (e *engine) next() (time.Time, bool) {
	scoped, _ := e.agenda.next()
	scoped = earliest(scoped, e.book.Next())
	at := earliest(earliest(scoped, e.sessions.next()), earliest(e.costsDue(), earliest(earliest(e.rpki.due, e.channels.due), earliest(e.reigns.due, earliest(e.uplink.due, e.missed.next())))))
	return at, !at.IsZero()
}

// earliest is the first of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
