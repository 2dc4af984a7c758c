package daemon

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/join"
	"peervane/daemon/notice"
	"peervane/probe"
	"peervane/probe/stats"
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
	addrs map[netip.Addr]string // each address that is probed, with the way to it as the vantages show it
	stale bool                  // the routes to it changed since it was last looked at
	heard bool                  // a batch came since it was last judged
}

// configure keeps what is known of the POPs that stay.
func (ps *pops) configure(cfg *config.Config) {
	old := ps.byName
	ps.byName, ps.names, ps.touched = map[string]*pop{}, nil, nil
	for _, c := range cfg.POPs {
		p := old[c.Name]
		if p == nil {
			p = &pop{name: c.Name, addrs: map[netip.Addr]string{}}
		}
		if c.Address.IsValid() {
			if _, known := p.addrs[c.Address]; !known {
				p.addrs = map[netip.Addr]string{c.Address: ""}
			}
		}
		ps.byName[c.Name] = p
		ps.names = append(ps.names, c.Name)
	}
}

// probed takes the targets that are probed now: their addresses are watched in the tables, what others measured is forgotten.
func (e *engine) probed(targets []probe.Target, now time.Time) {
	flows := map[join.Flow]bool{}
	addrs := map[string]map[netip.Addr]string{}
	for _, t := range targets {
		flows[flowOf(t)] = true
		p := e.pops.byName[t.POP]
		if p == nil {
			continue // of a configuration that is not in force any more
		}
		if addrs[t.POP] == nil {
			addrs[t.POP] = map[netip.Addr]string{}
		}
		way, known := p.addrs[t.Addr]
		if !known {
			way = e.wayTo(t.Addr)
		}
		addrs[t.POP][t.Addr] = way
	}
	for name, a := range addrs {
		e.pops.byName[name].addrs = a
	}
	e.plane.Retain(flows, now)
}

func flowOf(t probe.Target) join.Flow {
	return join.Flow{POP: t.POP, Service: t.Service, Addr: t.Addr, Method: string(t.Method), Source: t.Source}
}

// describeChange says why the nearest POP is another one.
func describeChange(c stats.Change) string {
	if c.From == "" {
		return fmt.Sprintf("%s is the nearest (%s)", c.To, c.After)
	}
	return fmt.Sprintf("%s (%s) after %s (%s): %s", c.To, c.After, c.From, c.Before, c.Reason)
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
	if change, changed := e.plane.Add(flowOf(b.Target), b.Sample); changed {
		e.record(event{at: b.Ended, typ: "pop_change", severity: notice.Info, pop: change.To, detail: describeChange(change)})
	}
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
			e.followRoutes(p)
		}
		scope := incident.Scope{Kind: incident.Probing, Subject: p.name}
		switch {
		case e.pops.byName[p.name] != p:
			e.tell(e.book.Remove(scope, now), now)
		case p.heard && !e.plane.Undecided(p.name):
			e.tell(e.book.Reconcile(scope, e.plane.Unreachable(p.name), now, incident.World{}), now)
		}
		p.stale, p.heard = false, false
	}
}

func (e *engine) followRoutes(p *pop) {
	for addr, was := range p.addrs {
		way := e.wayTo(addr)
		if way == was {
			continue
		}
		p.addrs[addr] = way
		if e.cfg.Probe.Burst {
			e.out.bursts = append(e.out.bursts, addr)
		}
	}
}

// wayTo tells how our own sessions reach an address: for each of them the longest matching prefix, its AS paths and next hops.
func (e *engine) wayTo(addr netip.Addr) string {
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
				}
			}
			found[h.vantage] = true
		}
	}
	return b.String()
}

func describeWay(b *strings.Builder, v *vantage, p netip.Prefix, a *bgp.Attrs) {
	for _, part := range [...]string{v.Name, p.String(), a.Path.String(), a.NextHop.String()} {
		b.WriteString(part)
		b.WriteByte('|')
	}
}

// touchPOP asks for the POP of an open incident to be judged once it was measured again; one that is no longer configured
// is removed.
func (e *engine) touchPOP(s incident.Scope) {
	if e.pops.byName[s.Subject] == nil {
		e.pops.touched = append(e.pops.touched, &pop{name: s.Subject})
	}
}
