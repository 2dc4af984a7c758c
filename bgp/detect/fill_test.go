package detect

import (
	"reflect"
	"testing"
	"time"

	"peervane/bgp"
)

// An earlier memory fills what a later one has not seen, and changes nothing of what it has.
func TestFill(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	before := now.Add(-30 * time.Minute)
	a, b, c := Path{bgp.Sequence(64500, 64496)}, Path{bgp.Sequence(64501, 64496)}, Path{bgp.Sequence(64502, 64496)}
	gone, fresh := &View{Since: before, Steady: true, Gone: before}, &View{Since: now}
	older := func() *Memory {
		return &Memory{
			Traces: []Trace{
				{Vantage: "e1", Seen: true, Lost: before, Settled: a, Moved: &Moved{c, before}, Baseline: uncovered, View: gone},
				{Vantage: "e2", Seen: true, Settled: b, Baseline: uncovered},
			},
			ROAs: []ROA{{Origin: 64496, VRP: "old", Lost: before}, {Origin: 64497, VRP: "other"}},
			Unrest: &Unrest{
				Flaps: []Flap{
					{Vantage: "e1", Penalty: 12000, At: before, First: before, Over: before, Withdrawn: 12}, // 3,000 by now
					{Vantage: "e2", Penalty: 1000, At: before, First: before, Withdrawn: 1},                 // forgotten by now
				},
				Shown:  []Shown{{"e1", []uint32{64500}}, {"e2", []uint32{64501}}},
				Strays: []Stray{{"e1", a}, {"e2", c}},
			},
		}
	}
	flap := func(penalty float64, over time.Time, withdrawn uint32) Flap {
		return Flap{Vantage: "e1", Penalty: penalty, At: now, First: before, Over: over, Withdrawn: withdrawn}
	}
	knows := func() Memory {
		return Memory{
			Traces: []Trace{{Vantage: "e1", Seen: true, Settled: c, Baseline: &Cover{Origin: "64499"}, View: fresh}},
			ROAs:   []ROA{{Origin: 64496, VRP: "new"}},
			Unrest: &Unrest{
				Flaps: []Flap{{Vantage: "e1", Penalty: 1000, At: now, First: now, Withdrawn: 1}}, Shown: []Shown{{"e1", []uint32{64502}}},
			},
		}
	}
	kept := knows()
	kept.Traces = append(kept.Traces, older().Traces[1])
	kept.ROAs = append(kept.ROAs, ROA{Origin: 64497, VRP: "other"})
	kept.Unrest = &Unrest{Flaps: []Flap{flap(4000, before, 13)}, Shown: []Shown{{"e1", []uint32{64502}}, {"e2", []uint32{64501}}}, Strays: []Stray{{"e2", c}}}
	settled := kept
	settled.Traces = []Trace{kept.Traces[0], kept.Traces[1]}
	settled.Traces[0].Settled, settled.Traces[0].Moved = a, &Moved{c, before}
	all := *older()
	all.Unrest.Flaps = []Flap{flap(3000, before, 12)}
	for _, test := range []struct {
		what  string
		have  Memory
		young bool
		want  Memory
	}{
		{"nothing is known", Memory{}, false, all},
		{"what was seen since stands", knows(), false, kept},
		{"but for the normal, which was the first that was seen", knows(), true, settled},
	} {
		test.have.Fill(older(), now, test.young)
		if !reflect.DeepEqual(test.have, test.want) {
			t.Errorf("%s:\n got %+v %+v\nwant %+v %+v", test.what, test.have, test.have.Unrest, test.want, test.want.Unrest)
		}
	}
}
