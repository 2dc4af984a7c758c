package daemon

import (
	"math"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/join"
	"peervane/daemon/notice"
)

// costLimit is how long the cost of an incident is waited for. What was not measured by then is told as unknown.
const costLimit = time.Minute

// openCost is a routing incident whose cost is not fully measured yet.
type openCost struct {
	incident string
	began    time.Time // when its condition began: what was measured before counts as before
	noticed  time.Time // when it fired: what is measured from then on counts as after
}

// account follows an incident: what fires opens an account of its cost and asks for a burst, what ends closes it.
func (e *engine) account(n notice.Notice, now time.Time) {
	switch {
	case n.Status == notice.Resolved:
		e.costs = slices.DeleteFunc(e.costs, func(c openCost) bool { return c.incident == n.Incident })
	case n.Status == notice.Firing && n.Prefix.IsValid() && n.POP == "":
		c := openCost{n.Incident, n.StartedAt.Time, now}
		if _, _, ok := e.plane.CostOf(c.began, c.noticed); !ok {
			return // nothing was measured before, so nothing can be compared
		}
		e.costs = append(e.costs, c)
		e.burstAll()
	}
}

// burstAll measures every POP at once.
func (e *engine) burstAll() {
	if !e.cfg.Probe.Burst {
		return
	}
	for _, name := range e.pops.names {
		for addr := range e.pops.byName[name].addrs {
			e.out.bursts = append(e.out.bursts, addr)
		}
	}
}

// settleCosts tells the costs that are measured now.
func (e *engine) settleCosts(now time.Time) {
	e.costs = slices.DeleteFunc(e.costs, func(c openCost) bool {
		cost, final, ok := e.plane.CostOf(c.began, c.noticed)
		late := now.Sub(c.noticed) >= costLimit
		if !ok || !cost.Measured || !final && !late {
			return !ok || late
		}
		e.out.notices = append(e.out.notices, e.book.Amend(c.incident, latencyOf(cost), cost.Verdict(), now)...)
		return true
	})
}

// latencyBefore is what the notice of an incident that fires now says of latency: the figures before its condition began.
func (e *engine) latencyBefore(began, now time.Time) *notice.Latency {
	cost, _, ok := e.plane.CostOf(began, now)
	if !ok {
		return nil
	}
	return latencyOf(cost)
}

func latencyOf(c join.Cost) *notice.Latency {
	if !c.Measured {
		c.After, c.Loss = math.NaN(), math.NaN()
	}
	return notice.Cost(&bgp.Measured{POP: c.POP, Before: c.Before, After: c.After, Loss: c.Loss})
}

// costsDue is when the oldest account is closed, measured or not; zero when none is open.
func (e *engine) costsDue() time.Time {
	var at time.Time
	for _, c := range e.costs {
		at = earliest(at, c.noticed.Add(costLimit))
	}
	return at
}
