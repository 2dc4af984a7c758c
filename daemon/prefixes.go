package daemon

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"peervane/bgp/detect"
	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// mostShown is how many open incidents of one prefix are listed with it: there may be a hundred thousand.
const mostShown = 100

// prefixBite is how many prefixes are pictured at once: there may be a million, and detection does not wait for a page.
const prefixBite = 256

// Prefixes asks the engine for all registered prefixes, a bite at a time. What is registered stands in a trie that does not
// change, so going through it does not keep the engine.
func (d *Daemon) Prefixes(ctx context.Context, some func([]api.Prefix) error) error {
	var regs *registry
	var open map[netip.Prefix][]notice.Notice
	if !d.call(ctx, func() { regs, open = d.engine.regs, d.engine.openByPrefix() }) {
		return context.Cause(ctx)
	}
	var bite []*registration
	show := func() error {
		var out []api.Prefix
		if !d.call(ctx, func() { out = d.engine.picturePrefixes(nil, bite, open, time.Now()) }) {
			return context.Cause(ctx)
		}
		bite = bite[:0]
		return some(out)
	}
	for _, reg := range regs.trie.AllSorted() {
		if bite = append(bite, reg); len(bite) == prefixBite {
			if err := show(); err != nil {
				return err
			}
		}
	}
	return show()
}

// openByPrefix gives the open incidents of each registered prefix, the gravest first.
func (e *engine) openByPrefix() map[netip.Prefix][]notice.Notice {
	open := map[netip.Prefix][]notice.Notice{}
	for r := range e.book.All() {
		open[r.Scope.Prefix] = append(open[r.Scope.Prefix], r.Notice)
	}
	for _, notices := range open {
		slices.SortFunc(notices, func(a, b notice.Notice) int {
			return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Incident, b.Incident))
		})
	}
	return open
}

// picturePrefixes shows registrations, but for those that a reload has taken away meanwhile.
func (e *engine) picturePrefixes(out []api.Prefix, regs []*registration, open map[netip.Prefix][]notice.Notice, now time.Time) []api.Prefix {
	for _, reg := range regs {
		if e.regs.exact(reg.Prefix) != reg || reg.Policy.Ignore {
			continue
		}
		p := api.Prefix{Prefix: reg.Prefix, Origins: some(reg.Policy.Origins)}
		var stands []string
		p.Incidents, stands = standingIncidents(open[reg.Prefix])
		if reg.Connection != nil {
			p.Connection = reg.Connection.Name
		}
		entry := e.table.get(reg.Prefix)
		for _, v := range e.vantages.list {
			if route, _ := entry.holds(v); route {
				p.Vantages++
			}
		}
		state, reasons := e.state(reg, reg.Prefix, now).Standing(e.inside(reg.Prefix))
		switch {
		case state != detect.Failed && state != detect.Invalid && slices.ContainsFunc(open[reg.Prefix], wrongOrigin):
			state, reasons = detect.Failed, append(stands, reasons...) // a part of it is announced by a wrong origin
		case state == detect.Verified && len(stands) > 0:
			state, reasons = detect.Lacking, stands // what is announced is right, and yet something is wrong
		}
		p.State, p.Reasons = state, some(reasons)
		out = append(out, p)
	}
	return out
}

// standingIncidents lists the open incidents of a prefix by id, and says what they mean for it, where that is not only told.
func standingIncidents(open []notice.Notice) (ids, stands []string) {
	ids = []string{}
	for i := range open {
		n := &open[i]
		if i == mostShown {
			return ids, append(stands, fmt.Sprintf("%d more stand", len(open)-i))
		}
		ids = append(ids, n.Incident)
		if n.Severity >= notice.Warning {
			how := "stands"
			if n.Vantages.Bad == 0 && n.Vantages.Total > 0 {
				how = "comes and goes"
			}
			stands = append(stands, fmt.Sprintf("%s %s: %s", n.Type, how, n.Summary))
		}
	}
	return ids, stands
}

// wrongOrigin says whether an incident is that a wrong origin announces the prefix, or a part of it: one that flaps may be gone for now.
func wrongOrigin(n notice.Notice) bool {
	return (n.Type == notice.SubPrefix || n.Type == notice.OriginChange) && n.Vantages.Bad > 0
}

// inside lists a few announced more-specifics of a prefix.
func (e *engine) inside(p netip.Prefix) (out []netip.Prefix) {
	const few = 10
	for q, entry := range e.table.byPrefix.Subnets(p) {
		if q != p && entry.announced() {
			out = append(out, q)
		}
		if len(out) == few {
			break
		}
	}
	return out
}
