package bgp

import "net/netip"

// NLRI is one prefix as an UPDATE names it; its family is FamilyOf(Prefix).
type NLRI struct {
	Prefix netip.Prefix // masked: bits beyond the length are zero
	PathID uint32       // RFC 7911; 0 without ADD-PATH
}
