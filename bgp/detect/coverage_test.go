package detect

import (
	"testing"

	"peervane/bgp"
)

// Each pair of neighbours counts once, on paths as they are judged; siblings, AS_SETs and AS_TRANS are none, and other
// settings begin anew.
func TestCoverage(t *testing.T) {
	settings := func() *Settings {
		return &Settings{
			Relationships: NewRelationships([]Link{{A: 1, B: 2}, {A: 3, B: 2, Peers: true}}),
			Siblings:      map[uint32]uint32{7: 6}, RouteServers: map[uint32]bool{9: true},
		}
	}
	v, s := &Verdicts{}, settings()
	see := func(asns ...uint32) { v.leak(s, route{path: bgp.Sequence(asns...), relationship: bgp.Collector}) }
	for _, c := range []struct {
		path        []uint32
		pairs, know int
	}{
		{[]uint32{1, 2}, 1, 1},
		{[]uint32{1, 1, 2}, 1, 1},
		{[]uint32{2, 1, 4}, 2, 1},
		{[]uint32{2, 9, 3}, 3, 2},
		{[]uint32{6, 7}, 3, 2},
		{[]uint32{1, bgp.ASTrans, 2}, 3, 2},
		{[]uint32{5}, 3, 2},
		{nil, 3, 2},
	} {
		if see(c.path...); v.Coverage() != (Coverage{c.pairs, c.know}) {
			t.Errorf("after %v: %+v, want %d of %d", c.path, v.Coverage(), c.know, c.pairs)
		}
	}
	s = settings()
	if see(4, 5); v.Coverage() != (Coverage{1, 0}) {
		t.Errorf("under other settings: %+v", v.Coverage())
	}
	s = &Settings{}
	if see(1, 2); v.Coverage() != (Coverage{}) {
		t.Errorf("without a file: %+v", v.Coverage())
	}
}
