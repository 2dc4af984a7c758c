package wire

import (
	"slices"

	"peervane/bgp"
)

// checkPath judges AS_PATH and AS4_PATH: each segment of a known type, not empty, and within the attribute
// (RFC 7606 section 7.2; RFC 6793 section 6, which discards a malformed AS4_PATH), and no AS 0 (RFC 7607).
// Sets (RFC 9774), and confederation segments from outside a confederation (RFC 5065 section 5), are kept and remarked
// upon: a monitor that drops them would not see the routes that its routers use.
func (u *Update) checkPath(a attribute) (Verdict, Reason) {
	worse := TreatAsWithdraw
	if a.code == attrAS4Path {
		worse = AttributeDiscard
		if a.value.empty() {
			return worse, ReasonLength
		}
	}
	types, reason := checkSegments(u.bytes(a.value), u.width(a.code))
	if reason != 0 {
		return worse, reason
	}
	if types&(1<<bgp.ASSet|1<<bgp.ConfedSet) != 0 {
		u.fault(OK, ReasonASSet, a.code, int(a.at))
	}
	if types&(1<<bgp.ConfedSequence|1<<bgp.ConfedSet) != 0 && !u.params.IBGP && !u.params.Confederation {
		u.fault(OK, ReasonConfederation, a.code, int(a.at))
	}
	return OK, 0
}

// checkSegments also gives the types that it met, as bits.
func checkSegments(b []byte, width int) (types uint8, r Reason) {
	for len(b) > 0 {
		if len(b) < 2 {
			return 0, ReasonSegment
		}
		typ, size := b[0], 2+int(b[1])*width
		if typ < uint8(bgp.ASSet) || typ > uint8(bgp.ConfedSet) || size == 2 || size > len(b) {
			return 0, ReasonSegment
		}
		for at := 2; at < size; at += width {
			if asnAt(b[at:], width) == 0 {
				return 0, ReasonASZero
			}
		}
		types |= 1 << typ
		b = b[size:]
	}
	return types, 0
}

// path decodes AS_PATH and merges AS4_PATH into it.
func (u *Update) path() *bgp.Path {
	segments := decodeSegments(u.value(attrASPath), u.width(attrASPath))
	if u.keeps(attrAS4Path) && !u.aggregatedByOld() {
		segments = mergeAS4(segments, decodeSegments(u.value(attrAS4Path), 4))
	}
	return bgp.NewPath(segments)
}

// aggregatedByOld says whether a 2-octet speaker aggregated the route after AS4_PATH and AS4_AGGREGATOR were made, which
// makes both void (RFC 6793 section 4.2.3).
func (u *Update) aggregatedByOld() bool {
	return u.keeps(attrAggregator) && u.keeps(attrAS4Aggregator) &&
		asnAt(u.value(attrAggregator), u.width(attrAggregator)) != bgp.ASTrans
}

// decodeSegments decodes what checkSegments has found sound, all ASNs in one allocation.
func decodeSegments(b []byte, width int) []bgp.Segment {
	if len(b) == 0 {
		return nil
	}
	segments, _ := appendSegments(make([]bgp.Segment, 0, 1), make([]uint32, 0, len(b)/width), b, width)
	return segments
}

// appendSegments decodes into the memory that it is given, and gives all of that back.
func appendSegments(segments []bgp.Segment, asns []uint32, b []byte, width int) ([]bgp.Segment, []uint32) {
	asns = slices.Grow(asns, len(b)/width) // the segments share it
	for len(b) > 0 {
		size, first := 2+int(b[1])*width, len(asns)
		for at := 2; at < size; at += width {
			asns = append(asns, asnAt(b[at:], width))
		}
		segments = append(segments, bgp.Segment{Type: bgp.SegmentType(b[0]), ASNs: asns[first:len(asns):len(asns)]})
		b = b[size:]
	}
	return segments, asns
}

// mergeAS4 rebuilds the path of 4-octet ASNs (RFC 6793 section 4.2.3): the head of AS_PATH, which 2-octet speakers added,
// before AS4_PATH, together as long as AS_PATH. An AS4_PATH that is longer than AS_PATH is ignored.
// Confederation segments are counted in neither (RFC 5065 section 5.3), go with the head, and have no place in AS4_PATH.
func mergeAS4(path, as4 []bgp.Segment) []bgp.Segment {
	as4 = slices.DeleteFunc(as4, func(s bgp.Segment) bool { return confederation(s.Type) })
	left := segmentsLen(path) - segmentsLen(as4)
	if left < 0 || len(as4) == 0 {
		return path
	}
	var merged []bgp.Segment
	for _, s := range path {
		take := len(s.ASNs)
		switch {
		case confederation(s.Type):
		case left == 0:
			take = 0
		case s.Type == bgp.ASSet:
			left--
		default:
			take = min(take, left)
			left -= take
		}
		if take > 0 {
			merged = append(merged, bgp.Segment{Type: s.Type, ASNs: s.ASNs[:take]})
		}
		if take < len(s.ASNs) {
			break
		}
	}
	return joinSequences(merged, as4)
}

// joinSequences appends tail to head; where two AS_SEQUENCEs meet they become one.
func joinSequences(head, tail []bgp.Segment) []bgp.Segment {
	if len(head) > 0 && len(tail) > 0 {
		last := &head[len(head)-1]
		if last.Type == bgp.ASSequence && tail[0].Type == bgp.ASSequence {
			last.ASNs = slices.Concat(last.ASNs, tail[0].ASNs)
			tail = tail[1:]
		}
	}
	return append(head, tail...)
}

func confederation(t bgp.SegmentType) bool { return t == bgp.ConfedSequence || t == bgp.ConfedSet }

// segmentsLen counts as the decision process does: a set is one, confederation segments are nothing.
func segmentsLen(segments []bgp.Segment) int {
	return (&bgp.Path{Segments: segments}).Len()
}
