package source

import (
	"encoding/binary"
	"net/netip"
)

// cursor reads fields one after the other. Beyond the end it gives zeros and remembers that it did.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) uint8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// asn reads an ASN of 4 or 2 octets.
func (c *cursor) asn(wide bool) uint32 {
	if wide {
		return c.uint32()
	}
	return uint32(c.uint16())
}

// addr reads an address of the given family number; others are not valid.
func (c *cursor) addr(v6 bool) netip.Addr {
	size := 4
	if v6 {
		size = 16
	}
	a, _ := netip.AddrFromSlice(c.take(size))
	return a
}

// prefix reads a length and as many octets as it needs, and masks.
func (c *cursor) prefix(v6 bool) (p netip.Prefix, ok bool) {
	bits := int(c.uint8())
	b := c.take((bits + 7) / 8)
	if c.short || bits > 128 || !v6 && bits > 32 {
		return p, false
	}
	var a [16]byte
	copy(a[:], b)
	if v6 {
		return netip.PrefixFrom(netip.AddrFrom16(a), bits).Masked(), true
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte(a[:4])), bits).Masked(), true
}
