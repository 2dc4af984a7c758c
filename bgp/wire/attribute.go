package wire

import "encoding/binary"

// The path attributes that are read here. Any other is passed over unread.
const (
	attrOrigin           = 1
	attrASPath           = 2
	attrNextHop          = 3
	attrMED              = 4
	attrLocalPref        = 5
	attrAtomicAggregate  = 6
	attrAggregator       = 7
	attrCommunities      = 8
	attrOriginatorID     = 9
	attrClusterList      = 10
	attrMPReach          = 14
	attrMPUnreach        = 15
	attrExtCommunities   = 16
	attrAS4Path          = 17
	attrAS4Aggregator    = 18
	attrLargeCommunities = 32 // RFC 8092
	attrOTC              = 35 // RFC 9234

	attributes = attrOTC + 1
)

// Attribute flags (RFC 4271 section 4.3).
const (
	flagOptional       = 0x80
	flagTransitive     = 0x40
	flagExtendedLength = 0x10

	wellKnown             = flagTransitive
	optionalTransitive    = flagOptional | flagTransitive
	optionalNonTransitive = flagOptional
)

// attributeRules says what each attribute must look like: its flags, and its length where that is fixed, or a
// multiple of something and not zero. No length means that it is looked at further.
var attributeRules = [attributes]struct {
	name     string
	flags    uint8
	length   int
	multiple int
}{
	attrOrigin:           {"ORIGIN", wellKnown, 1, 0},
	attrASPath:           {"AS_PATH", wellKnown, 0, 0},
	attrNextHop:          {"NEXT_HOP", wellKnown, 4, 0},
	attrMED:              {"MULTI_EXIT_DISC", optionalNonTransitive, 4, 0},
	attrLocalPref:        {"LOCAL_PREF", wellKnown, 4, 0},
	attrAtomicAggregate:  {"ATOMIC_AGGREGATE", wellKnown, 0, 0},
	attrAggregator:       {"AGGREGATOR", optionalTransitive, 0, 0},
	attrCommunities:      {"COMMUNITIES", optionalTransitive, 0, 4},
	attrOriginatorID:     {"ORIGINATOR_ID", optionalNonTransitive, 4, 0},
	attrClusterList:      {"CLUSTER_LIST", optionalNonTransitive, 0, 4},
	attrMPReach:          {"MP_REACH_NLRI", optionalNonTransitive, 0, 0},
	attrMPUnreach:        {"MP_UNREACH_NLRI", optionalNonTransitive, 0, 0},
	attrExtCommunities:   {"EXTENDED COMMUNITIES", optionalTransitive, 0, 8},
	attrAS4Path:          {"AS4_PATH", optionalTransitive, 0, 0},
	attrAS4Aggregator:    {"AS4_AGGREGATOR", optionalTransitive, 8, 0},
	attrLargeCommunities: {"LARGE_COMMUNITY", optionalTransitive, 0, 12},
	attrOTC:              {"OTC", optionalTransitive, 4, 0},
}

// scanAttributes walks the attribute list. Where an attribute exceeds the list, the list's own length still tells
// where the NLRI begin (RFC 7606 section 4). It gives false after SessionReset.
func (u *Update) scanAttributes(list span) bool {
	at, end := int(list.from), int(list.to)
	for at < end {
		flags, header := u.body[at], 3
		if flags&flagExtendedLength != 0 {
			header = 4
		}
		value := at + header
		if value > end {
			u.fault(TreatAsWithdraw, ReasonAttributeList, 0, at)
			return true
		}
		code, length := u.body[at+1], int(u.body[value-1])
		if header == 4 {
			length |= int(u.body[at+2]) << 8
		}
		next := value + length
		if next > end {
			u.fault(TreatAsWithdraw, ReasonAttributeList, code, at)
			return true
		}
		if !u.scanAttribute(attribute{code, flags, uint16(at), span{uint16(value), uint16(next)}}) {
			return false
		}
		at = next
	}
	return true
}

// attribute is one path attribute as it stands in the list.
type attribute struct {
	code, flags uint8
	at          uint16
	value       span
}

// scanAttribute keeps an attribute that is sound and known, and judges any other. It gives false after SessionReset.
func (u *Update) scanAttribute(a attribute) bool {
	if u.has(a.code) {
		return u.duplicate(a)
	}
	u.seen[a.code>>6] |= 1 << (a.code & 63)
	switch {
	case a.code >= attributes || attributeRules[a.code].flags == 0:
		return u.unrecognized(a)
	case a.code == attrMPReach:
		return u.scanReach(a)
	case a.code == attrMPUnreach:
		return u.scanUnreach(a)
	}
	if verdict, reason := u.check(a); verdict != OK {
		u.fault(verdict, reason, a.code, int(a.at))
		return true
	}
	u.kept |= 1 << a.code
	u.values[a.code] = a.value
	return true
}

// duplicate keeps the first of its kind, except that two lists of NLRI cannot be one (RFC 7606 section 3 (g)).
func (u *Update) duplicate(a attribute) bool {
	if (a.code == attrMPReach || a.code == attrMPUnreach) && !u.rib {
		u.reset(SubMalformedAttributes, ReasonDuplicate, a.code, int(a.at), nil)
		return false
	}
	u.fault(AttributeDiscard, ReasonDuplicate, a.code, int(a.at))
	return true
}

// unrecognized passes over what is optional. What calls itself well-known and is not ends the session: RFC 7606 leaves
// RFC 4271 section 6.3 as it was there.
func (u *Update) unrecognized(a attribute) bool {
	if a.flags&flagOptional != 0 {
		return true
	}
	u.reset(SubUnrecognizedWellKnown, ReasonUnrecognized, a.code, int(a.at), u.body[a.at:a.value.to])
	return u.rib
}

// check judges one attribute that is known and not a list of NLRI.
func (u *Update) check(a attribute) (Verdict, Reason) {
	if reason := u.unwanted(a.code); reason != 0 {
		return AttributeDiscard, reason
	}
	// RFC 7606 section 3 (f): what is merely informational is discarded where others cost the route.
	worse := TreatAsWithdraw
	if a.code == attrAtomicAggregate || a.code == attrAggregator {
		worse = AttributeDiscard
	}
	rule, value := &attributeRules[a.code], u.bytes(a.value)
	if (a.flags^rule.flags)&optionalTransitive != 0 {
		return worse, ReasonFlags
	}
	if a.code == attrAS4Aggregator {
		worse = AttributeDiscard // RFC 6793 section 6
	}
	if rule.length != 0 && len(value) != rule.length {
		return worse, ReasonLength
	}
	if rule.multiple != 0 && (len(value) == 0 || len(value)%rule.multiple != 0) {
		return worse, ReasonLength
	}
	switch a.code {
	case attrOrigin:
		if value[0] > 2 {
			return worse, ReasonValue
		}
	case attrAtomicAggregate:
		if len(value) != 0 {
			return worse, ReasonLength
		}
	case attrAggregator, attrAS4Aggregator:
		if reason := checkAggregator(value, u.width(a.code)); reason != 0 {
			return worse, reason
		}
	case attrASPath, attrAS4Path:
		return u.checkPath(a)
	}
	return OK, 0
}

// unwanted gives the reason why an attribute is discarded unread, or 0.
func (u *Update) unwanted(code uint8) Reason {
	switch code {
	case attrLocalPref:
		if !u.params.IBGP && !u.params.Confederation {
			return ReasonExternal // RFC 7606 section 7.5, RFC 5065 section 4.2
		}
	case attrOriginatorID, attrClusterList:
		if !u.params.IBGP {
			return ReasonExternal // RFC 7606 sections 7.9 and 7.10
		}
	case attrAS4Path, attrAS4Aggregator:
		if u.params.AS4 {
			return ReasonNewSpeaker // RFC 6793 section 4.1
		}
	}
	return 0
}

// width is how many octets an ASN has in that attribute (RFC 6793).
func (u *Update) width(code uint8) int {
	if u.params.AS4 || code == attrAS4Path || code == attrAS4Aggregator {
		return 4
	}
	return 2
}

func checkAggregator(value []byte, width int) Reason {
	if len(value) != width+4 {
		return ReasonLength
	}
	if asnAt(value, width) == 0 {
		return ReasonASZero
	}
	return 0
}

// asnAt reads the ASN that b begins with.
func asnAt(b []byte, width int) uint32 {
	if width == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return uint32(binary.BigEndian.Uint16(b))
}
