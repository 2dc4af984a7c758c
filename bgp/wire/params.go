package wire

import "peervane/bgp"

// Params is what both sides agreed on, as far as it changes how UPDATEs read. The ASNs and the role change nothing
// here; they go with it for those who judge the routes.
type Params struct {
	AS4           bool // both advertised 4-octet ASNs (RFC 6793)
	IBGP          bool
	Extended      bool                  // RFC 8654
	Confederation bool                  // the neighbour is of our confederation (RFC 5065)
	Families      [bgp.NumFamilies]bool // others are ignored
	AddPath       [bgp.NumFamilies]bool // NLRI carry a path identifier (RFC 7911)
	PeerASN       uint32
	LocalASN      uint32
	Role          bgp.Relationship // what the neighbour is to us
}

// MaxLen is the longest message that the neighbour may send.
func (p Params) MaxLen() int {
	if p.Extended {
		return MaxExtendedLen
	}
	return MaxLen
}
