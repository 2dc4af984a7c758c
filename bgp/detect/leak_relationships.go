package detect

import "fmt"

// turn is where a path goes up or sideways after it went down or sideways. The leaker has the route from the giver and
// passes it to the taker. Between receiver and leaker there may be siblings; else they are the same hop.
type turn struct{ taker, leaker, receiver, giver int }

// byRelationships: a path that goes up or sideways after it went down or sideways (it is not valley-free: L. Gao, On
// Inferring Autonomous System Relationships in the Internet, 2001). Siblings are transparent. What is not known breaks the
// walk: both edges must be, and meet.
func byRelationships(t *trail) *suspicion {
	if t.Relationships == nil {
		return nil
	}
	came, at := unknownWay, 0
	for i := len(t.hops) - 2; i >= us; i-- {
		goes := t.way(i)
		if goes == inside {
			continue
		}
		found := turn{taker: i, leaker: i + 1, receiver: at, giver: at + 1}
		if came.falling() && goes.rising() && t.credible(found) {
			return &suspicion{suspects: []int{found.leaker}, reason: t.explain(found, came, goes)}
		}
		came, at = goes, i
	}
	return nil
}

// explain says of a turn who is what to the leaker.
func (t *trail) explain(found turn, came, goes way) string {
	return fmt.Sprintf("%s has it from its %s %s and gave it to its %s %s", asn(t.hops[found.leaker]),
		partner(came.back()), asn(t.hops[found.giver]), partner(goes), t.name(found.taker))
}

// partner is what the AS is to us that a route goes to on this way.
func partner(w way) string {
	return [...]string{unknownWay: "neighbour", up: "provider", sideways: "peer", down: "customer", inside: "sibling"}[w]
}
