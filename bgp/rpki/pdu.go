package rpki

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Protocol versions: RFC 6810, RFC 8210, draft-ietf-sidrops-8210bis-27.
const (
	version0      = 0
	version1      = 1
	version2      = 2
	newestVersion = version2
)

// pduType is the second byte of a PDU (8210bis section 14).
type pduType uint8

const (
	serialNotify  pduType = 0
	serialQuery   pduType = 1
	resetQuery    pduType = 2
	cacheResponse pduType = 3
	ipv4Prefix    pduType = 4
	ipv6Prefix    pduType = 6
	endOfData     pduType = 7
	cacheReset    pduType = 8
	routerKey     pduType = 9
	errorReport   pduType = 10
	aspaRecord    pduType = 11
)

// errorCode says what was wrong (8210bis section 12).
type errorCode uint16

const (
	corruptData            errorCode = 0
	internalError          errorCode = 1
	noDataAvailable        errorCode = 2
	invalidRequest         errorCode = 3
	unsupportedVersion     errorCode = 4
	unsupportedPDUType     errorCode = 5
	withdrawalOfUnknown    errorCode = 6
	duplicateAnnouncement  errorCode = 7
	unexpectedVersion      errorCode = 8
	aspaProviderListError  errorCode = 9
	cacheRestart           errorCode = 12
	cacheShutdown          errorCode = 13
	lastErrorOfOldVersions           = unexpectedVersion // RFC 8210 section 12; RFC 6810 ends one sooner
)

var errorNames = [...]string{"corrupt data", "internal error", "no data available", "invalid request", "unsupported protocol version",
	"unsupported PDU type", "withdrawal of unknown record", "duplicate announcement received", "unexpected protocol version",
	"ASPA provider list error", "transport failure", "ordering error", "cache restart", "cache shutdown"}

func (c errorCode) String() string {
	if int(c) < len(errorNames) {
		return errorNames[c]
	}
	return fmt.Sprintf("error code %d", uint16(c))
}

// protocolError is a fault that we found in what the cache sent. It is told to the cache, and all data of that cache is flushed.
type protocolError struct {
	code errorCode
	pdu  []byte // the offender, or what was read of it; nil where none is to blame
	text string
}

func (e *protocolError) Error() string {
	return fmt.Sprintf("the cache broke the protocol (%s): %s", e.code, e.text)
}

// timing is what End of Data says of polling (8210bis section 6).
type timing struct{ refresh, retry, expire time.Duration }

// defaultTiming holds for version 0, which says nothing.
var defaultTiming = timing{time.Hour, 10 * time.Minute, 2 * time.Hour}

// clamp brings a cache's wishes into the allowed ranges, and lets no data expire between two polls.
func (t timing) clamp() timing {
	expire := min(max(t.expire, 10*time.Minute), 48*time.Hour)
	return timing{
		min(max(t.refresh, time.Second), 24*time.Hour, expire/2),
		min(max(t.retry, time.Second), 2*time.Hour),
		expire,
	}
}

// pdu is one PDU, decoded; which fields are set depends on its type.
type pdu struct {
	version  uint8
	kind     pduType
	session  uint16 // also the error code of an Error Report
	serial   uint32
	timing   timing
	announce bool
	vrp      VRP
	aspa     aspaKey
	provider []uint32
	text     string
	raw      []byte // as received; valid until the next one is read
}

// aspaKey is what an ASPA announcement replaces. Only caches of older drafts tell the families apart.
type aspaKey struct {
	customer uint32
	family   uint8
}

const (
	pduHeader = 8
	pduMax    = 65535 // 8210bis section 5.1; we hold older versions to it too
)

// parsePDU decodes one whole PDU, whose length field has been held against its bytes. It never panics.
func parsePDU(raw []byte) (pdu, *protocolError) {
	p := pdu{version: raw[0], kind: pduType(raw[1]), session: binary.BigEndian.Uint16(raw[2:]), raw: raw}
	if p.version > newestVersion && p.kind != errorReport && p.kind != serialNotify {
		return p, p.fault(unsupportedVersion, "protocol version %d is unknown", p.version)
	}
	body := raw[pduHeader:]
	switch p.kind {
	case cacheResponse, cacheReset, resetQuery:
		return p, p.size(pduHeader)
	case serialNotify, serialQuery:
		if err := p.size(pduHeader + 4); err != nil {
			return p, err
		}
		p.serial = binary.BigEndian.Uint32(body)
		return p, nil
	case ipv4Prefix, ipv6Prefix:
		return p, p.prefix(body)
	case endOfData:
		return p, p.end(body)
	case errorReport:
		return p, p.report(body)
	case routerKey:
		if p.version == version0 {
			break
		}
		if len(body) < 24 { // SKI and ASN; the key itself is of no use here
			return p, p.fault(corruptData, "a router key of %d bytes", len(raw))
		}
		return p, nil
	case aspaRecord:
		if p.version < version2 {
			break
		}
		return p, p.parseASPA(body)
	}
	return p, p.fault(unsupportedPDUType, "PDU type %d is unknown to version %d", p.kind, p.version)
}

func (p *pdu) fault(code errorCode, format string, args ...any) *protocolError {
	return &protocolError{code, p.raw, fmt.Sprintf(format, args...)}
}

func (p *pdu) size(want int) *protocolError {
	if len(p.raw) != want {
		return p.fault(corruptData, "a PDU of type %d has %d bytes instead of %d", p.kind, len(p.raw), want)
	}
	return nil
}

// prefix decodes an IPv4 or IPv6 Prefix (8210bis sections 5.9 and 5.10). Host bits must be zero.
func (p *pdu) prefix(body []byte) *protocolError {
	octets := 4
	if p.kind == ipv6Prefix {
		octets = 16
	}
	if err := p.size(pduHeader + 8 + octets); err != nil {
		return err
	}
	addr, _ := netip.AddrFromSlice(body[4 : 4+octets])
	p.announce = body[0]&1 == 1
	p.vrp = VRP{netip.PrefixFrom(addr, int(body[1])), body[2], binary.BigEndian.Uint32(body[4+octets:])}
	if err := p.vrp.check(); err != nil {
		return p.fault(corruptData, "prefix %s/%d: %v", addr, body[1], err)
	}
	return nil
}

func (p *pdu) end(body []byte) *protocolError {
	want, timed := pduHeader+16, p.version >= version1
	if !timed {
		want = pduHeader + 4
	}
	if err := p.size(want); err != nil {
		return err
	}
	p.serial, p.timing = binary.BigEndian.Uint32(body), defaultTiming
	if timed {
		seconds := func(at int) time.Duration { return time.Duration(binary.BigEndian.Uint32(body[at:])) * time.Second }
		p.timing = timing{seconds(4), seconds(8), seconds(12)}.clamp()
	}
	return nil
}

// parseASPA decodes an ASPA record (8210bis section 5.12).
func (p *pdu) parseASPA(body []byte) *protocolError {
	p.announce = p.raw[2]&1 == 1
	if !p.announce && len(body) >= 8 {
		return p.oldASPA(body)
	}
	if len(body) < 4 || len(body)%4 != 0 {
		return p.fault(corruptData, "an ASPA of %d bytes", len(p.raw))
	}
	p.aspa.customer = binary.BigEndian.Uint32(body)
	return p.providers(body[4:])
}

// oldASPA decodes the layout of 8210bis up to revision 10, which StayRTR 0.5 still sends: flags, family and count stand
// after the header. The two cannot be mistaken for each other: there bytes 2 and 3 are zero, which in the later layout
// is a withdrawal, and that has no more than 12 bytes. StayRTR repeats the providers when it withdraws.
func (p *pdu) oldASPA(body []byte) *protocolError {
	count := int(binary.BigEndian.Uint16(body[2:]))
	if len(body) != 8+4*count {
		return p.fault(corruptData, "a withdrawal of an ASPA has %d bytes instead of 12", len(p.raw))
	}
	p.announce = body[0]&1 == 1
	p.aspa = aspaKey{customer: binary.BigEndian.Uint32(body[4:]), family: 1 + body[1]&1}
	return p.providers(body[8:])
}

func (p *pdu) providers(list []byte) *protocolError {
	for ; len(list) >= 4; list = list[4:] {
		p.provider = append(p.provider, binary.BigEndian.Uint32(list))
	}
	slices.Sort(p.provider)
	switch n := len(p.provider); {
	case p.aspa.customer == 0:
		return p.fault(corruptData, "an ASPA of AS 0")
	case !p.announce && n > 0 && p.aspa.family == 0:
		return p.fault(corruptData, "a withdrawal of the ASPA of AS%d names providers", p.aspa.customer)
	case p.announce && n == 0:
		return p.fault(aspaProviderListError, "the ASPA of AS%d names no provider", p.aspa.customer)
	case p.announce && n > 1 && p.provider[0] == 0:
		return p.fault(aspaProviderListError, "the ASPA of AS%d names AS 0 beside providers", p.aspa.customer)
	case len(slices.Compact(p.provider)) != n:
		return p.fault(aspaProviderListError, "the ASPA of AS%d names a provider twice", p.aspa.customer)
	}
	return nil
}

// report reads the text of an Error Report; the PDU that it quotes is never looked into (8210bis section 5.8).
func (p *pdu) report(body []byte) *protocolError {
	_, rest, ok := lengthPrefixed(body)
	if !ok {
		return p.fault(corruptData, "an error report of %d bytes", len(p.raw))
	}
	if text, _, ok := lengthPrefixed(rest); ok {
		p.text = string(text[:min(len(text), 200)])
	}
	return nil
}

func lengthPrefixed(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

// appendQuery encodes a Serial Query for what is held, or a Reset Query where nothing is.
func appendQuery(b []byte, version uint8, held *holding) []byte {
	if held == nil {
		return append(b, version, byte(resetQuery), 0, 0, 0, 0, 0, pduHeader)
	}
	b = append(b, version, byte(serialQuery))
	b = binary.BigEndian.AppendUint16(b, held.epoch.Session)
	b = binary.BigEndian.AppendUint32(b, pduHeader+4)
	return binary.BigEndian.AppendUint32(b, held.epoch.Serial)
}

// appendReport encodes an Error Report with a bounded copy of the offending PDU. A version without that code hears "corrupt data".
func appendReport(b []byte, version uint8, e *protocolError) []byte {
	code, quoted, text := e.code, e.pdu[:min(len(e.pdu), 512)], e.text[:min(len(e.text), 255)]
	if version < version2 && code > lastErrorOfOldVersions || version == version0 && code == unexpectedVersion {
		code = corruptData
	}
	b = append(b, version, byte(errorReport))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	b = binary.BigEndian.AppendUint32(b, uint32(pduHeader+8+len(quoted)+len(text)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(quoted)))
	b = append(b, quoted...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}
