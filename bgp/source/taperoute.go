package source

import (
	"net/netip"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// tapeRoute is the one route that an UPDATE of a tape holds.
type tapeRoute struct{ bgp.Held }

// dropHop takes the next hop away, which the route never had.
func (r *tapeRoute) dropHop() {
	if r.Attrs != nil {
		r.Attrs.NextHop = netip.Addr{}
	}
}

// readRoute reads a whole UPDATE message.
func readRoute(msg []byte, addPath bool) (tapeRoute, error) {
	body, err := updateOf(msg)
	if err != nil {
		return tapeRoute{}, err
	}
	return scanRoute(new(wire.Update), body, addPath)
}

// scanRoute reads the body of an UPDATE that announces or withdraws one route.
func scanRoute(u *wire.Update, body []byte, addPath bool) (r tapeRoute, err error) {
	if body == nil || recordedParams(true, addPath, mrtPeer{}).Scan(body, u) > wire.AttributeDiscard {
		return r, malformed("no sound UPDATE")
	}
	routes := 0
	for n := range u.Withdrawn {
		routes++
		r.Prefix, r.PathID = n.Prefix, n.PathID
	}
	for n := range u.Announced {
		routes++
		r.Prefix, r.PathID = n.Prefix, n.PathID
		r.Attrs = u.Attrs(bgp.FamilyOf(n.Prefix))
	}
	if routes != 1 {
		return r, malformed("an UPDATE of a tape holds one route")
	}
	return r, nil
}
