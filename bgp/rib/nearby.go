package rib

import (
	"encoding/binary"
	"net/netip"

	"peervane/bgp"
)

// nearby sorts prefixes by the block of addresses that they lie in, and says of most that none of the set is near: blocks are
// /16s of IPv4, and /32s of IPv6 by a hash. It is immutable, and takes 16 KiB.
type nearby struct {
	bits [bgp.NumFamilies][1 << nearbyBits / 64]uint64
	all  [bgp.NumFamilies]bool // a prefix of the set is so short that it lies in very many blocks
}

func nearbyOf(prefixes []netip.Prefix) *nearby { return new(nearby).with(prefixes) }

// with gives the set that has some prefixes more.
func (n *nearby) with(prefixes []netip.Prefix) *nearby {
	if len(prefixes) == 0 {
		return n
	}
	more := *n
	for _, p := range prefixes {
		more.add(p.Masked())
	}
	return &more
}

const (
	nearbyBits = 16
	blockBits4 = 16
	blockBits6 = 32
	mostBlocks = 12 // more bits of blocks are not enumerated
)

// blockOf gives the block that an address lies in, and how long a prefix must be to lie in one.
func blockOf(a netip.Addr) (block uint32, length int) {
	if a.Is4() {
		b := a.As4()
		return uint32(binary.BigEndian.Uint16(b[:])), blockBits4
	}
	b := a.As16()
	return binary.BigEndian.Uint32(b[:]), blockBits6
}

// bitOf is where a block stands.
func bitOf(block uint32, length int) uint32 {
	if length == blockBits6 {
		return block * 0x9e3779b1 >> (32 - nearbyBits)
	}
	return block
}

func (n *nearby) add(p netip.Prefix) {
	f := bgp.FamilyOf(p)
	block, length := blockOf(p.Addr())
	spread := max(0, length-p.Bits())
	if spread > mostBlocks {
		n.all[f] = true
		return
	}
	for i := range uint32(1) << spread {
		bit := bitOf(block+i, length)
		n.bits[f][bit/64] |= 1 << (bit % 64)
	}
}

// near is may of a prefix in wire form.
func (n *nearby) near(f bgp.Family, octets []byte, bits int) bool {
	var bit uint32
	switch {
	case n.all[f]:
		return true
	case f == bgp.IPv4:
		if bits < blockBits4 {
			return true
		}
		bit = bitOf(uint32(binary.BigEndian.Uint16(octets)), blockBits4)
	default:
		if bits < blockBits6 {
			return true
		}
		bit = bitOf(binary.BigEndian.Uint32(octets), blockBits6)
	}
	return n.bits[f][bit/64]&(1<<(bit%64)) != 0
}

// may says false only of prefixes that neither lie inside one of the set nor cover one.
func (n *nearby) may(p netip.Prefix) bool {
	f := bgp.FamilyOf(p)
	block, length := blockOf(p.Addr())
	if n.all[f] || p.Bits() < length {
		return true
	}
	bit := bitOf(block, length)
	return n.bits[f][bit/64]&(1<<(bit%64)) != 0
}
