package detect

import (
	"fmt"
	"slices"

	"peervane/bgp"
)

// byPeerlock: a protected AS stands in the path, and the route is learnt neither from it nor from its allowed upstreams. A
// provider may carry anybody, so that only listed upstreams tell of it anything; a collector's peer too.
func byPeerlock(t *trail) *suspicion {
	if t.neighbour == bgp.Collector || len(t.Peerlock) == 0 {
		return nil
	}
	for i, as := range t.hops {
		allowed, protected := t.Peerlock[as]
		if !protected || t.organisation(as) == t.organisation(t.hops[0]) || slices.Contains(allowed, t.hops[0]) {
			continue
		}
		if mayCarry := t.neighbour == bgp.Provider || t.neighbour == bgp.Internal; mayCarry && len(allowed) == 0 {
			continue
		}
		last := i - 1
		for last > 0 && slices.Contains(allowed, t.hops[last]) {
			last--
		}
		from := append([]uint32{as}, allowed...)
		return &suspicion{
			suspects: t.suspects(0, last),
			reason:   fmt.Sprintf("%s in the path, which is learnt from %s only", asn(as), asns(from)),
		}
	}
	return nil
}
