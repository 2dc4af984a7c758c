package daemon

import (
	"context"
	"net/netip"
	"slices"

	"peervane/bgp"
	"peervane/bgp/source"
	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// Routes asks the engine what the vantages hold of a watched prefix, and the full tables of peers for what they hold of any.
func (d *Daemon) Routes(ctx context.Context, q api.Wanted) ([]api.Route, error) {
	full := d.peers.full(q)
	var out []api.Route
	var err error
	if !d.call(ctx, func() { out, err = d.engine.routesOf(q, full), d.engine.vantages.has(q.Vantage) }) {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range full {
		held, more := p.Query(ctx, q.Prefix, modes[q.Match])
		if more {
			return nil, api.TooMany{Vantage: p.Vantage().Name, Most: source.MaxQuery}
		}
		for _, h := range held {
			out = append(out, routeOf(h.Seen, h.Stale))
		}
	}
	slices.SortStableFunc(out, func(a, b api.Route) int { return a.Prefix.Compare(b.Prefix) })
	return out, nil
}

// modes are how a full table is asked for each match.
var modes = map[api.Match]source.Mode{
	api.Related: source.Related, api.Exact: source.Exact, api.Longest: source.Longest, api.Longer: source.Within,
}

// full gives the peers whose full tables answer a question, by name.
func (ps *peers) full(q api.Wanted) map[string]*source.Peer {
	if q.Match == api.Watched {
		return nil
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := map[string]*source.Peer{}
	for name, p := range ps.byName {
		if p.config.Table == "full" && (q.Vantage == "" || q.Vantage == name) {
			out[name] = p.Peer
		}
	}
	return out
}

// routesOf gives what the vantages hold that are not asked themselves.
func (e *engine) routesOf(q api.Wanted, asked map[string]*source.Peer) (out []api.Route) {
	longest := map[*vantage]int{} // the bits of what was found first
	add := func(p netip.Prefix, entry *entry) {
		for _, h := range entry.held {
			v := h.vantage
			if h.attrs == nil || asked[v.Name] != nil || q.Vantage != "" && q.Vantage != v.Name {
				continue
			}
			if bits, found := longest[v]; found && q.Match == api.Longest && bits != p.Bits() {
				continue
			}
			longest[v] = p.Bits()
			seen := bgp.Seen{Vantage: v.Vantage, Prefix: p, PathID: h.pathID, Attrs: h.attrs, Since: h.since}
			out = append(out, routeOf(seen, v.families[bgp.FamilyOf(p)].kept))
		}
	}
	if exact := e.table.get(q.Prefix); exact != nil {
		add(q.Prefix, exact)
	}
	if q.Match != api.Exact && q.Match != api.Longer {
		for p, entry := range e.table.byPrefix.Supernets(q.Prefix) { // the longest first
			if p != q.Prefix {
				add(p, entry)
			}
		}
	}
	if q.Match != api.Exact && q.Match != api.Longest {
		for p, entry := range e.table.byPrefix.Subnets(q.Prefix) {
			if p != q.Prefix {
				add(p, entry)
			}
		}
	}
	return out
}

func routeOf(s bgp.Seen, stale bool) api.Route {
	a := s.Attrs
	r := api.Route{
		Vantage: s.Vantage.Name, Prefix: s.Prefix, PathID: s.PathID, ASPath: a.Path.String(), Origin: a.Origin.String(),
		NextHop: a.NextHop, Communities: some(a.CommunityStrings()), Since: notice.At(s.Since), Stale: stale,
	}
	if a.HasMED {
		r.MED = &a.MED
	}
	if a.HasLocalPref {
		r.LocalPref = &a.LocalPref
	}
	return r
}
