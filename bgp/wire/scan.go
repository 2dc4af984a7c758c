package wire

import (
	"encoding/binary"
	"fmt"

	"peervane/bgp"
)

// Scan reads the body of one UPDATE (what follows the header) without allocation; only SessionReset allocates its
// error. It validates every length, so that whatever reads u afterwards cannot fail.
// Families that were not agreed on are passed over, with a remark.
func (p Params) Scan(body []byte, u *Update) Verdict {
	u.begin(p, body)
	attrs, ok := u.sections()
	if ok && u.scanAttributes(attrs) && u.scanFields() {
		u.judge()
	}
	return u.verdict
}

// ScanRIB reads a bare attribute block, as a RIB dump holds one for each route: its MP_REACH_NLRI may be abbreviated
// to the next hop (RFC 6396 section 4.3.4). The route itself, of family f, stands outside of the block, so Announced
// and Withdrawn give nothing; after TreatAsWithdraw the route is not to be trusted. It never gives SessionReset.
func (p Params) ScanRIB(block []byte, f bgp.Family, u *Update) Verdict {
	u.begin(p, block)
	u.rib = true
	u.reach.family = f
	if len(block) > MaxExtendedLen {
		u.reset(SubMalformedAttributes, ReasonSections, 0, 0, nil)
		return u.verdict
	}
	if u.scanAttributes(span{0, uint16(len(block))}) {
		u.require(attrOrigin)
		u.require(attrASPath)
	}
	return u.verdict
}

func (u *Update) begin(p Params, body []byte) {
	u.state = state{}
	u.params, u.body, u.err = p, body, nil
}

// sections finds the three variable fields of the body (RFC 4271 section 4.3). Where their lengths exceed the
// message, nothing can be told apart (section 6.3, which RFC 7606 section 3 (b) leaves as it was).
func (u *Update) sections() (attrs span, ok bool) {
	size := len(u.body)
	if size < 4 || size > MaxExtendedLen {
		u.reset(SubMalformedAttributes, ReasonSections, 0, 0, nil)
		return span{}, false
	}
	withdrawn := 2 + int(binary.BigEndian.Uint16(u.body))
	if withdrawn > size-2 {
		u.reset(SubMalformedAttributes, ReasonSections, 0, 0, nil)
		return span{}, false
	}
	end := withdrawn + 2 + int(binary.BigEndian.Uint16(u.body[withdrawn:]))
	if end > size {
		u.reset(SubMalformedAttributes, ReasonSections, 0, withdrawn, nil)
		return span{}, false
	}
	u.withdrawn = span{2, uint16(withdrawn)}
	u.nlri = span{uint16(end), uint16(size)}
	return span{uint16(withdrawn + 2), uint16(end)}, true
}

// scanFields checks the two IPv4 fields for correct syntax; a fault in either leaves the borders between prefixes
// unknown (RFC 7606 sections 3 (i), 3 (j) and 5.3).
func (u *Update) scanFields() bool {
	if u.withdrawn.empty() && u.nlri.empty() {
		return true
	}
	u.reachable = u.reachable || !u.nlri.empty()
	if !u.params.Families[bgp.IPv4] {
		u.fault(OK, ReasonFamily, 0, int(u.withdrawn.from))
		u.withdrawn, u.nlri = span{}, span{}
		return true
	}
	for _, field := range [...]span{u.withdrawn, u.nlri} {
		if bad := badNLRI(u.bytes(field), bgp.IPv4, u.params.AddPath[bgp.IPv4]); bad >= 0 {
			u.reset(SubInvalidNetworkField, ReasonNLRI, 0, int(field.from)+bad, nil)
			return false
		}
	}
	return true
}

// judge says what can only be said of the message as a whole.
func (u *Update) judge() {
	if !u.nlri.empty() || !u.reach.nlri.empty() {
		u.require(attrOrigin)
		u.require(attrASPath)
	}
	if !u.nlri.empty() {
		u.require(attrNextHop)
	}
	if u.verdict == TreatAsWithdraw && !u.reachable {
		// Nothing shows that the NLRI were found at all, so there is nothing to withdraw with confidence.
		u.reset(SubMalformedAttributes, ReasonNothingReached, 0, 0, nil)
	}
}

// require demands a well-known mandatory attribute (RFC 7606 section 3 (d)).
func (u *Update) require(code uint8) {
	if !u.has(code) {
		u.fault(TreatAsWithdraw, ReasonMissing, code, 0)
	}
}

// has says whether an attribute of that type came, in order or not.
func (u *Update) has(code uint8) bool { return u.seen[code>>6]&(1<<(code&63)) != 0 }

// AttributeName names a path attribute type as its RFC does, or by its number.
func AttributeName(code uint8) string {
	if code < attributes && attributeRules[code].name != "" {
		return attributeRules[code].name
	}
	return fmt.Sprintf("attribute %d", code)
}
