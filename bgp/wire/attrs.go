package wire

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"

	"peervane/bgp"
)

// keeps says whether an attribute came and was sound.
func (u *Update) keeps(code uint8) bool { return u.kept&(1<<code) != 0 }

// value is the value of an attribute that was kept; without one it is empty.
func (u *Update) value(code uint8) []byte {
	if !u.keeps(code) {
		return nil
	}
	return u.bytes(u.values[code])
}

// Key identifies the attributes of the announced routes of family f: equal keys have equal Attrs, whatever session
// they came from. It holds neither NLRI nor what Attrs leaves out, so that more routes share one. It is valid until
// the next call of Key or Scan. After anything worse than AttributeDiscard it is nil.
func (u *Update) Key(f bgp.Family) []byte {
	if u.verdict > AttributeDiscard {
		return nil
	}
	hop := u.nextHop(f)
	key := append(u.key[:0], byte(u.width(attrASPath)), byte(len(hop)))
	key = append(key, hop...)
	for left := u.kept &^ (1 << attrNextHop); left != 0; left &= left - 1 {
		code := bits.TrailingZeros64(left)
		value := u.bytes(u.values[code])
		key = append(key, byte(code), byte(len(value)>>8), byte(len(value)))
		key = append(key, value...)
	}
	u.key = key
	return key
}

// nextHop finds the next hop of the announced routes of family f. IPv4 routes may come with NEXT_HOP in the NLRI field, or
// with MP_REACH_NLRI; where one message does both, the former counts for all.
func (u *Update) nextHop(f bgp.Family) []byte {
	if f == bgp.IPv4 && u.keeps(attrNextHop) && (!u.nlri.empty() || u.reach.state != learnt || u.reach.family != f) {
		return u.value(attrNextHop)
	}
	if u.reach.state == learnt && u.reach.family == f {
		return u.bytes(u.reach.nextHop)
	}
	return nil
}

// Attrs decodes the attributes of the announced routes of family f, AS4_PATH and AS4_AGGREGATOR merged in
// (RFC 6793). It cannot fail: Scan has validated what it reads. The result shares nothing with the message.
// After anything worse than AttributeDiscard it is nil.
func (u *Update) Attrs(f bgp.Family) *bgp.Attrs {
	if u.verdict > AttributeDiscard {
		return nil
	}
	a := &bgp.Attrs{
		Path:            u.path(),
		NextHop:         addrOf(u.nextHop(f)),
		AtomicAggregate: u.keeps(attrAtomicAggregate),
		Aggregator:      u.aggregator(),
		OriginatorID:    addrOf(u.value(attrOriginatorID)),
	}
	if u.keeps(attrOrigin) {
		a.Origin = bgp.Origin(u.value(attrOrigin)[0])
	}
	a.MED, a.HasMED = u.number(attrMED)
	a.LocalPref, a.HasLocalPref = u.number(attrLocalPref)
	a.OTC, a.HasOTC = u.number(attrOTC)
	a.Communities = decodeList(u.value(attrCommunities), 4, communityOf)
	a.ExtCommunities = decodeList(u.value(attrExtCommunities), 8, extCommunityOf)
	a.LargeCommunities = distinct(decodeList(u.value(attrLargeCommunities), 12, largeCommunityOf))
	a.ClusterList = decodeList(u.value(attrClusterList), 4, addrOf)
	return a
}

// number reads an attribute of one 4-octet number.
func (u *Update) number(code uint8) (n uint32, ok bool) {
	if !u.keeps(code) {
		return 0, false
	}
	return binary.BigEndian.Uint32(u.value(code)), true
}

// aggregator prefers AS4_AGGREGATOR where AGGREGATOR says AS_TRANS (RFC 6793 section 4.2.3). Alone, it says nothing.
func (u *Update) aggregator() bgp.Aggregator {
	if !u.keeps(attrAggregator) {
		return bgp.Aggregator{}
	}
	code := uint8(attrAggregator)
	if u.keeps(attrAS4Aggregator) && !u.aggregatedByOld() {
		code = attrAS4Aggregator
	}
	value, width := u.value(code), u.width(code)
	return bgp.Aggregator{ASN: asnAt(value, width), Addr: addrOf(value[width:])}
}

// addrOf reads an address of 4 or 16 octets. Of two IPv6 ones the first is the global one (RFC 2545 section 3), unless it
// is missing.
func addrOf(b []byte) netip.Addr {
	if len(b) == 32 {
		if first := netip.AddrFrom16([16]byte(b)); !first.IsUnspecified() {
			return first
		}
		b = b[16:]
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func decodeList[T any](b []byte, size int, decode func([]byte) T) []T {
	if len(b) == 0 {
		return nil
	}
	list := make([]T, 0, len(b)/size)
	for chunk := range slices.Chunk(b, size) {
		list = append(list, decode(chunk))
	}
	return list
}

func communityOf(b []byte) bgp.Community       { return bgp.Community(binary.BigEndian.Uint32(b)) }
func extCommunityOf(b []byte) bgp.ExtCommunity { return bgp.ExtCommunity(b) }

func largeCommunityOf(b []byte) bgp.LargeCommunity {
	return bgp.LargeCommunity{
		Global: binary.BigEndian.Uint32(b),
		Local1: binary.BigEndian.Uint32(b[4:]),
		Local2: binary.BigEndian.Uint32(b[8:]),
	}
}

// distinct removes repeats, as RFC 8092 section 5 asks of the receiver of large communities.
func distinct(list []bgp.LargeCommunity) []bgp.LargeCommunity {
	if len(list) < 2 {
		return list
	}
	seen := make(map[bgp.LargeCommunity]bool, len(list))
	return slices.DeleteFunc(list, func(c bgp.LargeCommunity) bool {
		again := seen[c]
		seen[c] = true
		return again
	})
}
