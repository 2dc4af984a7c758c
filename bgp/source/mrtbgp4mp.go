package source

import (
	"bytes"
	"fmt"

	"peervane/bgp/wire"
)

// Subtypes of BGP4MP and BGP4MP_ET (RFC 6396 section 4.4, RFC 8050 section 3).
const (
	subStateChange    = 0
	subMessage        = 1
	subMessageAS4     = 4
	subStateChangeAS4 = 5
	subLocal          = 6
	subLocalAS4       = 7
	subAddPath        = 8
	subAddPathAS4     = 9
	subLocalAddPath   = 10
	subLocalAddPathA4 = 11
)

func (r *mrtReader) bgp4mp(c *cursor, h mrtHandler) error {
	switch sub := r.rec.subtype; sub {
	case subStateChange, subStateChangeAS4:
		return r.stateChange(c, sub == subStateChangeAS4, h)
	case subMessage, subLocal, subAddPath, subLocalAddPath:
		return r.bgp4mpMessage(c, false, h)
	case subMessageAS4, subLocalAS4, subAddPathAS4, subLocalAddPathA4:
		return r.bgp4mpMessage(c, true, h)
	default:
		h.ignored(fmt.Sprintf("BGP4MP subtype %d", sub))
		return nil
	}
}

// bgp4mpPeer reads what stands before a message or a state: the ASNs and addresses of both ends, the peer's first.
func bgp4mpPeer(c *cursor, wide bool) (peer mrtPeer, afi uint16) {
	peer.asn = c.asn(wide)
	c.asn(wide)
	c.uint16() // interface index
	afi = c.uint16()
	if afi == 1 || afi == 2 {
		peer.addr = c.addr(afi == 2)
		c.addr(afi == 2)
	}
	return peer, afi
}

// shortStateChange is the length of a STATE_CHANGE without addresses, as old Zebra wrote it before a peer was known.
const shortStateChange = 8

func (r *mrtReader) stateChange(c *cursor, wide bool, h mrtHandler) error {
	s := mrtState{at: r.rec.at, et: r.rec.typ == mrtBGP4MPET}
	if len(c.b) == shortStateChange && !wide {
		h.ignored("BGP4MP state without addresses")
		return nil
	}
	var afi uint16
	if s.peer, afi = bgp4mpPeer(c, wide); afi != 1 && afi != 2 {
		return malformed(fmt.Sprintf("state change of address family %d", afi))
	}
	s.from, s.to = c.uint16(), c.uint16()
	if c.short {
		return malformed("state change is cut short")
	}
	return h.state(&s)
}

func (r *mrtReader) bgp4mpMessage(c *cursor, wide bool, h mrtHandler) error {
	sub := r.rec.subtype
	r.msg = mrtMessage{at: r.rec.at, et: r.rec.typ == mrtBGP4MPET, as4: wide, addPath: sub >= subAddPath}
	m := &r.msg
	switch sub {
	case subLocal, subLocalAS4, subLocalAddPath, subLocalAddPathA4:
		m.local = true
	}
	var afi uint16
	if m.peer, afi = bgp4mpPeer(c, wide); afi != 1 && afi != 2 {
		// Old Zebra left interface, family and addresses out of what it wrote before a session was up: the marker follows.
		if afi == 0xffff {
			h.ignored("BGP4MP message without addresses")
			return nil
		}
		return malformed(fmt.Sprintf("message of address family %d", afi))
	}
	if c.short {
		return malformed("record is cut short before its message")
	}
	var err error
	if m.update, err = updateOf(c.b); err != nil {
		return err
	}
	return h.message(m)
}

// updateOf gives the body of an UPDATE, nil for another type of message.
func updateOf(msg []byte) ([]byte, error) {
	if len(msg) >= wire.HeaderLen && msg[wire.HeaderLen-1] != wire.TypeUpdate && bytes.Count(msg[:16], []byte{0xff}) == 16 {
		return nil, nil
	}
	_, length, err := wire.ParseHeader(msg, wire.MaxExtendedLen)
	if err != nil {
		return nil, malformed(err.Error())
	}
	if length > len(msg) {
		return nil, malformed(fmt.Sprintf("message of %d bytes in a record with %d left", length, len(msg)))
	}
	return msg[wire.HeaderLen:length], nil
}
