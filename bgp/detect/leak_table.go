package detect

import (
	"fmt"
	"sync"
	"time"

	"peervane/bgp"
)

// Leaked is how many leaked routes outside the registered prefixes a full table holds, where they are more than leak_count.
// The zero value is none.
type Leaked struct {
	bgp.LeakedTable
	Since time.Time
}

// LeaksOf gives a function that judges the routes of a vantage's full table, nil for one that is not leaked. It judges by
// the settings as they are now, and may be called from any goroutine.
func (s *Settings) LeaksOf(v *bgp.Vantage) func(*bgp.Attrs) *bgp.Leak {
	now := *s
	now.tier1s, now.servers = someOf(now.Tier1), someOf(now.RouteServers)
	trails := sync.Pool{New: func() any { return new(trail) }} // every path of a full table is judged: no allocation for each
	return func(a *bgp.Attrs) *bgp.Leak {
		t := trails.Get().(*trail)
		defer trails.Put(t)
		t.follow(&now, route{
			path: a.Path, otc: a.OTC, hasOTC: a.HasOTC, relationship: v.Relationship, asn: v.ASN, local: v.LocalASN,
		})
		l := t.leak()
		if l == nil {
			return nil
		}
		return &bgp.Leak{Leaker: l.leaker, Type: l.leakType, Methods: l.methods, Reasons: l.reasons, Turn: l.turn}
	}
}

// leakedTable: a full table holds many leaked routes that nobody has registered. It is one incident with counts and examples.
func leakedTable(p *Peer, _ time.Time) (*bgp.Finding, time.Time) {
	l := &p.Leaked
	if !l.Exceeded {
		return nil, time.Time{}
	}
	f := &bgp.Finding{
		Type: "route_leak", Severity: critical, Since: l.Since, Culprit: l.Leak.Leaker, Bad: []string{p.Name}, Total: 1,
		Methods: l.Leak.Methods, LeakType: l.Leak.Type, Routes: l.Examples,
		Hints: append([]string{fmt.Sprintf("%d leaked routes, %d of them by %s", l.Routes, l.By, asn(l.Leak.Leaker))}, l.Leak.Reasons...),
		Summary: fmt.Sprintf("%d routes on session %s leaked by %s: %s; %d leaked in all, outside the registered prefixes",
			l.By, p.Name, asn(l.Leak.Leaker), l.Leak.Turn, l.Routes),
	}
	if l.Leakers > 1 {
		f.Hints[0] += fmt.Sprintf(", the others by %d more", l.Leakers-1)
	}
	if len(l.Examples) > 0 {
		e := l.Examples[0]
		f.Summary += fmt.Sprintf(" (%s by path %s)", e.Prefix, e.Attrs.Path)
	}
	return f, time.Time{}
}
