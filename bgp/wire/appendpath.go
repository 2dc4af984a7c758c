package wire

import (
	"slices"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

// maxSegment is the most ASNs that one segment holds.
const maxSegment = 255

// asPath encodes AS_PATH; towards a 2-octet neighbour AS_TRANS stands for what does not fit (RFC 6793 section 4.2.2).
func (p Params) asPath(path *bgp.Path) gobgp.PathAttributeInterface {
	var params []gobgp.AsPathParamInterface
	for _, s := range splitSegments(path) {
		if p.AS4 {
			params = append(params, gobgp.NewAs4PathParam(uint8(s.Type), s.ASNs))
		} else {
			params = append(params, gobgp.NewAsPathParam(uint8(s.Type), narrow(s.ASNs)))
		}
	}
	return gobgp.NewPathAttributeAsPath(params)
}

// as4Path encodes AS4_PATH, in which confederations have no place (RFC 6793 section 3).
func as4Path(path *bgp.Path) gobgp.PathAttributeInterface {
	var params []*gobgp.As4PathParam
	for _, s := range splitSegments(path) {
		if !confederation(s.Type) {
			params = append(params, gobgp.NewAs4PathParam(uint8(s.Type), s.ASNs))
		}
	}
	return gobgp.NewPathAttributeAs4Path(params)
}

// needsAS4 says whether AS4_PATH is due: not for confederations alone.
func needsAS4(path *bgp.Path) bool {
	return path != nil && slices.ContainsFunc(path.Segments, func(s bgp.Segment) bool {
		return !confederation(s.Type) && slices.ContainsFunc(s.ASNs, wide)
	})
}

// splitSegments cuts segments that are too long for the wire.
func splitSegments(path *bgp.Path) (segments []bgp.Segment) {
	if path == nil {
		return nil
	}
	for _, s := range path.Segments {
		for asns := range slices.Chunk(s.ASNs, maxSegment) {
			segments = append(segments, bgp.Segment{Type: s.Type, ASNs: asns})
		}
	}
	return segments
}

func narrow(asns []uint32) []uint16 {
	out := make([]uint16, len(asns))
	for i, asn := range asns {
		out[i] = uint16(asn)
		if wide(asn) {
			out[i] = bgp.ASTrans
		}
	}
	return out
}

func wide(asn uint32) bool { return asn > 0xffff }
