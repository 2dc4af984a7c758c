package rib

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"peervane/bgp"
)

// Prefixes are keyed by the bits that can be set in them: 4 bytes for IPv4, 8 for IPv6 up to /64, 16 beyond. The length
// stands beside the key. Keys are mixed by a function that can be undone, so that the mixed key alone is kept: it says where
// the route stands and which it is. A secret seed goes in, so that a neighbour cannot choose prefixes that crowd together.

// shortBits is the longest IPv6 prefix with a key of 8 bytes.
const shortBits = 64

func isLong(p netip.Prefix) bool { return p.Bits() > shortBits && bgp.FamilyOf(p) == bgp.IPv6 }

// mixer mixes keys.
type mixer struct {
	seed        uint64
	odd, undo   uint64
	odd4, undo4 [2]uint32
}

func newMixer(seed uint64) mixer {
	odd := mix64(seed^golden) | 1
	m := mixer{seed: seed, odd: odd, undo: inverse(odd)}
	m.odd4 = [2]uint32{uint32(odd), uint32(odd>>32) | 1}
	for i, odd := range m.odd4 {
		m.undo4[i] = uint32(inverse(uint64(odd)))
	}
	return m
}

// golden is 2^64 divided by the golden ratio: an odd factor that moves small numbers far apart.
const golden = 0x9e3779b97f4a7c15

// inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits that are right.
func inverse(odd uint64) uint64 {
	x := odd
	for range 5 {
		x *= 2 - odd*x
	}
	return x
}

// tweak is what the length of a prefix adds.
func tweak(length uint8) uint64 { return uint64(length) * golden }

// key4 mixes 32 bits: two multiplications by secret odd numbers, with the upper half folded into the lower one before
// each, so that every bit moves all.
func (m *mixer) key4(p netip.Prefix) uint32 {
	a := p.Addr().As4()
	x := binary.BigEndian.Uint32(a[:]) ^ uint32((m.seed+tweak(uint8(p.Bits())))>>32)
	x = (x ^ x>>16) * m.odd4[0]
	x = (x ^ x>>15) * m.odd4[1]
	return x ^ x>>16
}

func (m *mixer) prefix4(x uint32, length uint8) netip.Prefix {
	x = (x ^ x>>16) * m.undo4[1]
	x = (x ^ x>>15 ^ x>>30) * m.undo4[0]
	x = x ^ x>>16 ^ uint32((m.seed+tweak(length))>>32)
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], x)
	return netip.PrefixFrom(netip.AddrFrom4(a), int(length))
}

// key6 mixes the upper 64 bits.
func (m *mixer) key6(p netip.Prefix) uint64 {
	a := p.Addr().As16()
	return m.mix(binary.BigEndian.Uint64(a[:]), uint8(p.Bits()))
}

func (m *mixer) prefix6(x uint64, length uint8) netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], m.unmix(x, length))
	return netip.PrefixFrom(netip.AddrFrom16(a), int(length))
}

// keyLong mixes all 128 bits: the lower half, then the upper one together with it.
func (m *mixer) keyLong(p netip.Prefix) [2]uint64 {
	a := p.Addr().As16()
	low := m.mix(binary.BigEndian.Uint64(a[8:]), uint8(p.Bits()))
	return [2]uint64{m.mix(binary.BigEndian.Uint64(a[:])^low, 0), low}
}

func (m *mixer) prefixLong(x [2]uint64, length uint8) netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], m.unmix(x[0], 0)^x[1])
	binary.BigEndian.PutUint64(a[8:], m.unmix(x[1], length))
	return netip.PrefixFrom(netip.AddrFrom16(a), int(length))
}

func (m *mixer) mix(x uint64, length uint8) uint64 {
	return mix64((x ^ m.seed ^ tweak(length)) * m.odd)
}

func (m *mixer) unmix(x uint64, length uint8) uint64 {
	return unmix64(x)*m.undo ^ m.seed ^ tweak(length)
}

// mix64 is the finisher of splitmix64; unmix64 undoes it.
func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func unmix64(x uint64) uint64 {
	x = (x ^ x>>31 ^ x>>62) * 0x319642b2d24d8ec3
	x = (x ^ x>>27 ^ x>>54) * 0x96de1b173f119089
	return x ^ x>>30 ^ x>>60
}

// order gives the first word of a key, by which it is ordered.
func order[K comparable](k K) uint64 {
	if unsafe.Sizeof(k) == 4 {
		return uint64(*(*uint32)(unsafe.Pointer(&k))) << 32
	}
	return *(*uint64)(unsafe.Pointer(&k))
}

func lengthOf(p netip.Prefix) uint8 { return uint8(p.Bits()) }
