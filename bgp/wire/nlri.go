package wire

import (
	"encoding/binary"
	"net/netip"

	"peervane/bgp"
)

// NLRI is what an UPDATE names.
type NLRI = bgp.NLRI

// pathIDLen is the length of the path identifier before each prefix.
const pathIDLen = 4

// badNLRI finds the first syntax error in a list of prefixes and gives its offset, or -1 (RFC 7606 section 5.3).
func badNLRI(b []byte, f bgp.Family, addPath bool) int {
	skip := 0
	if addPath {
		skip = pathIDLen
	}
	most := f.Bits()
	for at := 0; at < len(b); {
		if at+skip >= len(b) {
			return at
		}
		bits := int(b[at+skip])
		next := at + skip + 1 + (bits+7)/8
		if bits > most || next > len(b) {
			return at
		}
		at = next
	}
	return -1
}

// Withdrawn yields what the UPDATE withdraws, in wire order: for n := range u.Withdrawn. After TreatAsWithdraw
// that includes what it announces. Apply it before Announced: a route that stands in both is announced
// (RFC 4271 section 4.3).
func (u *Update) Withdrawn(yield func(NLRI) bool) {
	if u.verdict == SessionReset || u.rib {
		return
	}
	if u.walk(u.withdrawn, bgp.IPv4, yield) && u.walk(u.unreach.nlri, u.unreach.family, yield) &&
		u.verdict == TreatAsWithdraw {
		u.announced(yield)
	}
}

// Announced yields what the UPDATE announces, in wire order: for n := range u.Announced.
func (u *Update) Announced(yield func(NLRI) bool) {
	if u.verdict <= AttributeDiscard && !u.rib {
		u.announced(yield)
	}
}

// AppendAnnounced appends what Announced yields, without a call for each.
func (u *Update) AppendAnnounced(to []NLRI) []NLRI {
	if u.verdict > AttributeDiscard || u.rib {
		return to
	}
	return u.appendList(u.appendList(to, u.reach.nlri, u.reach.family), u.nlri, bgp.IPv4)
}

// Near says of a prefix, by its octets on the wire and its length in bits, whether it may concern somebody; false is certain. Bits
// beyond the length may be set.
type Near interface {
	Near(f bgp.Family, octets []byte, bits int) bool
}

// AppendNear is AppendAnnounced of the routes that may concern somebody, and tells how many there are of each family in all.
func (u *Update) AppendNear(to []NLRI, who Near) (_ []NLRI, all [bgp.NumFamilies]int) {
	if u.verdict > AttributeDiscard || u.rib {
		return to, all
	}
	to = u.appendNear(to, u.reach.nlri, u.reach.family, who, &all)
	return u.appendNear(to, u.nlri, bgp.IPv4, who, &all), all
}

func (u *Update) appendNear(to []NLRI, list span, f bgp.Family, who Near, all *[bgp.NumFamilies]int) []NLRI {
	b, addPath, id := u.bytes(list), u.params.AddPath[f], 0
	if addPath {
		id = pathIDLen
	}
	n := 0
	for at := 0; at < len(b); n++ {
		value := at + id + 1
		bits := int(b[value-1])
		next := value + (bits+7)/8
		if who.Near(f, b[value:next], bits) {
			route, _ := cutNLRI(b[at:], f, addPath)
			to = append(to, route)
		}
		at = next
	}
	all[f] += n
	return to
}

func (u *Update) announced(yield func(NLRI) bool) {
	if u.walk(u.reach.nlri, u.reach.family, yield) {
		u.walk(u.nlri, bgp.IPv4, yield)
	}
}

// walk yields the prefixes of a list that badNLRI has found sound, until yield has had enough.
func (u *Update) walk(list span, f bgp.Family, yield func(NLRI) bool) bool {
	for b, n := u.bytes(list), (NLRI{}); len(b) > 0; {
		if n, b = cutNLRI(b, f, u.params.AddPath[f]); !yield(n) {
			return false
		}
	}
	return true
}

func (u *Update) appendList(to []NLRI, list span, f bgp.Family) []NLRI {
	b, addPath := u.bytes(list), u.params.AddPath[f]
	for at := 0; at < len(b); {
		to = append(to, NLRI{}) // and set there, since it is long
		n := &to[len(to)-1]
		if addPath {
			n.PathID = binary.BigEndian.Uint32(b[at:])
			at += pathIDLen
		}
		bits := int(b[at])
		octets := b[at+1 : at+1+(bits+7)/8]
		if f == bgp.IPv4 {
			n.Prefix = prefix4(octets, bits)
		} else {
			n.Prefix = prefix6(octets, bits)
		}
		at += 1 + len(octets)
	}
	return to
}

// cutNLRI reads the prefix that b begins with.
func cutNLRI(b []byte, f bgp.Family, addPath bool) (n NLRI, rest []byte) {
	if addPath {
		n.PathID, b = binary.BigEndian.Uint32(b), b[pathIDLen:]
	}
	bits := int(b[0])
	size := 1 + (bits+7)/8
	if f == bgp.IPv4 {
		n.Prefix = prefix4(b[1:size], bits)
	} else {
		n.Prefix = prefix6(b[1:size], bits)
	}
	return n, b[size:]
}

// prefix4 masks, since bits beyond the length have no meaning (RFC 4271 section 4.3).
func prefix4(b []byte, bits int) netip.Prefix {
	var x uint32
	switch len(b) { // copying a variable number of bytes would cost as much as all else
	case 4:
		x = binary.BigEndian.Uint32(b)
	case 3:
		x = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8
	case 2:
		x = uint32(b[0])<<24 | uint32(b[1])<<16
	case 1:
		x = uint32(b[0]) << 24
	}
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], x&(0xffffffff<<(32-bits)))
	return netip.PrefixFrom(netip.AddrFrom4(a), bits)
}

func prefix6(b []byte, bits int) netip.Prefix {
	var a [16]byte
	copy(a[:], b)
	if odd := bits & 7; odd != 0 {
		a[len(b)-1] &= 0xff << (8 - odd)
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), bits)
}
