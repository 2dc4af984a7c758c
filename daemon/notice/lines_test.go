package notice

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestEvidenceLines(t *testing.T) {
	ms := func(f float64) *float64 { return &f }
	addr := netip.MustParseAddr
	someTime := time.Date(2026, 11, 22, 12, 3, 4, 0, time.UTC)
	e := &Evidence{
		Cause: &Cause{
			Vantage: "r1", Neighbour: addr("10.3.1.1"), NeighbourASN: 64501, Prefix: netip.MustParsePrefix("198.18.1.0/24"), At: At(someTime),
			Updates: 2, OldPath: "64501 64496", NewPath: "64501 64502 64496",
		},
		Latency: &Latency{POP: "par1", BeforeMS: ms(32.4), AfterMS: ms(62.6), Loss: ms(0.05), OutageMS: ms(120), ConvergenceMS: ms(0)},
		Trace: &Trace{
			Address: addr("198.18.1.1"), Method: "icmp", At: At(someTime), BeforeAt: At(someTime),
			Hops:   []TraceHop{{TTL: 1, Address: addr("10.3.1.1"), ASN: 64501, RTTMS: ms(2.04)}, {TTL: 2}, {TTL: 3, Address: addr("10.4.2.2"), RTTMS: ms(52)}},
			Before: []TraceHop{{TTL: 1, Address: addr("198.18.1.1"), ASN: 64496, RTTMS: ms(32.4)}},
		},
		Hints: []string{"AS64502 has cost 30 ms before"},
	}
	want := []string{
		"cause: r1 (10.3.1.1, AS64501) at 2026-11-22T12:03:04Z: 198.18.1.0/24 by 64501 64502 64496, before by 64501 64496, in 2 steps",
		"latency to par1: before 32.4 ms, after 62.6 ms, outage 120 ms, loss 5 %",
		"trace to 198.18.1.1 by icmp at 2026-11-22T12:03:04Z: 1 10.3.1.1 AS64501 2.0 ms > 2 * > 3 10.4.2.2 52.0 ms > no farther",
		"trace before, at 2026-11-22T12:03:04Z: 1 198.18.1.1 AS64496 32.4 ms",
		"hint: AS64502 has cost 30 ms before",
	}
	if got := e.Lines(); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	local := &Evidence{Latency: &Latency{POP: "par1", BeforeMS: ms(0.03), AfterMS: ms(4), Loss: ms(0), OutageMS: ms(0), ConvergenceMS: ms(35)}}
	if got := local.Lines(); !slices.Equal(got, []string{"latency to par1: before under 0.1 ms, after 4 ms, convergence 35 ms, loss 0 %"}) {
		t.Errorf("got %q", got)
	}
	if got := (&Evidence{}).Lines(); len(got) != 0 {
		t.Errorf("nothing to tell: %q", got)
	}
}
