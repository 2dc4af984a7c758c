package source

import (
	"fmt"
	"net/netip"
	"time"
)

// Subtypes of TABLE_DUMP: the address family, and with 4-octet ASNs as some dumpers have it.
const (
	tableIPv4    = 1
	tableIPv6    = 2
	tableIPv4AS4 = 3
	tableIPv6AS4 = 4
)

// tableDump reads TABLE_DUMP (RFC 6396 section 4.2): each record is one route.
func (r *mrtReader) tableDump(c *cursor, h mrtHandler) error {
	sub := r.rec.subtype
	if sub < tableIPv4 || sub > tableIPv6AS4 {
		h.ignored(fmt.Sprintf("TABLE_DUMP subtype %d", sub))
		return nil
	}
	v6 := sub == tableIPv6 || sub == tableIPv6AS4
	r.entry = mrtRoute{at: r.rec.at, v1: true, as4: sub >= tableIPv4AS4}
	e := &r.entry
	c.take(4) // view and sequence numbers
	addr, bits := c.addr(v6), int(c.uint8())
	c.uint8() // status
	e.originated = time.Unix(int64(c.uint32()), 0).UTC()
	e.peer.addr = c.addr(v6)
	e.peer.asn = c.asn(e.as4)
	e.attrs = c.take(int(c.uint16()))
	if c.short {
		return malformed("route is cut short")
	}
	if bits > addr.BitLen() {
		return malformed(fmt.Sprintf("prefix length %d", bits))
	}
	e.prefix = netip.PrefixFrom(addr, bits).Masked()
	return h.route(e)
}
