package source

import (
	"fmt"
	"time"
)

// Subtypes of TABLE_DUMP_V2 (RFC 6396 section 4.3, RFC 6397, RFC 8050 section 4).
const (
	subPeerIndexTable  = 1
	subIPv4Unicast     = 2
	subIPv4Multicast   = 3
	subIPv6Unicast     = 4
	subIPv6Multicast   = 5
	subGeneric         = 6
	subGeoPeerTable    = 7
	subIPv4UnicastAP   = 8
	subIPv4MulticastAP = 9
	subIPv6UnicastAP   = 10
	subIPv6MulticastAP = 11
	subGenericAP       = 12
	bytesOfPeer        = 1 + 4 + 4 + 2 // the shortest entry of a PEER_INDEX_TABLE
	peerIsIPv6         = 1 << 0
	peerHas4OctetASN   = 1 << 1
)

func (r *mrtReader) tableDumpV2(c *cursor, h mrtHandler) error {
	switch sub := r.rec.subtype; sub {
	case subPeerIndexTable:
		return r.peerIndexTable(c, h)
	case subIPv4Unicast, subIPv6Unicast, subIPv4UnicastAP, subIPv6UnicastAP:
		return r.ribEntries(c, sub == subIPv6Unicast || sub == subIPv6UnicastAP, sub >= subIPv4UnicastAP, h)
	case subIPv4Multicast, subIPv6Multicast, subIPv4MulticastAP, subIPv6MulticastAP:
		h.ignored("TABLE_DUMP_V2 multicast")
	case subGeneric, subGenericAP:
		h.ignored("TABLE_DUMP_V2 RIB_GENERIC")
	case subGeoPeerTable:
		h.ignored("TABLE_DUMP_V2 GEO_PEER_TABLE")
	default:
		h.ignored(fmt.Sprintf("TABLE_DUMP_V2 subtype %d", sub))
	}
	return nil
}

// peerIndexTable reads the peers that the entries of the dump refer to. Where it is bad, none is known.
func (r *mrtReader) peerIndexTable(c *cursor, h mrtHandler) error {
	r.peers = r.peers[:0]
	c.uint32()              // the collector's BGP identifier
	c.take(int(c.uint16())) // view name
	count := int(c.uint16())
	if c.short || count*bytesOfPeer > len(c.b) {
		return malformed("PEER_INDEX_TABLE is cut short")
	}
	peers := make([]mrtPeer, count)
	for i := range peers {
		kind := c.uint8()
		c.uint32() // BGP identifier
		peers[i].addr = c.addr(kind&peerIsIPv6 != 0)
		peers[i].asn = c.asn(kind&peerHas4OctetASN != 0)
	}
	if c.short {
		return malformed("PEER_INDEX_TABLE is cut short")
	}
	r.peers = peers
	return h.peerIndex(&mrtPeerIndex{r.rec.at, peers})
}

// ribEntries reads the routes of one prefix.
func (r *mrtReader) ribEntries(c *cursor, v6, addPath bool, h mrtHandler) error {
	r.entry = mrtRoute{at: r.rec.at, as4: true, addPath: addPath}
	e := &r.entry
	c.uint32() // sequence number
	var ok bool
	if e.prefix, ok = c.prefix(v6); !ok {
		return malformed("prefix is cut short or too long")
	}
	for range c.uint16() {
		index := int(c.uint16())
		e.originated = time.Unix(int64(c.uint32()), 0).UTC()
		if addPath {
			e.pathID = c.uint32()
		}
		e.attrs = c.take(int(c.uint16()))
		if c.short {
			return malformed(fmt.Sprintf("entry of %v is cut short", e.prefix))
		}
		if index >= len(r.peers) {
			return malformed(fmt.Sprintf("entry of %v refers to peer %d, but the PEER_INDEX_TABLE before has %d", e.prefix, index, len(r.peers)))
		}
		e.peer = r.peers[index]
		if err := h.route(e); err != nil {
			return err
		}
	}
	if c.short {
		return malformed(fmt.Sprintf("entries of %v are cut short", e.prefix))
	}
	return nil
}
