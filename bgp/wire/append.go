package wire

import (
	"encoding/binary"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

// AppendUpdate appends whole UPDATE messages that withdraw and then announce these routes under p, as many as the
// negotiated length makes necessary. IPv4 goes into the fields of RFC 4271, but into MP_REACH_NLRI when the next hop
// is IPv6 (RFC 8950); IPv6 into MP_REACH_NLRI and MP_UNREACH_NLRI. a may be nil where nothing is announced. Routes for
// which the attributes leave no room, or which the codec cannot encode, are left out. The daemon announces nothing: this is for its recordings, and
// for routers of tests and the demo.
func AppendUpdate(dst []byte, p Params, a *bgp.Attrs, announced, withdrawn []NLRI) []byte {
	for f, routes := range byFamily(withdrawn) {
		dst = p.appendWithdrawn(dst, bgp.Family(f), routes)
	}
	if a == nil {
		return dst
	}
	var attrs []byte
	if guard(func() error { attrs = p.encodeAttrs(a); return nil }) != nil {
		return dst
	}
	for f, routes := range byFamily(announced) {
		dst = p.appendAnnounced(dst, bgp.Family(f), a, attrs, routes)
	}
	return dst
}

// AppendEndOfRIB appends the End-of-RIB marker of a family (RFC 4724 section 2).
func AppendEndOfRIB(dst []byte, f bgp.Family) []byte {
	var attrs []byte
	if f != bgp.IPv4 {
		attrs = appendAttribute(nil, optionalNonTransitive, attrMPUnreach, familyHeader(f))
	}
	return appendUpdate(dst, nil, attrs, nil)
}

func byFamily(routes []NLRI) (split [bgp.NumFamilies][]NLRI) {
	for _, n := range routes {
		f := bgp.FamilyOf(n.Prefix)
		split[f] = append(split[f], n)
	}
	return split
}

// mpOverhead is what stands around the NLRI of MP_*: the attribute's header, AFI and SAFI, two next hops at most, and the
// reserved octet.
const mpOverhead = 4 + 3 + 1 + 32 + 1

func (p Params) appendWithdrawn(dst []byte, f bgp.Family, routes []NLRI) []byte {
	room := p.MaxLen() - minLen[TypeUpdate] - mpOverhead
	for len(routes) > 0 {
		var list []byte
		list, routes = p.encodeNLRI(f, routes, room)
		if f == bgp.IPv4 {
			dst = appendUpdate(dst, list, nil, nil)
			continue
		}
		value := append(familyHeader(f), list...)
		dst = appendUpdate(dst, nil, appendAttribute(nil, optionalNonTransitive, attrMPUnreach, value), nil)
	}
	return dst
}

func (p Params) appendAnnounced(dst []byte, f bgp.Family, a *bgp.Attrs, attrs []byte, routes []NLRI) []byte {
	hop := nextHopBytes(f, a)
	room := p.MaxLen() - minLen[TypeUpdate] - mpOverhead - len(attrs)
	for len(routes) > 0 {
		list, rest := p.encodeNLRI(f, routes, room)
		if len(list) == 0 {
			return dst // the attributes leave no room
		}
		routes = rest
		if len(hop) == 4 {
			dst = appendUpdate(dst, nil, appendAttribute(attrs[:len(attrs):len(attrs)], wellKnown, attrNextHop, hop), list)
			continue
		}
		value := append(familyHeader(f), byte(len(hop)))
		value = append(append(append(value, hop...), 0), list...)
		// RFC 7606 section 5.1 wants MP_REACH_NLRI first.
		dst = appendUpdate(dst, nil, append(appendAttribute(nil, optionalNonTransitive, attrMPReach, value), attrs...), nil)
	}
	return dst
}

// nextHopBytes gives 4 octets where NEXT_HOP will do, else 16.
func nextHopBytes(f bgp.Family, a *bgp.Attrs) []byte {
	switch hop := a.NextHop; {
	case f == bgp.IPv4 && hop.Is4():
		return hop.AsSlice()
	case f == bgp.IPv4 && !hop.IsValid():
		return make([]byte, 4)
	case !hop.IsValid():
		return make([]byte, 16)
	default:
		b := hop.As16()
		return b[:]
	}
}

// encodeNLRI encodes as many routes as there is room for, and gives the others back.
func (p Params) encodeNLRI(f bgp.Family, routes []NLRI, room int) (list []byte, rest []NLRI) {
	for i, n := range routes {
		bits := n.Prefix.Bits()
		size := 1 + (bits+7)/8
		if p.AddPath[f] {
			size += pathIDLen
		}
		if len(list)+size > room {
			return list, routes[i:]
		}
		if p.AddPath[f] {
			list = binary.BigEndian.AppendUint32(list, n.PathID)
		}
		list = append(append(list, byte(bits)), n.Prefix.Masked().Addr().AsSlice()[:(bits+7)/8]...)
	}
	return list, nil
}

func familyHeader(f bgp.Family) []byte {
	return append(binary.BigEndian.AppendUint16(nil, f.AFI()), safiUnicast)
}

func appendUpdate(dst, withdrawn, attrs, nlri []byte) []byte {
	dst, start := beginMessage(dst, TypeUpdate)
	dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(withdrawn))), withdrawn...)
	dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(attrs))), attrs...)
	return endMessage(append(dst, nlri...), start)
}

func appendAttribute(dst []byte, flags, code uint8, value []byte) []byte {
	if len(value) > 255 {
		dst = append(dst, flags|flagExtendedLength, code, byte(len(value)>>8), byte(len(value)))
	} else {
		dst = append(dst, flags, code, byte(len(value)))
	}
	return append(dst, value...)
}

// encodeAttrs encodes everything but next hop and NLRI, in the order of the type codes.
func (p Params) encodeAttrs(a *bgp.Attrs) []byte {
	list := []gobgp.PathAttributeInterface{gobgp.NewPathAttributeOrigin(uint8(a.Origin)), p.asPath(a.Path)}
	if a.HasMED {
		list = append(list, gobgp.NewPathAttributeMultiExitDisc(a.MED))
	}
	if a.HasLocalPref {
		list = append(list, gobgp.NewPathAttributeLocalPref(a.LocalPref))
	}
	if a.AtomicAggregate {
		list = append(list, gobgp.NewPathAttributeAtomicAggregate())
	}
	list = append(list, p.aggregators(a.Aggregator)...)
	if len(a.Communities) > 0 {
		list = append(list, gobgp.NewPathAttributeCommunities(numbers(a.Communities)))
	}
	list = append(list, reflection(a)...)
	list = append(list, extended(a)...)
	if !p.AS4 && needsAS4(a.Path) {
		list = append(list, as4Path(a.Path))
	}
	if a.HasOTC {
		otc := binary.BigEndian.AppendUint32(nil, a.OTC)
		list = append(list, gobgp.NewPathAttributeUnknown(optionalTransitive, attrOTC, otc))
	}
	var out []byte
	for _, attr := range list {
		b, _ := attr.Serialize() // these kinds cannot fail
		out = append(out, b...)
	}
	return out
}

func numbers(list []bgp.Community) []uint32 {
	out := make([]uint32, len(list))
	for i, c := range list {
		out[i] = uint32(c)
	}
	return out
}

// aggregators encodes AGGREGATOR and, for a 2-octet neighbour, AS4_AGGREGATOR (RFC 6793 section 4.2.2).
func (p Params) aggregators(a bgp.Aggregator) []gobgp.PathAttributeInterface {
	switch addr := a.Addr.String(); {
	case a == bgp.Aggregator{}:
		return nil
	case p.AS4:
		return []gobgp.PathAttributeInterface{gobgp.NewPathAttributeAggregator(a.ASN, addr)}
	case a.ASN <= 0xffff:
		return []gobgp.PathAttributeInterface{gobgp.NewPathAttributeAggregator(uint16(a.ASN), addr)}
	default:
		return []gobgp.PathAttributeInterface{
			gobgp.NewPathAttributeAggregator(uint16(bgp.ASTrans), addr),
			gobgp.NewPathAttributeAs4Aggregator(a.ASN, addr),
		}
	}
}

// reflection encodes what route reflectors add (RFC 4456).
func reflection(a *bgp.Attrs) (list []gobgp.PathAttributeInterface) {
	if a.OriginatorID.IsValid() {
		list = append(list, gobgp.NewPathAttributeOriginatorId(a.OriginatorID.String()))
	}
	if len(a.ClusterList) > 0 {
		ids := make([]string, len(a.ClusterList))
		for i, id := range a.ClusterList {
			ids[i] = id.String()
		}
		list = append(list, gobgp.NewPathAttributeClusterList(ids))
	}
	return list
}

// extended encodes extended and large communities.
func extended(a *bgp.Attrs) (list []gobgp.PathAttributeInterface) {
	if len(a.ExtCommunities) > 0 {
		ext := make([]gobgp.ExtendedCommunityInterface, len(a.ExtCommunities))
		for i, c := range a.ExtCommunities {
			ext[i] = gobgp.NewUnknownExtended(gobgp.ExtendedCommunityAttrType(c[0]), c[1:])
		}
		list = append(list, gobgp.NewPathAttributeExtendedCommunities(ext))
	}
	if len(a.LargeCommunities) > 0 {
		large := make([]*gobgp.LargeCommunity, len(a.LargeCommunities))
		for i, c := range a.LargeCommunities {
			large[i] = gobgp.NewLargeCommunity(c.Global, c.Local1, c.Local2)
		}
		list = append(list, gobgp.NewPathAttributeLargeCommunities(large))
	}
	return list
}
