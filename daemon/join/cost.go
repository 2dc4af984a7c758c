package join

import (
	"cmp"
	"math"
	"slices"
	"time"

	"peervane/probe/stats"
)

// The latency before an event is looked for so far back, and in so many batches: all of them at the default interval.
const (
	before     = 10 * time.Minute
	beforeMost = 60
)

// Cost is what an event did to the latency to one POP, in milliseconds. NaN stands for what is not known.
type Cost struct {
	POP           string
	Before, After float64
	Loss          float64 // share of the probes after the event that nothing answered
	Measured      bool    // After and Loss are known

	// Outage is for how long probes were lost around the event, and Convergence how long the route to the POP took to settle.
	Outage, Convergence float64
}

// Shift is by how much the latency rose.
func (c Cost) Shift() float64 { return c.After - c.Before }

// Verdict says whether the latency moved with the route: by as much as makes a shift, or with losses.
func (c Cost) Verdict() string {
	moved := c.shifted() || c.Loss >= 0.20
	return map[bool]string{true: Both, false: RouteOnly}[moved]
}

func (c Cost) shifted() bool {
	return Off(finite(c.Before), finite(c.Before)+finite(c.Shift()))
}

// What becomes of packets that are drawn to a hijacker, as it is seen from here.
const (
	BlackHole  = "black_hole"      // they are lost
	Detour     = "detour"          // they arrive, by another way
	Unaffected = "unaffected_here" // they come and go as before
)

// Class says what becomes of the packets of some flows after an event, by the one that fares worst; "" where none of them was
// measured before and after.
func (p *Plane) Class(began, noticed time.Time, of func(Flow) bool) (class string) {
	for _, f := range p.sorted() {
		if !of(f) {
			continue
		}
		c, known := p.flows[f].cost(began, noticed)
		switch {
		case !known || !c.Measured:
		case c.Loss >= 1:
			return BlackHole
		case c.shifted():
			class = Detour
		default:
			class = cmp.Or(class, Unaffected)
		}
	}
	return class
}

// CostOf says what an event cost: the latency before it began against the first batch that started after a later moment, at
// which it was noticed. It tells of the POP that it cost the most, or, as long as nothing was measured since, of the nearest
// one before it. It is final once every POP that was measured before was measured after. Where the event concerns some flows, of
// which something was measured before, only they count; nil: it concerns all alike.
func (p *Plane) CostOf(began, noticed time.Time, concerns func(Flow) bool) (cost Cost, final, ok bool) {
	if concerns != nil {
		if cost, final, ok = p.costOf(began, noticed, concerns); ok {
			return cost, final, ok
		}
	}
	return p.costOf(began, noticed, func(Flow) bool { return true })
}

func (p *Plane) costOf(began, noticed time.Time, counts func(Flow) bool) (cost Cost, final, ok bool) {
	var costs []Cost
	for _, f := range p.sorted() {
		if !counts(f) {
			continue
		}
		c, known := p.flows[f].cost(began, noticed)
		if !known || slices.ContainsFunc(costs, func(have Cost) bool { return have.POP == f.POP }) {
			continue // the first flow of a POP that was measured before is the one that counts
		}
		c.POP = f.POP
		c.Outage, c.Convergence = p.flows[f].outage(began), p.convergence(f, began)
		costs = append(costs, c)
	}
	if len(costs) == 0 {
		return Cost{}, false, false
	}
	final = !slices.ContainsFunc(costs, func(c Cost) bool { return !c.Measured })
	return slices.MaxFunc(costs, compareCosts), final, true
}

// compareCosts orders by how much an engineer cares: loss first, then the shift either way, then the nearer POP.
func compareCosts(a, b Cost) int {
	if !a.Measured && !b.Measured {
		return cmp.Compare(b.Before, a.Before)
	}
	if a.Measured != b.Measured {
		return map[bool]int{true: 1, false: -1}[a.Measured]
	}
	return cmp.Or(
		cmp.Compare(a.Loss, b.Loss),
		cmp.Compare(math.Abs(finite(a.Shift())), math.Abs(finite(b.Shift()))),
		cmp.Compare(b.Before, a.Before),
	)
}

func (h *history) cost(began, noticed time.Time) (c Cost, known bool) {
	usual := h.usualBefore(began)
	if len(usual) == 0 {
		return c, false
	}
	c = Cost{Before: milliseconds(stats.Median(usual)), After: math.NaN()}
	i := slices.IndexFunc(h.batches.kept, func(s packed) bool { return s.started.After(noticed) })
	if i < 0 {
		return c, true
	}
	s := h.batches.at(i)
	c.Measured, c.Loss = true, s.Loss()
	if q, ok := s.Quartile(); ok {
		c.After = milliseconds(q)
	}
	return c, true
}

// usualBefore is the latency of the latest batches before a moment, each measured as the one after it is: by its lower quartile, since
// that one may be a single batch.
func (h *history) usualBefore(at time.Time) (out []time.Duration) {
	for i := h.batches.len() - 1; i >= 0 && len(out) < beforeMost; i-- {
		s := h.batches.at(i)
		if s.Ended.After(at) {
			continue
		}
		if at.Sub(s.Ended) > before {
			break
		}
		if q, ok := s.Quartile(); ok {
			out = append(out, q)
		}
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func finite(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return f
}
