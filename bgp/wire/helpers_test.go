package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"peervane/bgp"
)

// external is an eBGP session of today, internal its iBGP sibling, old one towards a 2-octet speaker.
var (
	external = Params{AS4: true, Families: [bgp.NumFamilies]bool{true, true}, PeerASN: 65001, LocalASN: 65000}
	internal = with(external, func(p *Params) { p.IBGP, p.PeerASN = true, 65000 })
	old      = with(external, func(p *Params) { p.AS4 = false })
	addPath  = with(external, func(p *Params) { p.AddPath = [bgp.NumFamilies]bool{true, true} })
)

func with(p Params, change func(*Params)) Params {
	change(&p)
	return p
}

// attr lays out one path attribute with the flags of its kind.
func attr(code uint8, value ...byte) []byte {
	flags := uint8(optionalTransitive)
	if code < attributes && attributeRules[code].flags != 0 {
		flags = attributeRules[code].flags
	}
	return appendAttribute(nil, flags, code, value)
}

func attrFlags(flags, code uint8, value ...byte) []byte {
	return appendAttribute(nil, flags, code, value)
}

func path4(asns ...uint32) []byte { return attr(attrASPath, segment(bgp.ASSequence, 4, asns...)...) }
func path2(asns ...uint32) []byte { return attr(attrASPath, segment(bgp.ASSequence, 2, asns...)...) }

func segment(t bgp.SegmentType, width int, asns ...uint32) []byte {
	b := []byte{byte(t), byte(len(asns))}
	for _, asn := range asns {
		if width == 4 {
			b = binary.BigEndian.AppendUint32(b, asn)
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(asn))
		}
	}
	return b
}

// The mandatory attributes, and some routes.
var (
	origin   = attr(attrOrigin, 0)
	nextHop  = attr(attrNextHop, 192, 0, 2, 1)
	sound    = join(origin, path4(65001, 65002), nextHop)
	sound2   = join(origin, path2(65001, 65002), nextHop)
	hop6     = netip.MustParseAddr("2001:db8::1").AsSlice()
	route    = nlri("203.0.113.0/24")
	other    = nlri("198.51.100.0/24")
	soundMP  = join(reach(bgp.IPv6, hop6, nlri("2001:db8:1::/48")), origin, path4(65001, 65002))
	soundMPU = unreach(bgp.IPv6, nlri("2001:db8:2::/48"))
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func nlri(prefixes ...string) (b []byte) {
	for _, s := range prefixes {
		p := netip.MustParsePrefix(s)
		b = append(append(b, byte(p.Bits())), p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
	}
	return b
}

func pathID(id uint32, list []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, id), list...)
}

func reach(f bgp.Family, hop, list []byte) []byte {
	return attr(attrMPReach, join(familyHeader(f), []byte{byte(len(hop))}, hop, []byte{0}, list)...)
}

func unreach(f bgp.Family, list []byte) []byte {
	return attr(attrMPUnreach, append(familyHeader(f), list...)...)
}

// body lays out the body of an UPDATE.
func body(withdrawn, attrs, announced []byte) []byte {
	return appendUpdate(nil, withdrawn, attrs, announced)[HeaderLen:]
}

// routes prints NLRI, one after the other.
func routes(seq func(func(NLRI) bool)) string {
	var list []string
	for n := range seq {
		text := n.Prefix.String()
		if n.PathID != 0 {
			text = fmt.Sprintf("%d:%s", n.PathID, text)
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

func announcedBy(u *Update) string { return routes(u.Announced) }
