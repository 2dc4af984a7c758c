package wire

import "peervane/bgp"

// AppendUpdate appends whole UPDATE messages that announce and withdraw these routes under p, as many as the
// negotiated length makes necessary. IPv4 goes into the fields of RFC 4271 unless the next hop is IPv6; everything
// else into MP_REACH_NLRI and MP_UNREACH_NLRI. a may be nil where nothing is announced.
func AppendUpdate(dst []byte, p Params, a *bgp.Attrs, announced, withdrawn []NLRI) []byte {
	panic("unimplemented")
}

// AppendEndOfRIB appends the End-of-RIB marker of a family.
func AppendEndOfRIB(dst []byte, f bgp.Family) []byte { panic("unimplemented") }
