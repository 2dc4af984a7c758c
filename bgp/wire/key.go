package wire

import (
	"encoding/binary"

	"peervane/bgp"
)

// AttrsOf decodes what a Key identifies: it gives what Attrs gave of the UPDATE that the Key is of.
func AttrsOf(key []byte) *bgp.Attrs {
	var u Update
	u.readKey(key)
	return u.Attrs(bgp.IPv4)
}

// readKey makes u read the attributes of a Key.
func (u *Update) readKey(key []byte) {
	u.begin(Params{AS4: key[0] == 4}, key)
	hop := 2 + uint16(key[1])
	u.reach = multiprotocol{state: learnt, family: bgp.IPv4, nextHop: span{2, hop}}
	for at := hop; int(at) < len(key); {
		value := at + 3
		code, end := key[at], value+binary.BigEndian.Uint16(key[at+1:])
		u.kept |= 1 << code
		u.values[code] = span{value, end}
		at = end
	}
}

// Sketch decodes of a Key what is judged of every route, and nothing else: the AS path, without its text, and OTC. It uses
// its memory over and over, so that it allocates nothing. The zero value is ready.
type Sketch struct {
	update   Update
	attrs    bgp.Attrs
	path     bgp.Path
	segments []bgp.Segment
	asns     []uint32
}

// Of is valid until it is called again.
func (s *Sketch) Of(key []byte) *bgp.Attrs {
	u := &s.update
	u.readKey(key)
	s.attrs = bgp.Attrs{Path: &s.path}
	s.attrs.OTC, s.attrs.HasOTC = u.number(attrOTC)
	s.segments, s.asns = appendSegments(s.segments[:0], s.asns[:0], u.value(attrASPath), u.width(attrASPath))
	s.path.Segments = s.segments
	if u.keeps(attrAS4Path) {
		s.attrs.Path = u.path()
	}
	return &s.attrs
}
