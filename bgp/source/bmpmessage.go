package source

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"unicode"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// Messages of BMP (RFC 7854 section 4), and what stands before all of them: version, length, type.
const (
	bmpVersion   = 3
	bmpHeaderLen = 6
	maxBMP       = 256 << 10 // a Peer Up holds two OPENs, of 64 KiB at most, and a few strings

	bmpRouteMonitoring = 0
	bmpStatistics      = 1
	bmpPeerDown        = 2
	bmpPeerUp          = 3
	bmpInitiation      = 4
	bmpTermination     = 5
	bmpRouteMirroring  = 6
)

// Peer types (RFC 7854 section 4.2, RFC 9069 section 4.1), and flags. The flags of a Loc-RIB are others.
const (
	bmpGlobal = 0
	bmpVRF    = 1
	bmpLocal  = 2

	bmpFlagIPv6       = 0x80
	bmpFlagPostPolicy = 0x40
	bmpFlagAS2        = 0x20
	bmpFlagRIBOut     = 0x10 // RFC 8671
)

// bmpFrame cuts the next message out of a stream: its type, and what stands behind the header. buf is used again where it is
// large enough.
func bmpFrame(r io.Reader, buf []byte, began func()) (typ uint8, body []byte, err error) {
	var head [bmpHeaderLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, buf, err
	}
	began()
	length := binary.BigEndian.Uint32(head[1:])
	switch {
	case head[0] != bmpVersion:
		return 0, buf, fmt.Errorf("it speaks no BMP of version %d (RFC 7854), the first octet is %d", bmpVersion, head[0])
	case length < bmpHeaderLen || length > maxBMP:
		return 0, buf, fmt.Errorf("a message of %d bytes cannot be", length)
	}
	n := int(length) - bmpHeaderLen
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err = io.ReadFull(r, buf)
	return head[5], buf, err
}

// bmpPeer is whom a message is about (the per-peer header).
type bmpPeer struct {
	typ, flags    uint8
	distinguisher uint64
	id            [4]byte // its BGP identifier
	mrtPeer
}

func (c *cursor) bmpPeer() (p bmpPeer) {
	p.typ, p.flags = c.uint8(), c.uint8()
	p.distinguisher = uint64(c.uint32())<<32 | uint64(c.uint32())
	p.addr = c.bmpAddr(p.flags&bmpFlagIPv6 != 0)
	p.asn = c.uint32()
	copy(p.id[:], c.take(4))
	c.take(4 + 4) // the router's time, which is not trusted
	return p
}

// bmpAddr reads an address in a field of 16 octets, of which one of IPv4 fills the last.
func (c *cursor) bmpAddr(v6 bool) netip.Addr {
	b := c.take(16)
	if !v6 && b != nil {
		b = b[12:]
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// session says whether the peer is one of which we keep the Adj-RIB-In: not the router's own Loc-RIB, nor a type of later times.
func (p *bmpPeer) session() bool { return p.typ <= bmpLocal }

// collector names where the peer is: the router, and its VRF unless that is the global one. A link-local address says nothing of
// who has it: there, the peer's BGP identifier stands too.
func (p *bmpPeer) collector(router netip.Addr) string {
	name := router.String()
	if p.distinguisher != 0 {
		name += "/" + distinguisher(p.distinguisher)
	}
	if p.addr.IsLinkLocalUnicast() {
		name += "/" + netip.AddrFrom4(p.id).String()
	}
	return name
}

// distinguisher writes a route distinguisher (RFC 4364 section 4.2).
func distinguisher(d uint64) string {
	switch high, low := uint16(d>>32), uint32(d); d >> 48 {
	case 0:
		return fmt.Sprintf("%d:%d", high, low)
	case 1:
		return fmt.Sprintf("%d.%d.%d.%d:%d", byte(d>>40), byte(d>>32), byte(d>>24), byte(d>>16), uint16(d))
	case 2:
		return fmt.Sprintf("%d:%d", uint32(d>>16), uint16(d))
	}
	return fmt.Sprintf("%016x", d)
}

// bmpParams reads a Peer Up (section 4.10): how the UPDATEs of the session are to be read follows from the OPENs. Those stand
// there whatever the version of AS numbers that the messages have: each says so by its flag. home is the AS that both are of; 0
// where they are of two.
func (c *cursor) bmpParams(peer *bmpPeer) (p wire.Params, home uint32, err error) {
	c.take(16 + 2 + 2) // the router's own end
	sent, err := c.bmpOpen()
	if err != nil {
		return p, 0, err
	}
	received, err := c.bmpOpen()
	if err != nil {
		return p, 0, err
	}
	p = recordedParams(true, false, peer.mrtPeer)
	for _, f := range bgp.Families {
		p.AddPath[f] = sent.Caps.AddPath[f]&wire.AddPathReceive != 0 && received.Caps.AddPath[f]&wire.AddPathSend != 0
	}
	if sent.ASN == received.ASN {
		home = sent.ASN // 0 where both were made up
	}
	return p, home, nil
}

// bmpOpen reads one OPEN, with its header.
func (c *cursor) bmpOpen() (*wire.Open, error) {
	typ, length, err := wire.ParseHeader(c.b, wire.MaxExtendedLen)
	if err != nil || typ != wire.TypeOpen || length > len(c.b) {
		return nil, malformed("a Peer Up holds no OPEN where one should be")
	}
	open, fault := wire.ParseOpen(c.take(length)[wire.HeaderLen:])
	if fault != nil {
		return &wire.Open{}, nil // some routers make one up where they have none: it agrees on nothing
	}
	return open, nil
}

// bmpWhyDown says in words how a session ended (section 4.9).
func (c *cursor) bmpWhyDown() string {
	switch reason := c.uint8(); reason {
	case 1:
		return "the router closed the session with a NOTIFICATION"
	case 2:
		return "the router closed the session"
	case 3:
		return "the peer closed the session with a NOTIFICATION"
	case 4:
		return "the peer closed the session"
	case 5:
		return "the router monitors the peer no more"
	default:
		return fmt.Sprintf("the session ended (reason %d)", reason)
	}
}

// Information TLVs.
const (
	bmpSysName     = 2 // of an Initiation
	bmpTerminated  = 1 // of a Termination
	bmpLongestName = 64
)

// bmpInformation finds the first TLV of a type.
func (c *cursor) bmpInformation(typ uint16) []byte {
	for len(c.b) > 0 && !c.short {
		t, value := c.uint16(), c.take(int(c.uint16()))
		if t == typ && !c.short {
			return value
		}
	}
	return nil
}

// printable makes what a router says fit for a log.
func printable(b []byte) string {
	s := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, string(b[:min(len(b), bmpLongestName)]))
	return s
}
