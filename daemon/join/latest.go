package join

import (
	"math"
	"slices"

	"peervane/probe/stats"
)

// Latest is the median of the latest batch of the first flow of a POP, in milliseconds, or that all of it was lost.
func (p *Plane) Latest(pop string) (median float64, lost, measured bool) {
	for _, f := range p.of(pop) {
		if p.flows[f].batches.len() == 0 {
			continue
		}
		s := p.flows[f].batches.last()
		m, ok := s.Median()
		return milliseconds(m), !ok && s.FullyLost(), true
	}
	return 0, false, false
}

// Off says whether a latency is as far from another as makes a shift.
func Off(before, now float64) bool { return math.Abs(now-before) >= stats.Least(before) }

// Flows is how many there are.
func (p *Plane) Flows() int { return len(p.flows) }

// Every says whether something holds for every flow.
func (p *Plane) Every(holds func(Flow) bool) bool {
	for f := range p.flows {
		if !holds(f) {
			return false
		}
	}
	return true
}

// Paths gives one flow for each way from a source to an address of a POP.
func (p *Plane) Paths(pop string) (out []Flow) {
	for _, f := range p.of(pop) {
		same := func(have Flow) bool { return have.Addr == f.Addr && have.Source == f.Source }
		if !slices.ContainsFunc(out, same) {
			out = append(out, f)
		}
	}
	return out
}
