package rib

import (
	"encoding/binary"
	"net/netip"

	"peervane/bgp"
)

// Prefixes are keyed by the bits that can be set in them: 4 bytes for IPv4, 8 for IPv6 up to /64, 16 beyond. The
// length stands beside the key.

func key4(p netip.Prefix) uint32 {
	a := p.Addr().As4()
	return binary.BigEndian.Uint32(a[:])
}

func prefix4(k uint32, length uint8) netip.Prefix {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], k)
	return netip.PrefixFrom(netip.AddrFrom4(a), int(length))
}

func key6(p netip.Prefix) uint64 {
	a := p.Addr().As16()
	return binary.BigEndian.Uint64(a[:])
}

func prefix6(k uint64, length uint8) netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], k)
	return netip.PrefixFrom(netip.AddrFrom16(a), int(length))
}

func keyLong(p netip.Prefix) [2]uint64 {
	a := p.Addr().As16()
	return [2]uint64{binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:])}
}

func prefixLong(k [2]uint64, length uint8) netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], k[0])
	binary.BigEndian.PutUint64(a[8:], k[1])
	return netip.PrefixFrom(netip.AddrFrom16(a), int(length))
}

// shortBits is the longest IPv6 prefix with a key of 8 bytes.
const shortBits = 64

func isLong(p netip.Prefix) bool { return p.Bits() > shortBits && bgp.FamilyOf(p) == bgp.IPv6 }

// golden is 2^64 divided by the golden ratio: an odd factor that moves small numbers far apart.
const golden = 0x9e3779b97f4a7c15

// mix spreads 64 bits over 32. It is the finisher of splitmix64.
func mix(x uint64) uint32 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return uint32(x >> 32)
}

func hash4(seed uint64, k uint32, length uint8) uint32 {
	return mix(seed ^ (uint64(k)<<8 | uint64(length)))
}

func hash6(seed uint64, k uint64, length uint8) uint32 {
	return mix(seed ^ (k + uint64(length)*golden))
}

func hashLong(seed uint64, k [2]uint64, length uint8) uint32 {
	return mix(seed ^ (k[0] + uint64(mix(seed^k[1]))*golden + uint64(length)*golden))
}
