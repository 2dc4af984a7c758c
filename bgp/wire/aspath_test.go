package wire

import (
	"testing"

	"peervane/bgp"
)

// as4 lays out AS4_PATH of one AS_SEQUENCE.
func as4(asns ...uint32) []byte {
	return attr(attrAS4Path, segment(bgp.ASSequence, 4, asns...)...)
}

func TestAS4PathMerge(t *testing.T) {
	const trans = bgp.ASTrans
	two := func(parts ...[]byte) []byte { return attr(attrASPath, join(parts...)...) }
	four := func(parts ...[]byte) []byte { return attr(attrAS4Path, join(parts...)...) }
	seq := func(width int, asns ...uint32) []byte { return segment(bgp.ASSequence, width, asns...) }
	set := func(width int, asns ...uint32) []byte { return segment(bgp.ASSet, width, asns...) }
	confed := func(width int, asns ...uint32) []byte { return segment(bgp.ConfedSequence, width, asns...) }
	aggregator := func(asn uint16) []byte { return attr(attrAggregator, byte(asn>>8), byte(asn), 192, 0, 2, 9) }
	aggregator4 := attr(attrAS4Aggregator, 0, 1, 0, 0, 192, 0, 2, 4)
	for _, c := range []struct {
		name  string
		attrs [][]byte
		path  string
		agg   uint32
	}{
		{"none", [][]byte{path2(1, trans)}, "1 23456", 0},
		{"as long", [][]byte{path2(trans, trans), as4(70000, 70001)}, "70000 70001", 0},
		{"old speakers ahead", [][]byte{path2(1, 2, trans), as4(70001)}, "1 2 70001", 0},
		{"before AS_PATH", [][]byte{as4(70001), path2(1, trans)}, "1 70001", 0},
		{"longer than AS_PATH", [][]byte{path2(1, trans), as4(70000, 70001, 70002)}, "1 23456", 0},
		{"a set counts one", [][]byte{two(seq(2, 1, trans), set(2, 2, 3)), four(seq(4, 70000), set(4, 2, 70003))}, "1 70000 {2,70003}", 0},
		{"a set ahead", [][]byte{two(set(2, 5, 6), seq(2, trans)), as4(70000)}, "{5,6} 70000", 0},
		{"a set cannot be cut", [][]byte{two(seq(2, 1), set(2, 5, 6), seq(2, trans)), as4(70000)}, "1 {5,6} 70000", 0},
		{"confederation ahead, as long", [][]byte{two(confed(2, 65100, 65101), seq(2, trans)), as4(70000)}, "(65100 65101) 70000", 0},
		{"confederation and old speakers ahead", [][]byte{two(confed(2, 65100), seq(2, 1, trans)), as4(70000)}, "(65100) 1 70000", 0},
		{"confederation behind what is ahead", [][]byte{two(seq(2, 1), confed(2, 65100), seq(2, trans)), as4(70000)}, "1 (65100) 70000", 0},
		{"confederation behind a part of it", [][]byte{two(seq(2, 1, 2), confed(2, 65100), seq(2, trans)), as4(2, 70000)}, "1 2 70000", 0},
		{"confederation in AS4_PATH", [][]byte{path2(1, trans), four(confed(4, 65100), seq(4, 70000))}, "1 70000", 0},
		{"AS4_PATH of confederations alone", [][]byte{path2(1, trans), four(confed(4, 65100))}, "1 23456", 0},
		{"malformed", [][]byte{path2(1, trans), attr(attrAS4Path, 2, 2, 0, 1, 2, 3)}, "1 23456", 0},
		{"empty", [][]byte{path2(1, trans), attr(attrAS4Path)}, "1 23456", 0},
		{"AS 0", [][]byte{path2(1, trans), as4(0)}, "1 23456", 0},
		{"aggregated by a new speaker", [][]byte{path2(1, trans), as4(70000), aggregator(trans), aggregator4}, "1 70000", 65536},
		{"aggregated by an old speaker", [][]byte{path2(1, trans), as4(70000), aggregator(9), aggregator4}, "1 23456", 9},
		{"AGGREGATOR of AS_TRANS alone", [][]byte{path2(1, trans), as4(70000), aggregator(trans)}, "1 70000", trans},
		{"AS4_AGGREGATOR alone", [][]byte{path2(1, trans), as4(70000), aggregator4}, "1 70000", 0},
		{"malformed AS4_AGGREGATOR", [][]byte{path2(1, trans), as4(70000), aggregator(9), attr(attrAS4Aggregator, 0, 1)}, "1 70000", 9},
		{"AS4_AGGREGATOR of AS 0", [][]byte{path2(1, trans), as4(70000), aggregator(trans), attr(attrAS4Aggregator, 0, 0, 0, 0, 1, 1, 1, 1)}, "1 70000", trans},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, a := scanned(t, old, origin, join(c.attrs...), nextHop)
			if a.Path.String() != c.path {
				t.Errorf("path %q, want %q", a.Path, c.path)
			}
			if a.Aggregator.ASN != c.agg {
				t.Errorf("aggregator %d, want %d", a.Aggregator.ASN, c.agg)
			}
		})
	}
}

func TestAS4FromNewSpeakerIsDiscarded(t *testing.T) {
	u, a := scanned(t, external, sound, as4(70000, 70001), attr(attrAS4Aggregator, 1))
	if a.Path.String() != "65001 65002" || u.Verdict() != AttributeDiscard || len(u.Faults()) != 2 || u.Faults()[0].Reason != ReasonNewSpeaker {
		t.Errorf("path %q, %v", a.Path, u.Faults())
	}
}

func TestAS4PathFlags(t *testing.T) {
	var u Update
	b := body(nil, join(sound2, attrFlags(0x40, attrAS4Path, segment(bgp.ASSequence, 4, 70000)...)), route)
	if v := old.Scan(b, &u); v != TreatAsWithdraw {
		t.Errorf("verdict %v: RFC 7606 section 3 (c) knows no exception for AS4_PATH", v)
	}
}

func TestLongPath(t *testing.T) {
	asns := make([]uint32, 300)
	for i := range asns {
		asns[i] = uint32(i + 1)
	}
	two := attr(attrASPath, join(segment(bgp.ASSequence, 4, asns[:255]...), segment(bgp.ASSequence, 4, asns[255:]...))...)
	_, a := scanned(t, external, origin, two, nextHop)
	if got, want := a.Path.String(), bgp.Sequence(asns...).String(); got != want || a.Path.Len() != 300 {
		t.Errorf("path of %d: %s", a.Path.Len(), got)
	}
}
