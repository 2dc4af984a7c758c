package detect

import (
	"fmt"

	"peervane/bgp"
)

// byOTC judges the Only to Customer attribute as it comes in (RFC 9234 section 5): "If a route with the OTC Attribute is
// received from a Customer or an RS-Client, then it is a route leak and MUST be considered ineligible". "If a route with
// the OTC Attribute is received from a Peer (i.e., remote AS with a Peer Role) and the Attribute has a value that is not
// equal to the remote (i.e., Peer's) AS number, then it is a route leak". From providers and route servers it says nothing,
// and at collectors, to whom a route goes in any role, neither.
func byOTC(t *trail) *suspicion {
	switch {
	case !t.hasOTC:
		return nil
	case t.neighbour == bgp.Customer || t.neighbour == bgp.RSClient:
	case t.neighbour == bgp.Peer && t.otc != t.hops[0]:
	default:
		return nil
	}
	farthest := 0
	if marker, found := t.find(t.otc); found && marker > 0 {
		farthest = marker - 1 // whoever set the mark, or had it set by the next AS, gave it away as it should
	}
	return &suspicion{
		suspects: t.suspects(0, farthest),
		reason:   fmt.Sprintf("marked as only for customers of %s, and sent to us by our %s %s", asn(t.otc), t.neighbour, asn(t.hops[0])),
	}
}
