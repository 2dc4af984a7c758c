package daemon

import (
	"math"
	"net/netip"
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
	incident  string
	prefix    netip.Prefix // the route of which it is about
	hijack    bool         // packets for it are drawn to somebody else
	began     time.Time    // when its condition began: what was measured before counts as before
	noticed   time.Time    // when it fired: what is measured from then on counts as after
	announced bool         // the cost was told as it fired
}

// hijacks are the types that draw packets for a prefix of ours to somebody else.
var hijacks = []string{notice.OriginChange, notice.SubPrefix, notice.ForgedOrigin, notice.RouteLeak, notice.CoveringChange}

// account follows an incident: what fires opens an account of its cost and asks for a burst, what ends closes it.
func (e *engine) account(n notice.Notice, now time.Time) {
	grouped := n.Evidence.Group != nil && slices.Contains(hijacks, n.Type)
	if n.Held != "" || n.POP != "" || !n.Prefix.IsValid() && !grouped {
		return
	}
	switch n.Status {
	case notice.Resolved:
		e.costs = slices.DeleteFunc(e.costs, func(c openCost) bool { return c.incident == n.Incident })
		e.out.burstAll = e.out.burstAll || n.Evidence.Verdict == join.Both // does the latency recover, too?
	case notice.Firing:
		c := openCost{
			incident: n.Incident, prefix: n.Offending, hijack: slices.Contains(hijacks, n.Type), began: e.began(&n), noticed: now,
		}
		if l := n.Evidence.Latency; l != nil && l.AfterMS != nil {
			c.announced = true
		}
		if _, _, ok := e.plane.CostOf(c.began, c.noticed, e.drawnTo(c.prefix)); !ok {
			return // nothing was measured before, so nothing can be compared
		}
		e.costs = append(e.costs, c)
		e.out.burstAll = true
	}
}

// manyFlows are so many that their batches come one after the other, and to compare all of them after each would leave no time for
// anything else: it is done every costsPause for each.
const (
	manyFlows  = 1000
	costsPause = 50 * time.Microsecond
)

// settleCosts tells the costs that are measured now.
func (e *engine) settleCosts(now time.Time) {
	pause := time.Duration(e.plane.Flows()) * costsPause
	if len(e.costs) == 0 || e.plane.Flows() >= manyFlows && now.Sub(e.costsLooked).Abs() < pause && now.Before(e.costsDue()) {
		return
	}
	e.costsLooked = now
	e.costs = slices.DeleteFunc(e.costs, func(c openCost) bool {
		cost, final, ok := e.plane.CostOf(c.began, c.noticed, e.drawnTo(c.prefix))
		late := now.Sub(c.noticed) >= costLimit
		if !ok || !cost.Measured || !final && !late {
			return !ok || late
		}
		class := ""
		if c.hijack {
			class = e.plane.Class(c.began, c.noticed, e.drawnTo(c.prefix))
		}
		e.amend(c.incident, notice.ReasonLatency, now, func(ev *notice.Evidence) {
			ev.DataPlane = class
			if !c.announced {
				ev.Latency, ev.Verdict = latencyOf(cost), cost.Verdict()
			}
		})
		return true
	})
}

// amend tells what became known of an incident.
func (e *engine) amend(id, reason string, now time.Time, change func(*notice.Evidence)) {
	notices := e.book.Amend(id, reason, now, change)
	e.out.notices = append(e.out.notices, notices...)
	for i := range notices {
		e.traceFor(&notices[i], now)
	}
}

// drawnTo says of a flow whether its packets, or the answers to them, go where a prefix is announced.
func (e *engine) drawnTo(prefix netip.Prefix) func(join.Flow) bool {
	return func(f join.Flow) bool {
		return prefix.IsValid() && (prefix.Contains(f.Addr) || prefix.Contains(e.sourceOf(f.Source, f.Addr)))
	}
}

// latencyBefore is what the notice of an incident that fires now says of latency: the figures before its condition began; and,
// where the probes have shown what it cost while it was held, those after.
func (e *engine) latencyBefore(prefix netip.Prefix, began, now time.Time) *notice.Latency {
	noticed := now
	if _, costly := e.costly(prefix); costly {
		noticed = began
	}
	cost, _, ok := e.plane.CostOf(began, noticed, e.drawnTo(prefix))
	if !ok {
		return nil
	}
	return latencyOf(cost)
}

func latencyOf(c join.Cost) *notice.Latency {
	if !c.Measured {
		c.After, c.Loss, c.Outage = math.NaN(), math.NaN(), math.NaN()
	}
	return notice.Cost(&bgp.Measured{POP: c.POP, Before: c.Before, After: c.After, Loss: c.Loss, Outage: c.Outage, Convergence: c.Convergence})
}

// costsDue is when the oldest account is closed, measured or not; zero when none is open.
func (e *engine) costsDue() time.Time {
	var at time.Time
	for _, c := range e.costs {
		at = earliest(at, c.noticed.Add(costLimit))
	}
	return at
}
