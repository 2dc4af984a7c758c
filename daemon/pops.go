package daemon

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/join"
	"peervane/probe"
)

// pops watches the way to each POP address in the routing tables, and what the probes measure of it.
type pops struct {
	byName  map[string]*pop
	names   []string // in the order of the configuration
	touched []*pop
}

// pop is one point of presence.
type pop struct {
	name  string
	addrs map[netip.Addr]popWay // each address that is probed, with the way to it as the vantages show it
	stale bool                  // the routes to it changed since it was last looked at
	heard bool                  // a batch came since it was last judged
	found []bgp.Finding         // when it was last judged
	told  []bgp.Finding         // of found, what an incident of the POP tells
}

// popWay is how our own sessions reach an address: for each of them the routes of the longest matching prefix.
type popWay struct {
	text   string // the same for the same way
	routes []bgp.Seen
	last   map[string]bgp.Seen // the best route of each session, as it was when that was last in sight
}

// configure keeps what is known of the POPs that stay.
func (ps *pops) configure(cfg *config.Config) {
	old := ps.byName
	ps.byName, ps.names, ps.touched = map[string]*pop{}, nil, nil
	for _, c := range cfg.POPs {
		p := old[c.Name]
		if p == nil {
			p = &pop{name: c.Name, addrs: map[netip.Addr]popWay{}}
		}
		if c.Address.IsValid() {
			if _, known := p.addrs[c.Address]; !known {
				p.addrs = map[netip.Addr]popWay{c.Address: {}}
			}
		}
		ps.byName[c.Name] = p
		ps.names = append(ps.names, c.Name)
	}
}

// probed takes the targets that are probed now: their addresses are watched in the tables, what others measured is forgotten.
func (e *engine) probed(targets []probe.Target, locals map[netip.Addr]netip.Addr, now time.Time) {
	e.locals = locals
	flows := map[join.Flow]bool{}
	addrs := map[string]map[netip.Addr]popWay{}
	for _, t := range targets {
		flows[flowOf(t)] = true
		p := e.pops.byName[t.POP]
		if p == nil {
			continue // of a configuration that is not in force any more
		}
		if addrs[t.POP] == nil {
			addrs[t.POP] = map[netip.Addr]popWay{}
		}
		way, known := p.addrs[t.Addr]
		if !known {
			way = e.wayTo(t.Addr)
			way.last = way.best()
			e.plane.InUse(t.Addr, way.first(), now)
		}
		addrs[t.POP][t.Addr] = way
	}
	for name, a := range addrs {
		e.pops.byName[name].addrs = a
	}
	e.out.latency = append(e.out.latency, e.rollups.retain(targets)...)
	e.uplink.ways = len(flows)
	e.uplink.touched, e.reigns.touched = true, true // what is probed no more must not keep an incident open
	e.retainTraces(flows)
	for _, change := range e.plane.Retain(flows, now) {
		e.nearest(change, now)
	}
}

func flowOf(t probe.Target) join.Flow {
	return join.Flow{POP: t.POP, Service: t.Service, Addr: t.Addr, Method: string(t.Method), Source: t.Source}
}

// watched are the addresses whose routes matter.
func (ps *pops) watched() []netip.Prefix {
	var out []netip.Prefix
	for _, name := range ps.names {
		for addr := range ps.byName[name].addrs {
			out = append(out, netip.PrefixFrom(addr.WithZone(""), addr.BitLen()))
		}
	}
	return out
}

// all are the addresses that are probed.
func (ps *pops) all() (out []netip.Addr) {
	for _, name := range ps.names {
		for addr := range ps.byName[name].addrs {
			out = append(out, addr)
		}
	}
	return out
}

// touch notes that routes of a prefix changed.
func (ps *pops) touch(p netip.Prefix) {
	for _, name := range ps.names {
		pop := ps.byName[name]
		if pop.stale {
			continue
		}
		for addr := range pop.addrs {
			if p.Contains(addr) {
				pop.stale = true
				ps.touched = append(ps.touched, pop)
				break
			}
		}
	}
}

// batch takes in what a round of probes measured.
func (e *engine) batch(b probe.Batch) {
	p := e.pops.byName[b.Target.POP]
	if p == nil {
		return // taken out of the configuration while the batch was under way
	}
	e.localDrops += uint64(b.LocalDrop)
	if b.Sent > 0 {
		e.out.latency = append(e.out.latency, e.rollups.add(wayOf(b.Target), &b.Sample)...)
	}
	if change, changed := e.plane.Add(flowOf(b.Target), b.Sample); changed {
		e.nearest(change, b.Ended)
	}
	if e.cfg.Probe.Burst && e.plane.Wants(flowOf(b.Target)) {
		e.out.bursts = append(e.out.bursts, b.Target.Addr)
	}
	e.uplink.touched = true
	e.reigns.touched = e.reigns.touched || slices.Contains(e.reigns.waits, p.name)
	if !p.heard {
		p.heard = true
		e.pops.touched = append(e.pops.touched, p)
	}
}

// judgePOPs asks for a burst where the way to a POP changed, and judges whether it can be reached.
func (e *engine) judgePOPs(now time.Time) {
	touched := e.pops.touched
	e.pops.touched = nil
	for _, p := range touched {
		if p.stale {
			e.followRoutes(p, now)
		}
		scope := incident.Scope{Kind: incident.Probing, Subject: p.name}
		switch {
		case e.pops.byName[p.name] != p:
			e.suffer(p.name, nil)
			e.tell(e.book.Remove(scope, now), now)
		case p.heard && !e.plane.Undecided(p.name):
			e.judgePOP(p, scope, now)
		}
		p.stale, p.heard = false, false
	}
}

func (e *engine) judgePOP(p *pop, at incident.Scope, now time.Time) {
	e.touchCostly(p.found)
	p.found = e.plane.Findings(p.name, e.registeredSource)
	e.touchCostly(p.found)
	e.suffer(p.name, p.found)
	findings := e.held(e.joined(slices.Clone(p.found), now))
	e.tell(e.book.Reconcile(at, findings, now, incident.World{Remains: e.routeRemains}), now)
	e.noteEchoes(p, at, now)
}

// registeredSource is the registered prefix that an address of ours lies in.
func (e *engine) registeredSource(source netip.Addr) netip.Prefix {
	if !source.IsValid() {
		return netip.Prefix{}
	}
	if reg := e.regs.owner(netip.PrefixFrom(source, source.BitLen())); reg != nil {
		return reg.Prefix
	}
	return netip.Prefix{}
}

// followRoutes begins a new path epoch where the way to a POP changed.
func (e *engine) followRoutes(p *pop, now time.Time) {
	for addr, was := range p.addrs {
		way := e.wayTo(addr)
		way.last = was.last
		if way.text == was.text {
			p.addrs[addr] = way
			continue
		}
		e.plane.InUse(addr, way.first(), now)
		moves := e.movesTo(&way, addr, now)
		p.addrs[addr] = way
		for _, m := range moves {
			e.plane.Moved(addr, m)
		}
		if e.cfg.Probe.Burst {
			e.out.bursts = append(e.out.bursts, addr)
		}
	}
}

// movesTo finds at which sessions the route in use moved, in the order of the sessions. A session that is lost, and a table that
// is being told, show no move: what they hold is compared once it is known again.
func (e *engine) movesTo(way *popWay, addr netip.Addr, now time.Time) (moves []join.Move) {
	best, first := way.best(), len(way.last) == 0
	last := map[string]bgp.Seen{}
	for _, v := range e.vantages.list {
		old, known := way.last[v.Name]
		route, family := best[v.Name], &v.families[bgp.FamilyOf(netip.PrefixFrom(addr, addr.BitLen()))]
		withTable := !family.synced || !route.Since.After(family.at)
		switch {
		case !v.Own():
			continue
		case route.Attrs == nil && (!v.up || !family.synced):
			route = old // out of sight
		case !known && (first || withTable), join.SameWay(old, route):
		default:
			moves = append(moves, join.Move{At: now, Old: old, New: route})
		}
		if route.Attrs != nil {
			last[v.Name] = route
		}
	}
	way.last = last
	return moves
}

// wayTo tells how our own sessions reach an address.
func (e *engine) wayTo(addr netip.Addr) (w popWay) {
	var b strings.Builder
	found := map[*vantage]bool{}
	host := netip.PrefixFrom(addr, addr.BitLen())
	for p, entry := range e.table.byPrefix.Supernets(host) { // the longest first
		for _, h := range entry.held {
			if h.attrs == nil || !h.vantage.Own() || found[h.vantage] {
				continue
			}
			for _, path := range entry.of(h.vantage) {
				if path.attrs != nil {
					describeWay(&b, h.vantage, p, path.attrs)
					w.routes = append(w.routes, bgp.Seen{Vantage: h.vantage.Vantage, Prefix: p, PathID: path.pathID, Attrs: path.attrs, Since: path.since})
				}
			}
			found[h.vantage] = true
		}
	}
	w.text = b.String()
	return w
}

func describeWay(b *strings.Builder, v *vantage, p netip.Prefix, a *bgp.Attrs) {
	for _, part := range [...]string{v.Name, p.String(), a.Path.String(), a.NextHop.String()} {
		b.WriteString(part)
		b.WriteByte('|')
	}
}

// best gives the best route of each session, by name.
func (w popWay) best() map[string]bgp.Seen {
	by := map[string][]detect.Held{}
	for _, r := range w.routes {
		by[r.Vantage.Name] = append(by[r.Vantage.Name], detect.Held{Seen: r})
	}
	out := map[string]bgp.Seen{}
	for name, routes := range by {
		detect.Sort(routes)
		out[name] = routes[0].Seen
	}
	return out
}

// first is the best route of the first session that has one of the longest prefix.
func (w popWay) first() bgp.Seen {
	if len(w.routes) == 0 {
		return bgp.Seen{}
	}
	return w.best()[w.routes[0].Vantage.Name]
}

// touchPOP asks for the POP of an open incident to be judged once it was measured again; one that is no longer configured
// is removed.
func (e *engine) touchPOP(s incident.Scope) {
	if e.pops.byName[s.Subject] == nil {
		e.pops.touched = append(e.pops.touched, &pop{name: s.Subject})
	}
}
