package wire

import (
	"encoding/binary"
	"fmt"
)

// Lengths of messages, header included.
const (
	HeaderLen      = 19
	MaxLen         = 4096  // RFC 4271 section 4.1
	MaxExtendedLen = 65535 // RFC 8654
)

// Message types (RFC 4271 section 4.1, RFC 2918).
const (
	TypeOpen         uint8 = 1
	TypeUpdate       uint8 = 2
	TypeNotification uint8 = 3
	TypeKeepalive    uint8 = 4
	TypeRouteRefresh uint8 = 5
)

// minLen is the least length of each type, header included.
var minLen = [...]int{TypeOpen: 29, TypeUpdate: 23, TypeNotification: 21, TypeKeepalive: HeaderLen, TypeRouteRefresh: 23}

// ParseHeader reads the header that b begins with; b holds at least HeaderLen bytes. maxLen is MaxLen, or
// MaxExtendedLen where both sides advertised RFC 8654, which leaves OPEN and KEEPALIVE as they were. The length that
// it gives counts the header, and never exceeds maxLen.
func ParseHeader(b []byte, maxLen int) (typ uint8, length int, err *Error) {
	if len(b) < HeaderLen {
		return 0, 0, &Error{Code: CodeHeader, Subcode: SubBadLength, Reason: "message header is cut short"}
	}
	for _, octet := range b[:16] {
		if octet != 0xff {
			return 0, 0, &Error{Code: CodeHeader, Subcode: SubNotSynchronized, Reason: "marker is not all ones"}
		}
	}
	typ, length = b[18], int(binary.BigEndian.Uint16(b[16:]))
	if typ < TypeOpen || typ > TypeRouteRefresh {
		return 0, 0, &Error{CodeHeader, SubBadType, []byte{typ}, fmt.Sprintf("message type %d is unknown", typ)}
	}
	switch typ {
	case TypeOpen:
		maxLen = MaxLen
	case TypeKeepalive:
		maxLen = HeaderLen
	}
	if length < minLen[typ] || length > maxLen {
		reason := fmt.Sprintf("length %d of a message of type %d is outside %d to %d", length, typ, minLen[typ], maxLen)
		return 0, 0, &Error{CodeHeader, SubBadLength, []byte{b[16], b[17]}, reason}
	}
	return typ, length, nil
}

// AppendKeepalive appends a KEEPALIVE.
func AppendKeepalive(dst []byte) []byte {
	dst, start := beginMessage(dst, TypeKeepalive)
	return endMessage(dst, start)
}

// beginMessage appends a header whose length endMessage fills in.
func beginMessage(dst []byte, typ uint8) (out []byte, start int) {
	start = len(dst)
	for range 16 {
		dst = append(dst, 0xff)
	}
	return append(dst, 0, 0, typ), start
}

func endMessage(dst []byte, start int) []byte {
	binary.BigEndian.PutUint16(dst[start+16:], uint16(len(dst)-start))
	return dst
}
