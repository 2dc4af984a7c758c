package source

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"peervane/bgp"
)

// dumpAttrs is an attribute block cut into its parts. It is forgiving on purpose: a dump shows what a file holds, even
// of an UPDATE that RFC 7606 makes a router refuse; so it has its own walk, which drops only what cannot be read.
type dumpAttrs struct {
	width         int // octets of an ASN in AS_PATH and AGGREGATOR
	origin        []byte
	path, as4Path []byte
	nextHop       netip.Addr
	med           uint32
	localPref     uint32
	atomic        bool
	aggregator    []byte
	as4Aggregator []byte
	communities   []byte
	reach         mpReach
	unreach       mpReach
}

// mpReach is MP_REACH_NLRI or MP_UNREACH_NLRI.
type mpReach struct {
	present bool
	v6      bool
	nextHop netip.Addr
	nlri    []byte
}

// Attribute types that a dump shows.
const (
	typeOrigin        = 1
	typeASPath        = 2
	typeNextHop       = 3
	typeMED           = 4
	typeLocalPref     = 5
	typeAtomic        = 6
	typeAggregator    = 7
	typeCommunities   = 8
	typeMPReach       = 14
	typeMPUnreach     = 15
	typeAS4Path       = 17
	typeAS4Aggregator = 18
	flagExtended      = 0x10
)

func (a *dumpAttrs) parse(block []byte, as4 bool) {
	*a = dumpAttrs{width: 2}
	if as4 {
		a.width = 4
	}
	c := cursor{b: block}
	for len(c.b) > 0 {
		flags, typ := c.uint8(), c.uint8()
		length := 0
		if flags&flagExtended != 0 {
			length = int(c.uint16())
		} else {
			length = int(c.uint8())
		}
		value := c.take(length)
		if c.short {
			return
		}
		a.set(typ, value)
	}
}

func (a *dumpAttrs) set(typ uint8, value []byte) {
	v := cursor{b: value}
	switch typ {
	case typeOrigin:
		a.origin = value
	case typeASPath:
		a.path = value
	case typeNextHop:
		a.nextHop = v.addr(false)
	case typeMED:
		a.med = v.uint32()
	case typeLocalPref:
		a.localPref = v.uint32()
	case typeAtomic:
		a.atomic = true
	case typeAggregator:
		a.aggregator = value
	case typeCommunities:
		a.communities = value
	case typeMPReach:
		a.reach.parseReach(&v)
	case typeMPUnreach:
		a.unreach.parseFamily(&v)
		a.unreach.nlri = v.b
	case typeAS4Path:
		a.as4Path = value
	case typeAS4Aggregator:
		a.as4Aggregator = value
	}
}

// parseReach reads the whole attribute, or the next hop alone to which RIB dumps abbreviate it: a whole one begins
// with a zero octet.
func (m *mpReach) parseReach(v *cursor) {
	if len(v.b) > 0 && v.b[0] != 0 {
		m.present, m.v6 = true, true
		m.nextHop = nextHopOf(v)
		return
	}
	m.parseFamily(v)
	m.nextHop = nextHopOf(v)
	for range v.uint8() { // SNPAs, which RFC 4760 has made reserved
		v.take(int(v.uint8()))
	}
	m.nlri = v.b
}

// count gives the number of prefixes, as far as they can be read.
func (m *mpReach) count(addPath bool) (n int) {
	if m.present {
		_ = eachPrefix(m.nlri, m.v6, addPath, func(netip.Prefix, uint32) error { n++; return nil })
	}
	return n
}

// parseFamily knows IPv4 and IPv6, unicast and multicast.
func (m *mpReach) parseFamily(v *cursor) {
	afi, safi := v.uint16(), v.uint8()
	m.present = (afi == 1 || afi == 2) && safi >= 1 && safi <= 3
	m.v6 = afi == 2
}

// nextHopOf reads a next hop; of two IPv6 ones the first is the global one (RFC 2545).
func nextHopOf(v *cursor) netip.Addr {
	b := v.take(int(v.uint8()))
	if len(b) == 32 {
		b = b[:16]
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// appendPath prints AS_PATH, with AS4_PATH merged in where the collector knew 2-octet ASNs only.
func (a *dumpAttrs) appendPath(b []byte) []byte {
	if a.width == 2 && len(a.as4Path) > 0 && !a.aggregatedByOld() {
		keep := pathLen(a.path, 2) - pathLen(a.as4Path, 4)
		if keep >= 0 {
			from := len(b)
			b = appendSegments(b, a.path, 2, keep)
			if keep > 0 && len(b) > from {
				b = append(b, ' ')
			}
			return appendSegments(b, a.as4Path, 4, -1)
		}
	}
	return appendSegments(b, a.path, a.width, -1)
}

// aggregatedByOld says that a 2-octet speaker aggregated the route last, so that AS4_PATH and AS4_AGGREGATOR are not
// true any more (RFC 6793 section 4.2.3).
func (a *dumpAttrs) aggregatedByOld() bool {
	return len(a.aggregator) >= 2 && len(a.as4Aggregator) > 0 && binary.BigEndian.Uint16(a.aggregator) != bgp.ASTrans
}

// segmentAt reads the head of a segment; n is 0 at the end, and ok false if the path is malformed.
func segmentAt(path []byte, width int) (typ bgp.SegmentType, count, size int, ok bool) {
	if len(path) < 2 {
		return 0, 0, 0, false
	}
	typ, count = bgp.SegmentType(path[0]), int(path[1])
	size = 2 + count*width
	ok = typ >= bgp.ASSet && typ <= bgp.ConfedSet && size <= len(path)
	return typ, count, size, ok
}

func isSet(typ bgp.SegmentType) bool { return typ == bgp.ASSet || typ == bgp.ConfedSet }

// pathLen counts a set as one, confederation segments too; -1 stands for a malformed path.
func pathLen(path []byte, width int) (n int) {
	for len(path) > 0 {
		typ, count, size, ok := segmentAt(path, width)
		if !ok {
			return -1
		}
		if isSet(typ) {
			count = 1
		}
		n += count
		path = path[size:]
	}
	return n
}

var segmentMarks = [...]struct {
	open, close string
	between     byte
}{bgp.ASSet: {"{", "}", ','}, bgp.ASSequence: {"", "", ' '}, bgp.ConfedSequence: {"(", ")", ' '}, bgp.ConfedSet: {"[", "]", ','}}

// appendSegments prints a path, or its first keep hops; keep < 0 means all.
func appendSegments(b, path []byte, width, keep int) []byte {
	from := len(b)
	for first := true; len(path) > 0 && keep != 0; first = false {
		typ, count, size, ok := segmentAt(path, width)
		if !ok {
			return append(b[:from], "! Error !"...)
		}
		asns := path[2:size]
		path = path[size:]
		if isSet(typ) {
			keep--
		} else if keep > 0 {
			count = min(count, keep)
			keep -= count
		}
		if !first {
			b = append(b, ' ')
		}
		b = appendSegment(b, typ, asns[:count*width], width)
	}
	return b
}

func appendSegment(b []byte, typ bgp.SegmentType, asns []byte, width int) []byte {
	marks := &segmentMarks[typ]
	b = append(b, marks.open...)
	for i := 0; i < len(asns); i += width {
		if i > 0 {
			b = append(b, marks.between)
		}
		if width == 2 {
			b = strconv.AppendUint(b, uint64(binary.BigEndian.Uint16(asns[i:])), 10)
		} else {
			b = strconv.AppendUint(b, uint64(binary.BigEndian.Uint32(asns[i:])), 10)
		}
	}
	return append(b, marks.close...)
}

func (a *dumpAttrs) appendOrigin(b []byte) []byte {
	origin := bgp.OriginIncomplete
	if len(a.origin) > 0 {
		origin = bgp.Origin(a.origin[0])
	}
	return append(b, origin.String()...)
}

func appendCommunities(b, list []byte) []byte {
	for i := 0; i+4 <= len(list); i += 4 {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendCommunity(b, bgp.Community(binary.BigEndian.Uint32(list[i:])))
	}
	return b
}

func appendCommunity(b []byte, c bgp.Community) []byte {
	switch c {
	case bgp.NoExport:
		return append(b, "no-export"...)
	case bgp.NoAdvertise:
		return append(b, "no-advertise"...)
	case bgp.NoExportSubconfed:
		return append(b, "local-AS"...)
	}
	b = append(strconv.AppendUint(b, uint64(c>>16), 10), ':')
	return strconv.AppendUint(b, uint64(c&0xffff), 10)
}

// appendAggregator prints ASN and address; AS4_AGGREGATOR counts where AGGREGATOR says AS_TRANS.
func (a *dumpAttrs) appendAggregator(b []byte) []byte {
	value, wide := a.aggregator, a.width == 4
	if !wide && len(value) >= 2 && len(a.as4Aggregator) > 0 && binary.BigEndian.Uint16(value) == bgp.ASTrans {
		value, wide = a.as4Aggregator, true
	}
	c := cursor{b: value}
	asn, addr := c.asn(wide), c.addr(false)
	if c.short {
		return b
	}
	b = append(strconv.AppendUint(b, uint64(asn), 10), ' ')
	return appendAddr(b, addr)
}
