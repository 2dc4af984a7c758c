package wire

import (
	"encoding/binary"

	"peervane/bgp"
)

// multiprotocol is an MP_REACH_NLRI or MP_UNREACH_NLRI (RFC 4760).
type multiprotocol struct {
	state   presence
	family  bgp.Family
	nextHop span
	nlri    span
}

// presence says whether an attribute came, and whether it is of a family that is learnt.
type presence uint8

const (
	absent presence = iota
	passedOver
	learnt
)

// scanReach reads MP_REACH_NLRI. Each of its faults leaves the NLRI in doubt, so each ends the session
// (RFC 7606 sections 5.3 and 7.11).
func (u *Update) scanReach(a attribute) bool {
	if u.rib {
		return u.scanReachRIB(a)
	}
	value := u.bytes(a.value)
	if !u.soundMP(a, 5) {
		return false
	}
	hop := int(value[3])
	nlri := 4 + hop + 1 // one reserved octet follows the next hop
	u.reachable = u.reachable || nlri < len(value)
	if !u.learns(a, &u.reach) {
		return true
	}
	if nlri > len(value) || !soundNextHop(u.reach.family, hop) {
		return u.badMP(a, ReasonNextHopLength, 3)
	}
	u.reach.nextHop = span{a.value.from + 4, a.value.from + 4 + uint16(hop)}
	u.reach.nlri = span{a.value.from + uint16(nlri), a.value.to}
	return u.soundNLRI(a, &u.reach)
}

// scanUnreach reads MP_UNREACH_NLRI.
func (u *Update) scanUnreach(a attribute) bool {
	if u.rib || !u.soundMP(a, 3) {
		return u.rib
	}
	if !u.learns(a, &u.unreach) {
		return true
	}
	u.unreach.nlri = span{a.value.from + 3, a.value.to}
	return u.soundNLRI(a, &u.unreach)
}

// scanReachRIB takes the next hop from an MP_REACH_NLRI that is abbreviated, or, as some dumpers leave it, whole.
// A whole one begins with the zero octet of its AFI, which no length of a next hop is.
// The next hop is evidence only: without one the route still stands.
func (u *Update) scanReachRIB(a attribute) bool {
	value, skip := u.bytes(a.value), 0
	if len(value) > 3 && value[0] == 0 {
		skip = 3
	}
	if len(value) <= skip || skip+1+int(value[skip]) > len(value) || !soundNextHop(u.reach.family, int(value[skip])) {
		u.fault(AttributeDiscard, ReasonNextHopLength, a.code, int(a.at))
		return true
	}
	from := a.value.from + uint16(skip) + 1
	u.reach.state, u.reach.nextHop = learnt, span{from, from + uint16(value[skip])}
	return true
}

// soundMP checks flags and least length, which come before any question of family (RFC 7606 section 5.3).
func (u *Update) soundMP(a attribute, least uint16) bool {
	if (a.flags^optionalNonTransitive)&optionalTransitive != 0 {
		return u.badMP(a, ReasonFlags, 0)
	}
	if a.value.to-a.value.from < least {
		return u.badMP(a, ReasonLength, 0)
	}
	return true
}

// badMP ends the session with the NOTIFICATION of RFC 4760 section 7.
func (u *Update) badMP(a attribute, r Reason, offset int) bool {
	u.reset(SubOptionalAttribute, r, a.code, int(a.value.from)+offset, u.body[a.at:a.value.to])
	return false
}

// learns finds the family of an attribute, and whether it was agreed on.
func (u *Update) learns(a attribute, mp *multiprotocol) bool {
	value := u.bytes(a.value)
	f, known := familyOf(binary.BigEndian.Uint16(value), value[2])
	if !known || !u.params.Families[f] {
		mp.state = passedOver
		u.fault(OK, ReasonFamily, a.code, int(a.at))
		return false
	}
	mp.state, mp.family = learnt, f
	return true
}

func (u *Update) soundNLRI(a attribute, mp *multiprotocol) bool {
	bad := badNLRI(u.bytes(mp.nlri), mp.family, u.params.AddPath[mp.family])
	if bad >= 0 {
		return u.badMP(a, ReasonNLRI, int(mp.nlri.from-a.value.from)+bad)
	}
	return true
}

// soundNextHop knows the lengths of next hops: one IPv6 address or two (RFC 2545 section 3), also for IPv4 routes
// (RFC 8950 section 3).
func soundNextHop(f bgp.Family, length int) bool {
	return length == 16 || length == 32 || f == bgp.IPv4 && length == 4
}
