package notice

import (
	"net/netip"

	"peervane/bgp"
)

// Cause is the change of the route to a POP that a latency incident came with. A route that there was not, or is not any more,
// has no next hop.
type Cause struct {
	Vantage      string       `json:"vantage"`
	Neighbour    netip.Addr   `json:"neighbour"`
	NeighbourASN uint32       `json:"neighbour_asn"`
	Prefix       netip.Prefix `json:"prefix"` // that the address of the POP lies in
	At           Time         `json:"at"`     // of the first UPDATE
	Updates      int          `json:"updates"`
	OldPath      string       `json:"old_path"`
	NewPath      string       `json:"new_path"`
	OldNextHop   netip.Addr   `json:"old_next_hop"`
	NewNextHop   netip.Addr   `json:"new_next_hop"`
}

// CauseOf tells of a change; nil where there was none.
func CauseOf(c *bgp.RouteChange) *Cause {
	if c == nil {
		return nil
	}
	v := c.Vantage()
	out := &Cause{
		Vantage: v.Name, Neighbour: v.Addr.WithZone(""), NeighbourASN: v.ASN, Prefix: c.Prefix(), At: At(c.At), Updates: c.Updates,
	}
	if a := c.Old.Attrs; a != nil {
		out.OldPath, out.OldNextHop = a.Path.String(), a.NextHop
	}
	if a := c.New.Attrs; a != nil {
		out.NewPath, out.NewNextHop = a.Path.String(), a.NextHop
	}
	return out
}
