package daemon

import (
	"context"
	"maps"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/bgp/rib"
	"peervane/bgp/session"
	"peervane/bgp/source"
	"peervane/bgp/wire"
	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// peers is the set of our own sessions: it starts and ends them as the configuration asks, and gathers what they tell. The
// engine's goroutine calls set and take; neighbours in a dynamic range are added on the goroutines of the listener.
type peers struct {
	log      *zap.Logger
	wake     chan struct{}
	listener *session.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context // of the sessions; nil before run and after it
	watched *rib.Watched
	byName  map[string]*peer
	order   []string
	ranges  map[string]config.Peer // dynamic neighbours, by name
	routing config.Daemon
	judging leakRules
	leaks   func(*bgp.Vantage) source.LeakJudge // of whole tables; nil before the first configuration
	parting []*peer                             // taken out of the configuration, until they have ended and were read empty
	arrived []*peer                             // dynamic neighbours that the engine does not know yet
}

// peer is one session and the configuration that it was made for.
type peer struct {
	*source.Peer
	config  config.Peer
	cancel  context.CancelCauseFunc // nil while it does not run
	ended   chan struct{}
	removed bool // by the configuration: it is gone for good, not lost

	told []bgp.Input // and not handed to the engine yet, whose goroutine owns it

	askedAgain time.Time // for all its routes, by hand
}

func newPeers(log *zap.Logger, wake chan struct{}) *peers {
	return &peers{log: log.Named("bgp"), wake: wake, byName: map[string]*peer{}, ranges: map[string]config.Peer{}}
}

// run keeps the sessions until ctx ends, and waits for them.
func (ps *peers) run(ctx context.Context) error {
	ps.mu.Lock()
	ps.ctx = ctx
	for _, name := range ps.order {
		ps.start(ps.byName[name])
	}
	ps.mu.Unlock()
	idle := time.NewTicker(forgetEvery)
	defer idle.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-idle.C:
			ps.mu.Lock()
			ps.forgetIdle(now)
			ps.mu.Unlock()
		}
	}
	ps.mu.Lock()
	ps.ctx = nil
	ps.mu.Unlock()
	ps.running.Wait()
	return nil
}

// set applies a configuration: sessions that did not change are left untouched, but for the set of watched routes.
func (ps *peers) set(cfg *config.Config, e *engine, now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	sameID := ps.routing.RouterID == cfg.Daemon.RouterID
	ps.routing, ps.watched = cfg.Daemon, e.watchedSet()
	if rules := (leakRules{cfg.Detect, cfg.Neighbours, cfg.Daemon.ASN}); !reflect.DeepEqual(rules, ps.judging) {
		ps.judging = rules
		ps.setLeaks(e.settings)
	}
	wanted := map[string]config.Peer{}
	for _, c := range cfg.Peers {
		if c.Enabled {
			wanted[c.Name] = c
		}
	}
	for _, name := range append([]string(nil), ps.order...) {
		p := ps.byName[name]
		want, ok := wanted[p.config.Name]
		switch {
		case !ok || !sameID || !sameSession(want, p.config):
			ps.remove(name, ok && returns(p, want))
		default:
			p.config = want
		}
	}
	ps.setRanges(wanted)
	for _, c := range cfg.Peers {
		if !c.Enabled || c.Dynamic.IsValid() {
			continue
		}
		p := ps.byName[c.Name]
		if p == nil {
			p = ps.add(c.Name, c, c.Address)
			ps.hear(c, netip.PrefixFrom(c.Address.WithZone(""), c.Address.BitLen()), func(netip.Addr) *session.Session { return p.Session() })
		}
		e.expect(p.Vantage(), c, now)
	}
	for _, p := range ps.byName {
		p.SetWatched(ps.watched)
	}
}

// leakRules is all of a configuration on which it depends whether a route is leaked.
type leakRules struct {
	detect     config.Detect
	neighbours []config.Neighbour
	asn        uint32
}

// judgeLeaks has the whole tables judged by other RPKI data.
func (ps *peers) judgeLeaks(s *detect.Settings) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.setLeaks(s)
}

func (ps *peers) setLeaks(s *detect.Settings) {
	now := *s // the engine's own goes on to change
	ps.leaks = func(v *bgp.Vantage) source.LeakJudge { return now.LeaksOf(v) }
	for _, p := range ps.byName {
		p.SetLeakJudge(ps.leaks(p.Vantage()), ps.judging.detect.LeakCount)
	}
}

// sameSession says whether two configurations differ at most in what the neighbour does not see.
func sameSession(a, b config.Peer) bool {
	a.Labels, a.Description = b.Labels, b.Description
	return reflect.DeepEqual(a, b)
}

// returns says whether a session comes back under its name with another configuration.
func returns(p *peer, want config.Peer) bool {
	if !p.config.Dynamic.IsValid() || !want.Dynamic.IsValid() {
		return p.config.Dynamic.IsValid() == want.Dynamic.IsValid()
	}
	return want.Dynamic.Contains(p.Vantage().Addr.WithZone("")) // may come back
}

// watch replaces the set of watched routes of all sessions.
func (ps *peers) watch(w *rib.Watched) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.watched = w
	for _, p := range ps.byName {
		p.SetWatched(w)
	}
}

// add makes a session, and starts it if the others run.
func (ps *peers) add(name string, c config.Peer, addr netip.Addr) *peer {
	p := &peer{config: c, Peer: source.NewPeer(ps.sourceConfig(name, c, addr), ps.wake, ps.log, session.Options{})}
	if ps.leaks != nil {
		p.SetLeakJudge(ps.leaks(p.Vantage()), ps.judging.detect.LeakCount)
	}
	ps.byName[name] = p
	ps.order = append(ps.order, name)
	ps.start(p)
	return p
}

func (ps *peers) start(p *peer) {
	if ps.ctx == nil || p.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(ps.ctx)
	p.cancel, p.ended = cancel, make(chan struct{})
	ps.running.Go(func() {
		_ = p.Run(ctx) // always nil
		if p.removed {
			p.Gone(time.Now())
		}
		close(p.ended)
		signal(ps.wake)
	})
}

// remove ends a session, which tells its neighbour why, and does not wait for that. One that returns with another configuration is lost, not gone.
func (ps *peers) remove(name string, returns bool) {
	p := ps.byName[name]
	delete(ps.byName, name)
	for i, n := range ps.order {
		if n == name {
			ps.order = append(ps.order[:i:i], ps.order[i+1:]...)
			break
		}
	}
	if !p.config.Dynamic.IsValid() {
		ps.deafen(netip.PrefixFrom(p.config.Address.WithZone(""), p.config.Address.BitLen()), p.config.Interface)
	}
	p.removed = !returns
	if p.cancel == nil {
		return // it never ran
	}
	ps.parting = append(ps.parting, p)
	stopped := session.Stopped{Subcode: wire.SubPeerDeconfigured, Text: "taken out of the configuration"}
	if returns {
		stopped = session.Stopped{Subcode: wire.SubOtherConfigChange, Text: "its configuration changed"}
	}
	p.cancel(stopped)
}

func (ps *peers) sourceConfig(name string, c config.Peer, addr netip.Addr) source.PeerConfig {
	// The configuration was checked: an unknown relationship cannot come here.
	relationship, _ := bgp.ParseRelationship(c.Relationship)
	var families []bgp.Family
	for _, f := range bgp.Families {
		for _, want := range c.Families {
			if f.String() == want {
				families = append(families, f)
			}
		}
	}
	return source.PeerConfig{
		Vantage: &bgp.Vantage{Name: name, Addr: addr, ASN: c.ASN, LocalASN: c.LocalASN, Relationship: relationship},
		Session: session.Config{
			Name: name, Addr: addr, Interface: c.Interface, Port: c.Port, LocalAddr: c.LocalAddress, LocalASN: c.LocalASN, ASN: c.ASN,
			RouterID: ps.routing.RouterID, Relationship: relationship, Role: c.Role, HoldTime: c.HoldTime,
			ConnectRetry: c.ConnectRetry, Passive: c.Passive || c.Dynamic.IsValid(), TTL: c.TTL, GTSMHops: c.GTSMHops,
			Password: c.Password.Reveal(), Families: families, AddPath: c.AddPath,
		},
		Full: c.Table == "full", Watched: ps.watched, GracefulRestart: c.GracefulRestart,
		MaxPrefixes: c.MaxPrefixes, MaxPrefixesRestart: c.MaxPrefixesAction == "restart", MaxPrefixesIdle: c.MaxPrefixesIdle,
	}
}

// take gives a mouthful of what each session has to tell, says whether there may be more, and makes the engine know the neighbours
// that came of themselves.
func (ps *peers) take(e *engine, buf []bgp.Input) (_ []bgp.Input, more bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.arrived {
		e.expect(p.Vantage(), p.config, time.Now())
	}
	ps.arrived = nil
	busy := len(e.agenda.shown.list) > bite
	buf, more = ps.takeParting(buf, busy)
	for _, name := range ps.order {
		var left bool
		buf, left = ps.byName[name].tell(buf, busy)
		more = more || left
	}
	return buf, more
}

// mouthful is how much of one session the engine hears before it hears the others.
const mouthful = 256

// tell gives the next of what a session has to tell, in order, and says whether there may be more. While the engine is busy with first
// tables, a session neither rises nor falls: all that it has shown would have to be judged at once before.
func (p *peer) tell(buf []bgp.Input, busy bool) (_ []bgp.Input, more bool) {
	asked := len(p.told) == 0
	if asked {
		p.told = p.Pending().Take(nil)
	}
	n := 0
	for ; n < len(p.told) && n < mouthful; n++ {
		if _, change := p.told[n].(bgp.Change); !change && (busy || n > bite) {
			break
		}
	}
	buf, p.told = append(buf, p.told[:n]...), p.told[n:]
	if len(p.told) == 0 {
		p.told = nil
	}
	return buf, p.told != nil || !asked
}

// takeParting gives what ended sessions still have to tell, and drops those that will tell no more.
func (ps *peers) takeParting(buf []bgp.Input, busy bool) (_ []bgp.Input, more bool) {
	left := ps.parting[:0]
	for _, p := range ps.parting {
		ended := false
		select {
		case <-p.ended:
			ended = true
		default:
		}
		var tells bool
		if buf, tells = p.tell(buf, busy); tells || !ended {
			left = append(left, p)
		}
		more = more || tells
	}
	clear(ps.parting[len(left):])
	ps.parting = left
	return buf, more
}

// heard says when any neighbour was last heard, and the third of the longest hold time.
func (ps *peers) heard() (last time.Time, silence time.Duration) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.byName {
		if at := p.Status().Session.LastRead; at.After(last) {
			last = at
		}
		silence = max(silence, p.config.HoldTime/3)
	}
	return last, silence
}

// lastError is why a session is not there, as far as that is known.
func (ps *peers) lastError(name string) string {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.byName[name]; p != nil {
		return p.Status().Session.LastError
	}
	return ""
}

// picture shows every session.
func (ps *peers) picture(e *engine) []api.Peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var out []api.Peer
	for _, name := range ps.order {
		p := ps.byName[name]
		s := p.Status()
		v := p.Vantage()
		shown := api.Peer{
			Name: name, Address: v.Addr, ASN: v.ASN, Relationship: v.Relationship.String(), State: s.Session.State.String(),
			Since: notice.At(inState(s.Session, e.vantages.by[v])), LastError: s.Session.LastError, LastErrorAt: notice.At(s.Session.LastErrorAt), Updates: s.Updates, Leaked: s.Leaked,
			Spoken: map[string]bool{}, InSync: map[string]bool{}, Routes: map[string]int{}, Labels: map[string]string{},
		}
		maps.Copy(shown.Labels, p.config.Labels)
		for _, f := range bgp.Families {
			shown.Routes[f.String()], shown.InSync[f.String()] = s.Routes[f], s.Synced[f]
			shown.Spoken[f.String()] = s.Spoken[f]
		}
		out = append(out, shown)
	}
	return out
}

// inState says since when a session is in the state that it shows. One that is down is so since it was lost, however often
// it tries; but one that is Established is up from then on, also before the engine has heard of it.
func inState(s session.Status, known *vantage) time.Time {
	if s.State != session.Established && known != nil && !known.up {
		return known.since
	}
	return s.Since
}
