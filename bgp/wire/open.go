package wire

import (
	"encoding/binary"
	"fmt"

	"peervane/bgp"
)

// Version is the only version of BGP there is.
const Version = 4

// Open is an OPEN message.
type Open struct {
	Version  uint8
	ASN      uint32 // the 4-octet one where the capability gives it (RFC 6793)
	HoldTime uint16 // seconds; 0 or at least 3
	RouterID [4]byte
	Caps     Capabilities
}

// The parts of an OPEN.
const (
	openFixedLen      = 10  // before the optional parameters
	paramCapabilities = 2   // RFC 5492 section 4
	paramExtended     = 255 // RFC 9072 section 2: longer lengths follow
)

// ParseOpen reads the body of an OPEN (RFC 4271 section 6.2, RFC 5492, RFC 9072). It judges syntax, the version, the
// hold time, and what may not be zero; whether the ASN is the right one is the session's to say.
func ParseOpen(body []byte) (*Open, *Error) {
	if len(body) < openFixedLen {
		return nil, openError(SubUnspecific, nil, "OPEN is cut short")
	}
	o := &Open{
		Version:  body[0],
		ASN:      uint32(binary.BigEndian.Uint16(body[1:])),
		HoldTime: binary.BigEndian.Uint16(body[3:]),
		RouterID: [4]byte(body[5:]),
	}
	if o.Version != Version {
		return nil, openError(SubBadVersion, []byte{0, Version}, "version %d is not supported", o.Version)
	}
	if o.ASN == 0 {
		return nil, openError(SubBadPeerAS, nil, "AS 0 (RFC 7607)")
	}
	if err := o.parseParameters(body[openFixedLen-1:]); err != nil {
		return nil, err
	}
	if o.Caps.AS4 {
		o.ASN = o.Caps.ASN4
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return o, nil
}

// check judges the values that RFC 4271 section 6.2 judges without knowledge of the neighbour.
func (o *Open) check() *Error {
	switch {
	case o.ASN == 0:
		return openError(SubBadPeerAS, nil, "AS 0 (RFC 7607)")
	case o.HoldTime == 1 || o.HoldTime == 2:
		return openError(SubUnacceptableHoldTime, nil, "hold time of %d s is under 3 s", o.HoldTime)
	case o.RouterID == [4]byte{}:
		return openError(SubBadBGPID, nil, "BGP identifier is zero (RFC 6286)")
	}
	return nil
}

// parseParameters reads the optional parameters, b beginning at their length octet. In the extended form
// (RFC 9072 section 2) a parameter of type 255 stands first, a length of two octets follows, and each parameter has a
// length of two octets.
func (o *Open) parseParameters(b []byte) *Error {
	size, b, width := int(b[0]), b[1:], 1
	if size > 0 && len(b) >= 3 && b[0] == paramExtended {
		size, b, width = int(binary.BigEndian.Uint16(b[1:])), b[3:], 2
	}
	if size != len(b) {
		return openError(SubUnspecific, nil, "optional parameters of length %d where %d bytes follow", size, len(b))
	}
	for len(b) > 0 {
		typ, value, rest, ok := cutTLV(b, width)
		if !ok {
			return openError(SubUnspecific, nil, "an optional parameter is cut short")
		}
		if typ != paramCapabilities {
			return openError(SubUnsupportedParameter, nil, "optional parameter %d is not supported", typ)
		}
		if err := o.Caps.parse(value); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// cutTLV takes one type, length of width octets, and value from b.
func cutTLV(b []byte, width int) (typ uint8, value, rest []byte, ok bool) {
	if len(b) < 1+width {
		return 0, nil, nil, false
	}
	size := int(b[1])
	if width == 2 {
		size = int(binary.BigEndian.Uint16(b[1:]))
	}
	typ, b = b[0], b[1+width:]
	if size > len(b) {
		return 0, nil, nil, false
	}
	return typ, b[:size], b[size:], true
}

func openError(subcode uint8, data []byte, format string, args ...any) *Error {
	return &Error{CodeOpen, subcode, data, fmt.Sprintf(format, args...)}
}

// Append appends the whole OPEN message; with more capabilities than one parameter holds, in the form of RFC 9072.
func (o *Open) Append(dst []byte) []byte {
	asn := o.ASN
	if asn > 0xffff {
		asn = bgp.ASTrans // RFC 6793 section 9
	}
	dst, start := beginMessage(dst, TypeOpen)
	dst = append(dst, Version, byte(asn>>8), byte(asn), byte(o.HoldTime>>8), byte(o.HoldTime))
	dst = append(dst, o.RouterID[:]...)
	return endMessage(appendParameters(dst, o.Caps.encode(o.ASN)), start)
}

// appendParameters puts all capabilities into one parameter.
func appendParameters(dst, caps []byte) []byte {
	switch n := len(caps); {
	case n == 0:
		return append(dst, 0)
	case n <= 253: // and the parameter's own two octets
		dst = append(dst, byte(n+2), paramCapabilities, byte(n))
	default:
		dst = append(dst, 255, paramExtended, byte((n+3)>>8), byte(n+3), paramCapabilities, byte(n>>8), byte(n))
	}
	return append(dst, caps...)
}
