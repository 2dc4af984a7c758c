package daemon

import (
	"math"

	"github.com/gaissmai/bart"

	"peervane/bgp"
)

// registered says what is registered, by the configuration with which it came. It may be called from any goroutine.
func (r *registry) registered() (all []bgp.Registered) {
	at := map[int]int{}
	for p, reg := range r.trie.All() {
		i, ok := at[reg.born]
		if !ok {
			i, at[reg.born] = len(all), len(all)
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
	var first bart.Table[int] // the lowest number that each prefix came with
	for _, g := range all {
		for _, p := range g.Prefixes {
			if born, ok := first.Get(p); !ok || g.Born < born {
				first.Insert(p, g.Born)
			}
		}
	}
	for p, reg := range e.regs.trie.All() {
		reg.born = unrecorded
		for _, born := range first.Supernets(p) {
			reg.born = min(reg.born, born)
		}
		for _, born := range first.Subnets(p) {
			reg.born = min(reg.born, born)
		}
		if reg.born != unrecorded {
			e.young = append(e.young, reg)
		}
	}
}
