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
	"peervane/daemon/notice"
)

// bench is where a state is laid out for one judgement. What it holds is good until the next one.
type bench struct {
	vantages                 []detect.Vantage
	routes, covering, around []detect.Held
	covered                  []bool // by position in vantages
	state                    detect.State
	found                    []bgp.Finding
}

// state puts together what the detectors judge: everything that is known of a prefix now. It is good until the next call.
func (e *engine) state(reg *registration, p netip.Prefix, now time.Time) *detect.State {
	f, b := bgp.FamilyOf(p), &e.bench
	b.vantages, b.routes, b.covering, b.around = b.vantages[:0], b.routes[:0], b.covering[:0], b.around[:0]
	here := e.table.get(p).walk()
	exact, half := here, otherHalf(p)
	var twin walk
	if p != reg.Prefix {
		exact = e.table.get(reg.Prefix).walk()
		twin = e.table.get(half).walk()
	}
	for i, v := range e.vantages.list {
		fam, held, registered := &v.families[f], here.of(v), exact.of(v)
		b.vantages = append(b.vantages, detect.Vantage{
			Vantage: v.Vantage, Up: v.up, Since: fam.at,
			InSync:   v.inSync(f, len(held) > 0, reg.born),
			Watching: v.present(f) && len(registered) > 0,
			Mute:     v.up && !v.recorded && !fam.spoken,
			Loading:  v.up && fam.spoken && !v.recorded && !fam.synced,
		})
		b.routes = appendHeld(b.routes, i, p, held, fam.kept)
		if p != reg.Prefix {
			b.around = appendHeld(b.around, i, reg.Prefix, registered, fam.kept)
			b.around = appendHeld(b.around, i, half, twin.of(v), fam.kept)
		}
	}
	st := &b.state
	*st = detect.State{
		Reg: &reg.Registration, Prefix: p, Now: now, Settings: e.settings, Hijacks: reg.memory.Hijacks(),
		Vantages: b.vantages, Routes: b.routes, Around: b.around, Verdicts: &e.verdicts,
		Found: b.found,
	}
	if p == reg.Prefix {
		st.Memory = &reg.memory
		st.Covering = e.covering(p)
	}
	st.Sort()
	return st
}

// otherHalf is what makes a prefix whole, with it: of 203.0.113.0/25 that is 203.0.113.128/25.
func otherHalf(p netip.Prefix) netip.Prefix {
	b, last := p.Addr().AsSlice(), p.Bits()-1
	if last < 0 {
		return p
	}
	b[last/8] ^= 0x80 >> (last % 8)
	addr, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(addr, p.Bits())
}

func appendHeld(routes []detect.Held, index int, p netip.Prefix, paths []held, stale bool) []detect.Held {
	for _, h := range paths {
		if h.attrs != nil {
			routes = append(routes, detect.Held{V: index, Stale: stale, Seen: bgp.Seen{
				Vantage: h.vantage.Vantage, Prefix: p, PathID: h.pathID, Attrs: h.attrs, Since: h.since,
			}})
		}
	}
	return routes
}

// covering gives the longest less-specific routes of each vantage. Default routes do not count.
func (e *engine) covering(p netip.Prefix) []detect.Held {
	f, b := bgp.FamilyOf(p), &e.bench
	b.covered = append(b.covered[:0], make([]bool, len(e.vantages.list))...)
	for q, entry := range e.table.byPrefix.Supernets(p) { // the longest first
		if q == p || q.Bits() == 0 {
			continue
		}
		there := entry.walk()
		for i, v := range e.vantages.list {
			held := there.of(v)
			if b.covered[i] {
				continue
			}
			n := len(b.covering)
			b.covering = appendHeld(b.covering, i, q, held, v.families[f].kept)
			b.covered[i] = len(b.covering) > n
		}
	}
	return b.covering
}

// world is what the incident book must know of a scope beside its findings.
func (e *engine) world(st *detect.State, reason string, now time.Time) incident.World {
	return incident.World{
		Reason:  reason,
		Sight:   e.sightOf(st),
		Good:    st.Good(),
		Settled: st.Settled(),
		Labels:  st.Reg.Policy.Labels,
		Latency: func(began time.Time) *notice.Latency { return e.latencyBefore(st.Prefix, began, now) },
		Remains: e.latencyRemains, Unjudged: e.unjudgedYet(st),
	}
}

func (e *engine) sightOf(st *detect.State) func(string) incident.Sight {
	f := bgp.FamilyOf(st.Prefix)
	return func(name string) incident.Sight {
		i := slices.IndexFunc(st.Vantages, func(v detect.Vantage) bool { return v.Name == name })
		switch {
		case i >= 0 && st.Vantages[i].InSync && e.vantages.named(name).owesPaths(f, st.Now):
			return incident.Returning
		case i >= 0 && st.Vantages[i].InSync:
			return incident.InSync
		case i >= 0 || !e.forgotten[name] && e.known.mayReturn(name):
			return incident.Lost
		}
		return incident.Gone
	}
}

// knownPeers are the names under which vantages may come back that are not there now: configured peers, and the
// neighbours in a dynamic range or behind a feed, which are named NAME/….
type knownPeers map[string]bool

func knownPeersOf(cfg *config.Config) knownPeers {
	known := knownPeers{}
	for _, p := range cfg.Peers {
		known[p.Name] = p.Enabled
	}
	for _, f := range cfg.Feeds {
		known[f.Name] = true
	}
	return known
}

// connectionsOf gives the connections that each configured peer serves.
func connectionsOf(cfg *config.Config) map[string][]string {
	served := map[string][]string{}
	for _, c := range cfg.Connections {
		for _, peer := range slices.Concat(c.Primary, c.Backup) {
			if !slices.Contains(served[peer], c.Name) {
				served[peer] = append(served[peer], c.Name)
			}
		}
	}
	return served
}

func (k knownPeers) mayReturn(name string) bool {
	root, _, _ := strings.Cut(name, "/")
	return k[name] || k[root]
}
