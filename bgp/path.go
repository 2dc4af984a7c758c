package bgp

import (
	"slices"
	"strconv"
)

// ASTrans stands for a 4-octet ASN towards a 2-octet speaker (RFC 6793). It never proves anything.
const ASTrans = 23456

// SegmentType is the type of an AS_PATH segment (RFC 4271 section 4.3, RFC 5065 section 3).
type SegmentType uint8

// The segment types as they stand on the wire.
const (
	ASSet          SegmentType = 1
	ASSequence     SegmentType = 2
	ConfedSequence SegmentType = 3
	ConfedSet      SegmentType = 4
)

// Segment is one segment of an AS_PATH.
type Segment struct {
	Type SegmentType
	ASNs []uint32
}

// Path is an AS_PATH as it was received, AS4_PATH merged in. It is immutable. The zero value is the empty path of
// a route that was originated inside the neighbour's own AS.
type Path struct {
	Segments []Segment
	text     string
}

// NewPath keeps segs; the caller must not change them afterwards.
func NewPath(segs []Segment) *Path {
	p := &Path{Segments: segs}
	p.text = p.render()
	return p
}

// Sequence makes the path of one AS_SEQUENCE.
func Sequence(asns ...uint32) *Path {
	if len(asns) == 0 {
		return NewPath(nil)
	}
	return NewPath([]Segment{{ASSequence, asns}})
}

// String prints the path as routers do: sequences plain, sets {1,2}, confederations (1 2) and [1,2].
func (p *Path) String() string { return p.text }

var brackets = map[SegmentType][3]string{
	ASSet:          {"{", ",", "}"},
	ASSequence:     {"", " ", ""},
	ConfedSequence: {"(", " ", ")"},
	ConfedSet:      {"[", ",", "]"},
}

func (p *Path) render() string {
	var b []byte
	for i, s := range p.Segments {
		if i > 0 {
			b = append(b, ' ')
		}
		marks := brackets[s.Type]
		b = append(b, marks[0]...)
		for j, asn := range s.ASNs {
			if j > 0 {
				b = append(b, marks[1]...)
			}
			b = strconv.AppendUint(b, uint64(asn), 10)
		}
		b = append(b, marks[2]...)
	}
	return string(b)
}

// Len is the length that the decision process compares: a set counts one, confederation segments nothing
// (RFC 4271 section 9.1.2.2, RFC 5065 section 5.3).
func (p *Path) Len() int {
	n := 0
	for _, s := range p.Segments {
		switch s.Type {
		case ASSequence:
			n += len(s.ASNs)
		case ASSet:
			n++
		}
	}
	return n
}

// HasSet says whether the path holds an AS_SET, which RFC 9774 deprecates.
func (p *Path) HasSet() bool {
	return slices.ContainsFunc(p.Segments, func(s Segment) bool { return s.Type == ASSet })
}

// Contains says whether asn stands anywhere in the path, sets and confederations included.
func (p *Path) Contains(asn uint32) bool {
	return slices.ContainsFunc(p.Segments, func(s Segment) bool { return slices.Contains(s.ASNs, asn) })
}

// First is the first ASN outside confederations, or 0: on an eBGP session the neighbour, unless it is a route server.
func (p *Path) First() uint32 {
	for _, s := range p.Segments {
		if s.Type == ASSequence && len(s.ASNs) > 0 {
			return s.ASNs[0]
		}
		if s.Type == ASSet {
			return 0
		}
	}
	return 0
}
