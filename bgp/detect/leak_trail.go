package detect

import (
	"fmt"
	"slices"
	"strings"

	"peervane/bgp"
)

// trail is a route as the leak methods judge it.
type trail struct {
	*Settings
	route

	// hops are the ASes of the cleaned path, the nearest first, without transparent route servers, and without what stands
	// right of an AS that comes again: who puts others behind himself wants them not to take the route (poisoning), and has
	// not leaked it. 0 stands for an AS_SET or AS_TRANS, which prove nothing.
	hops  []uint32
	clean []bgp.Hop // the cleaned path, as it was
	// neighbour is what the first hop is to us; Collector or Internal: it is not known.
	neighbour bgp.Relationship
}

// route is all that a verdict on a leak depends on, besides the settings.
type route struct {
	path         *bgp.Path
	relationship bgp.Relationship // of the session
	asn          uint32           // of its other end
	local        uint32           // ours there
	otc          uint32
	hasOTC       bool
	noExport     bool // the registration wants it
}

func (s *Settings) trail(r route) *trail {
	t := &trail{}
	t.follow(s, r)
	return t
}

// follow makes t the trail of a route, in the memory that it has.
func (t *trail) follow(s *Settings, r route) {
	t.Settings, t.route, t.neighbour, t.hops = s, r, r.relationship, t.hops[:0]
	t.clean = r.path.AppendClean(t.clean[:0], r.own(s)...)
	for _, h := range t.clean {
		as, n := provable(h), len(t.hops)
		if !(s.servers.may(as) && s.RouteServers[as]) && (n == 0 || as == 0 || t.hops[n-1] != as) {
			t.hops = append(t.hops, as)
		}
	}
	if n := len(t.hops); r.external() && r.relationship != bgp.RouteServer && (n == 0 || t.hops[0] != r.asn) {
		t.hops = slices.Insert(t.hops, 0, r.asn) // it does not name itself, but has passed the route on
	}
	t.cutLoop()
	if r.relationship == bgp.Internal && len(t.hops) > 0 {
		if is, listed := s.Neighbours[t.hops[0]]; listed {
			t.neighbour = is
		}
	}
}

// external says whether the route came over a session of ours with another network.
func (r *route) external() bool {
	return r.relationship != bgp.Collector && r.relationship != bgp.Internal
}

// own are the ASNs at the head of the path that are none of another network, or of a route server that names itself.
func (r *route) own(s *Settings) []uint32 {
	switch r.relationship {
	case bgp.Internal:
		return []uint32{r.asn, r.local, s.OurASN}
	case bgp.RouteServer:
		return []uint32{r.asn}
	}
	return nil
}

// provable is the AS of a hop, 0 where it proves nothing.
func provable(h bgp.Hop) uint32 {
	if h.Set != nil || h.ASN == bgp.ASTrans {
		return 0
	}
	return h.ASN
}

// cutLoop takes off what stands right of the first AS that comes again.
func (t *trail) cutLoop() {
	if len(t.hops) > manyHops {
		t.cutLongLoop()
		return
	}
	for i, as := range t.hops {
		if as != 0 && slices.Contains(t.hops[i+1:], as) {
			t.hops = t.hops[:i+1]
			return
		}
	}
}

// manyHops is from where on a map is cheaper than looking at every pair.
const manyHops = 64

func (t *trail) cutLongLoop() {
	last := make(map[uint32]int, len(t.hops))
	for i, as := range t.hops {
		last[as] = i
	}
	for i, as := range t.hops {
		if as != 0 && last[as] != i {
			t.hops = t.hops[:i+1]
			return
		}
	}
}

// us stands for ourselves, one hop nearer than the nearest.
const us = -1

// way is how the route came to hop i, or to us, from the hop behind it.
func (t *trail) way(i int) way {
	switch {
	case i == us:
		return wayToUs[t.neighbour]
	case i+1 >= len(t.hops) || t.hops[i] == 0 || t.hops[i+1] == 0:
		return unknownWay
	case t.organisation(t.hops[i]) == t.organisation(t.hops[i+1]):
		return inside
	}
	return t.Relationships.way(t.hops[i+1], t.hops[i])
}

// wayToUs is how a route comes to us, by what the neighbour is to us.
var wayToUs = [...]way{
	bgp.Collector:   unknownWay,
	bgp.Provider:    down,
	bgp.Peer:        sideways,
	bgp.Customer:    up,
	bgp.RouteServer: sideways,
	bgp.RSClient:    sideways,
	bgp.Internal:    unknownWay,
}

// suspects are the hops from the one to the other, each included, that can have leaked the route: not those that are known to have it
// from a customer, or to have passed it to one. Where all are known so, it is all of them. The nearest comes first.
func (t *trail) suspects(from, to int) []int {
	var all, open []int
	for i := from; i <= to; i++ {
		all = append(all, i)
		if t.way(i) != up && t.way(i-1) != down {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return all
	}
	return open
}

// find gives the hop at which an AS stands.
func (t *trail) find(as uint32) (int, bool) {
	i := slices.Index(t.hops, as)
	return i, i >= 0
}

// list names hops, the nearest first, and counts those beyond the first few.
func (t *trail) list(from, to int) string {
	var words []string
	for i := from; i <= to && len(words) < manyNames; i++ {
		words = append(words, t.name(i))
	}
	if more := to - from + 1 - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, " ")
}
