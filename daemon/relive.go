package daemon

import (
	"cmp"
	"math"
	"slices"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// registered says what is registered, by the configuration with which it came. It may be called from any goroutine.
func (r *registry) registered() (all []bgp.Registered) {
	for p, reg := range r.trie.All() {
		i := slices.IndexFunc(all, func(g bgp.Registered) bool { return g.Born == reg.born })
		if i < 0 {
			i = len(all)
			all = append(all, bgp.Registered{Born: reg.born})
		}
		all[i].Prefixes = append(all[i].Prefixes, p)
	}
	return all
}

// unrecorded is the configuration that no vantage has shown whole.
const unrecorded = math.MaxInt

// relive makes the registrations as old as they were in the daemon that was recorded. What was not registered there, and is not inside or around
// what was, no vantage told all of: its absence is no fact.
func (e *engine) relive(configured int, all []bgp.Registered) {
	e.configured, e.young = configured, nil
	slices.SortFunc(all, func(a, b bgp.Registered) int { return cmp.Compare(a.Born, b.Born) })
	watched := make([]*rib.Watched, len(all))
	for i, g := range all {
		watched[i] = rib.NewWatched(g.Prefixes, nil)
	}
	for p, reg := range e.regs.trie.All() {
		reg.born = unrecorded
		if i := slices.IndexFunc(watched, func(w *rib.Watched) bool { return w.Match(p) }); i >= 0 {
			reg.born = all[i].Born
			e.young = append(e.young, reg)
		}
	}
}
