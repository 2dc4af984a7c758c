package rpki

import (
	"encoding/binary"
	"net/netip"
)

// The cache's side of the protocol, for tests.

func u16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// encode makes a PDU; the length is its own.
func encode(version uint8, kind pduType, field uint16, body ...[]byte) []byte {
	b := append([]byte{version, byte(kind)}, u16(field)...)
	b = append(b, 0, 0, 0, 0)
	for _, part := range body {
		b = append(b, part...)
	}
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)))
	return b
}

func encodeVRP(version uint8, v VRP, announce bool) []byte {
	kind, addr := ipv4Prefix, v.Prefix.Addr().AsSlice()
	if v.Prefix.Addr().Is6() {
		kind = ipv6Prefix
	}
	return encode(version, kind, 0, []byte{flag(announce), byte(v.Prefix.Bits()), v.MaxLength, 0}, addr, u32(v.ASN))
}

func encodeASPA(a ASPA, announce bool) []byte {
	body := [][]byte{u32(a.Customer)}
	for _, p := range a.Providers {
		body = append(body, u32(p))
	}
	return encode(2, aspaRecord, uint16(flag(announce))<<8, body...)
}

// encodeOldASPA is the layout of 8210bis-10, as StayRTR 0.5 sends it.
func encodeOldASPA(a ASPA, family byte, announce bool) []byte {
	body := [][]byte{{flag(announce), family}, u16(uint16(len(a.Providers))), u32(a.Customer)}
	for _, p := range a.Providers {
		body = append(body, u32(p))
	}
	return encode(2, aspaRecord, 0, body...)
}

func flag(announce bool) byte {
	if announce {
		return 1
	}
	return 0
}

func encodeEnd(version uint8, session uint16, serial uint32) []byte {
	if version == 0 {
		return encode(0, endOfData, session, u32(serial))
	}
	return encode(version, endOfData, session, u32(serial), u32(3600), u32(600), u32(7200))
}

func encodeReport(version uint8, code errorCode, text string) []byte {
	return encode(version, errorReport, uint16(code), u32(0), u32(uint32(len(text))), []byte(text))
}

func encodeKey(version uint8) []byte {
	return encode(version, routerKey, 0x100, make([]byte, 20), u32(64496), make([]byte, 91))
}

// load is a whole answer.
func load(version uint8, session uint16, serial uint32, records ...[]byte) []byte {
	b := encode(version, cacheResponse, session)
	for _, r := range records {
		b = append(b, r...)
	}
	return append(b, encodeEnd(version, session, serial)...)
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
