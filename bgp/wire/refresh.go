package wire

import (
	"encoding/binary"
	"fmt"

	"peervane/bgp"
)

// Message subtypes of ROUTE-REFRESH (RFC 7313 section 3.2).
const (
	RefreshRequest uint8 = 0
	RefreshBegin   uint8 = 1 // BoRR
	RefreshEnd     uint8 = 2 // EoRR
)

// safiUnicast is the only SAFI that is learnt here.
const safiUnicast = 1

// familyOf maps the numbers of RFC 4760 to a family; ok is false for any that is not learnt here.
func familyOf(afi uint16, safi uint8) (f bgp.Family, ok bool) {
	if safi != safiUnicast || afi < bgp.IPv4.AFI() || afi > bgp.IPv6.AFI() {
		return 0, false
	}
	return bgp.Family(afi - bgp.IPv4.AFI()), true
}

// AppendRouteRefresh appends a ROUTE-REFRESH.
func AppendRouteRefresh(dst []byte, f bgp.Family, subtype uint8) []byte {
	dst, start := beginMessage(dst, TypeRouteRefresh)
	dst = binary.BigEndian.AppendUint16(dst, f.AFI())
	return endMessage(append(dst, subtype, safiUnicast), start)
}

// ParseRouteRefresh reads the body of a ROUTE-REFRESH (RFC 2918, RFC 7313). known is false for families and
// subtypes that are to be ignored. Its error holds the body alone: the whole message, header included, is the Data
// that RFC 7313 section 5 wants, so the caller, who has it, fills that in.
func ParseRouteRefresh(body []byte) (f bgp.Family, known bool, subtype uint8, err *Error) {
	if len(body) < 4 {
		return 0, false, 0, &Error{CodeHeader, SubBadLength, nil, "ROUTE-REFRESH is cut short"}
	}
	subtype = body[2]
	if subtype != RefreshRequest && len(body) != 4 {
		return 0, false, subtype, &Error{CodeRouteRefresh, SubBadRefreshLength, nil,
			fmt.Sprintf("ROUTE-REFRESH of subtype %d has %d bytes, not 4", subtype, len(body))}
	}
	f, known = familyOf(binary.BigEndian.Uint16(body), body[3])
	return f, known && subtype <= RefreshEnd, subtype, nil
}
