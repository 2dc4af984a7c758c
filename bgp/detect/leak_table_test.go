package detect

import (
	"testing"

	"peervane/bgp"
)

// wholeTable is how the routes of a provider's full table are judged.
func wholeTable() (judge func(*bgp.Attrs) *bgp.Leak, sound *bgp.Attrs) {
	s := &Settings{Tier1: Tier1(nil), Relationships: NewRelationships([]Link{{A: 3356, B: 64500}, {A: 64501, B: 64496}, {A: 3356, B: 64501}})}
	v := &bgp.Vantage{Name: "edge", ASN: 64500, LocalASN: 64512, Relationship: bgp.Provider}
	return s.LeaksOf(v), &bgp.Attrs{Path: bgp.Sequence(64500, 3356, 3356, 64501, 64496)}
}

func TestWholeTableIsJudgedWithoutAllocation(t *testing.T) {
	judge, sound := wholeTable()
	if l := judge(sound); l != nil {
		t.Fatalf("a sound route is leaked: %+v", l)
	}
	if n := testing.AllocsPerRun(100, func() { judge(sound) }); n != 0 && !raceDetector {
		t.Errorf("%v allocations a path", n)
	}
	if judge(&bgp.Attrs{Path: bgp.Sequence(64500, 3356, 64501, 174, 64496)}) == nil {
		t.Error("a customer's AS between two tier-1 networks is no leak")
	}
}

func BenchmarkWholeTable(b *testing.B) {
	judge, sound := wholeTable()
	b.ReportAllocs()
	for b.Loop() {
		judge(sound)
	}
}
