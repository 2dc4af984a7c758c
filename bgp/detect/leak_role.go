package detect

import (
	"fmt"

	"peervane/bgp"
)

// byRole: a customer or a peer sends a path with a tier-1 AS in it, himself excepted. Nobody's customer is in nobody's
// customer cone, so the route came from above. (Peerlock lite; "big networks" filters.)
func byRole(t *trail) *suspicion {
	if t.neighbour != bgp.Customer && t.neighbour != bgp.Peer {
		return nil
	}
	for i, as := range t.hops {
		if !t.isTier1(i) || t.sameCompany(as, t.hops[0]) {
			continue
		}
		return &suspicion{
			suspects: t.suspects(0, i-1),
			reason:   fmt.Sprintf("our %s %s sends routes of the tier-1 network %s", t.neighbour, asn(t.hops[0]), asn(as)),
		}
	}
	return nil
}
