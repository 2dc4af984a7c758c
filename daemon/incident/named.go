package incident

import (
	"cmp"
	"slices"

	"peervane/daemon/notice"
)

// What a group names are members that are open, as long as one is: of those that were named and have ended, others take the place.

func (g *group) has(rec *Record) bool { return g.seats[rec.ID()] == rec }

// name has a new member named, if there is room, or if it is one that was named and comes again.
func (g *group) name(rec *Record) {
	n, subject := &g.rec.Notice.Evidence, rec.subject()
	i := slices.Index(n.Group.Examples, subject)
	switch {
	case 0 <= i && i < len(g.shown) && !g.has(g.shown[i]):
		g.shown[i] = rec
		return
	case i >= 0 || len(g.shown) == groupExamples:
		g.wait(rec)
		return
	}
	g.shown = append(g.shown, rec)
	n.Group.Examples = append(slices.Clip(n.Group.Examples), subject)
	n.Routes = withRouteOf(rec, n.Routes)
	g.unkept = true
}

func withRouteOf(rec *Record, routes []notice.Route) []notice.Route {
	if own := rec.Notice.Evidence.Routes; len(own) > 0 && len(routes) < groupRoutes {
		return append(slices.Clip(routes), own[0])
	}
	return routes
}

// wait keeps a member for when there is room. One that comes and goes does not fill what waits.
func (g *group) wait(rec *Record) {
	if len(g.waiting) > 2*len(g.seats)+groupExamples {
		g.waiting = slices.DeleteFunc(g.waiting, func(r *Record) bool { return !g.has(r) })
	}
	g.waiting = append(g.waiting, rec)
}

// pick gives the places of those that have ended to others.
func (g *group) pick() {
	if len(g.seats) == 0 {
		return // it is over: what was named last stands
	}
	ended := func(r *Record) bool { return !g.has(r) }
	if !slices.ContainsFunc(g.shown, ended) && (len(g.shown) == groupExamples || len(g.waiting) == 0) {
		return
	}
	g.shown = slices.DeleteFunc(g.shown, ended)
	subjects := map[string]bool{}
	for _, r := range g.shown {
		subjects[r.subject()] = true
	}
	for len(g.shown) < groupExamples && len(g.waiting) > 0 {
		next := g.waiting[0]
		g.waiting[0], g.waiting = nil, g.waiting[1:]
		if g.has(next) && !subjects[next.subject()] {
			g.shown, subjects[next.subject()] = append(g.shown, next), true
		}
	}
	g.tellOf()
}

// tellOf writes those who are named into the group's incident.
func (g *group) tellOf() {
	var examples []string
	var routes []notice.Route
	for _, r := range g.shown {
		examples, routes = append(examples, r.subject()), withRouteOf(r, routes)
	}
	n := &g.rec.Notice.Evidence
	if slices.Equal(examples, n.Group.Examples) {
		return
	}
	if len(n.Group.Examples) == 0 || examples[0] != n.Group.Examples[0] {
		g.rec.Lead = g.shown[0].Summary
	}
	n.Group = &notice.Group{Open: n.Group.Open, Total: n.Group.Total, Examples: examples} // notices share it
	n.Routes, g.unkept = routes, true
}

// nameAgain names some of the members that a restart has found, those first that were named.
func (g *group) nameAgain() {
	was := map[string]int{}
	for i, subject := range g.rec.Notice.Evidence.Group.Examples {
		was[subject] = i - groupExamples
	}
	slices.SortFunc(g.waiting, func(a, b *Record) int {
		return cmp.Or(cmp.Compare(was[a.subject()], was[b.subject()]), cmp.Compare(a.ID(), b.ID()))
	})
	g.pick()
}
