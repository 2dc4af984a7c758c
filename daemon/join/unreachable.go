package join

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// lostBatches is how many fully lost batches in a row, by every method, make a POP unreachable.
const lostBatches = 3

// Unreachable finds the POPs that nothing reaches any more: every address, by every method, lost its last batches whole.
func (p *Plane) Unreachable(pop string) []bgp.Finding {
	var since time.Time
	var ways []string
	var first Flow
	for _, f := range p.of(pop) {
		h := p.flows[f]
		if h.lost < lostBatches {
			return nil
		}
		if h.since.After(since) {
			since = h.since
		}
		if ways == nil {
			first = f
		}
		ways = append(ways, fmt.Sprintf("%s %s", f.Addr, f.Method))
	}
	if len(ways) == 0 {
		return nil
	}
	slices.Sort(ways)
	ways = slices.Compact(ways)
	f := bgp.Finding{
		Type:     notice.POPUnreachable,
		Severity: notice.Error.String(),
		POP:      pop,
		Since:    since,
		Summary:  fmt.Sprintf("POP %s unreachable: the last %d batches lost by every method (%s)", pop, lostBatches, strings.Join(ways, ", ")),
	}
	f.Measured = &bgp.Measured{
		POP: pop, Before: math.NaN(), After: math.NaN(), Loss: 1, Outage: math.NaN(), Convergence: math.NaN(),
	}
	p.blame(&f, first)
	return []bgp.Finding{f}
}

// Undecided says whether a way to a POP has shown nothing but losses, and too few of them to count: nothing can be said of
// the POP yet, after a start or once another address is probed.
func (p *Plane) Undecided(pop string) bool {
	undecided := false
	for _, f := range p.of(pop) {
		h := p.flows[f]
		switch {
		case h.lost < lostBatches && h.lost < h.batches.len():
			return false // reached lately
		case h.lost < lostBatches:
			undecided = true
		}
	}
	return undecided
}
