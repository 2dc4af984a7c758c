package source

import "fmt"

// Subtypes of the type BGP (RFC 6396 appendix B.2), which collectors wrote until about 2001.
const (
	oldUpdate      = 1
	oldPrefUpdate  = 2
	oldStateChange = 3
	oldSync        = 4
	oldOpen        = 5
	oldNotify      = 6
	oldKeepalive   = 7
)

// oldBGP reads the type BGP: IPv4 and 2-octet ASNs only, and messages without their header.
func (r *mrtReader) oldBGP(c *cursor, h mrtHandler) error {
	switch r.rec.subtype {
	case oldUpdate, oldPrefUpdate:
		r.msg = mrtMessage{at: r.rec.at, old: true, peer: oldPeer(c)}
		oldPeer(c) // the collector's own end
		if c.short {
			return malformed("record is cut short before its message")
		}
		r.msg.update = c.b
		return h.message(&r.msg)
	case oldStateChange:
		s := mrtState{at: r.rec.at, old: true, peer: oldPeer(c), from: c.uint16(), to: c.uint16()}
		if c.short {
			return malformed("state change is cut short")
		}
		return h.state(&s)
	case oldSync, oldOpen, oldNotify, oldKeepalive:
		h.ignored([...]string{oldSync: "BGP sync", oldOpen: "BGP open", oldNotify: "BGP notification", oldKeepalive: "BGP keepalive"}[r.rec.subtype])
		return nil
	}
	h.ignored(fmt.Sprintf("BGP subtype %d", r.rec.subtype))
	return nil
}

func oldPeer(c *cursor) (p mrtPeer) {
	p.asn = c.asn(false)
	p.addr = c.addr(false)
	return p
}
