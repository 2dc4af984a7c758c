package bgp

import "net/netip"

// Family is an address family that peervane learns routes of: unicast only.
type Family uint8

// The families, in the order in which they are printed.
const (
	IPv4 Family = iota
	IPv6
	NumFamilies = 2
)

// Families lists every family, for loops.
var Families = [NumFamilies]Family{IPv4, IPv6}

// FamilyOf says which family a prefix is of.
func FamilyOf(p netip.Prefix) Family {
	if p.Addr().Is4() {
		return IPv4
	}
	return IPv6
}

// AFI is the family's number in RFC 4760.
func (f Family) AFI() uint16 { return uint16(f) + 1 }

// Bits is the length of an address in bits.
func (f Family) Bits() int {
	if f == IPv4 {
		return 32
	}
	return 128
}

func (f Family) String() string {
	if f == IPv4 {
		return "ipv4"
	}
	return "ipv6"
}
