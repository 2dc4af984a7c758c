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

// state puts together what the detectors judge: everything that is known of a prefix now.
func (e *engine) state(reg *registration, p netip.Prefix, now time.Time) *detect.State {
	f := bgp.FamilyOf(p)
	st := &detect.State{
		Reg: &reg.Registration, Prefix: p, Now: now, Settings: e.settings, Hijacks: reg.memory.Hijacks,
		Vantages: make([]detect.Vantage, 0, len(e.vantages.list)),
	}
	entry, exact := e.table.get(p), e.table.get(reg.Prefix)
	for i, v := range e.vantages.list {
		fam := &v.families[f]
		st.Vantages = append(st.Vantages, detect.Vantage{
			Vantage: v.Vantage, Up: v.up, Since: fam.at,
			InSync:   v.inSync(f, seenAt(v, entry), reg.born),
			Watching: v.present(f) && seenAt(v, exact),
			Loading:  v.up && !v.recorded && !fam.synced,
		})
		st.Routes = appendHeld(st.Routes, i, p, entry.of(v), fam.kept)
	}
	if p == reg.Prefix {
		st.Memory = &reg.memory
		st.Covering = e.covering(p)
	}
	st.Sort()
	return st
}

// seenAt says whether a vantage has shown the prefix of an entry since it came up.
func seenAt(v *vantage, e *entry) bool {
	_, seen := e.holds(v)
	return seen
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
	var out []detect.Held
	have := map[*vantage]bool{}
	for q, entry := range e.table.byPrefix.Supernets(p) { // the longest first
		if q == p || q.Bits() == 0 {
			continue
		}
		for i, v := range e.vantages.list {
			if have[v] {
				continue
			}
			n := len(out)
			out = appendHeld(out, i, q, entry.of(v), v.families[bgp.FamilyOf(p)].kept)
			have[v] = len(out) > n
		}
	}
	return out
}

// world is what the incident book must know of a scope beside its findings.
func (e *engine) world(st *detect.State, reason string, now time.Time) incident.World {
	return incident.World{
		Reason:  reason,
		Sight:   e.sightOf(st),
		Good:    st.Good(),
		Settled: st.Settled(),
		Labels:  st.Reg.Policy.Labels,
		Latency: func(began time.Time) *notice.Latency { return e.latencyBefore(began, now) },
	}
}

func (e *engine) sightOf(st *detect.State) func(string) incident.Sight {
	return func(name string) incident.Sight {
		i := slices.IndexFunc(st.Vantages, func(v detect.Vantage) bool { return v.Name == name })
		switch {
		case i >= 0 && st.Vantages[i].InSync:
			return incident.InSync
		case i >= 0 || e.known.mayReturn(name):
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

func (k knownPeers) mayReturn(name string) bool {
	root, _, _ := strings.Cut(name, "/")
	return k[name] || k[root]
}
