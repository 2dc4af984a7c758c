package detect_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// BenchmarkJudge is what one change of a registered prefix costs: Learn and All over four of our own sessions, or a
// recording's 300 vantages.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{4, 300} {
		for _, c := range []struct{ name, path string }{{"quiet", direct}, {"hijacked", "64500 65550"}} {
			b.Run(fmt.Sprintf("%s-%d", c.name, n), func(b *testing.B) {
				l := newLab(b)
				for i := range n {
					l.announce(l.peer(fmt.Sprintf("e%d", i), 64500, bgp.Provider), exact, c.path)
				}
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					st := l.state(registered)
					b.StartTimer()
					st.Learn()
					detect.All(st)
				}
			})
		}
	}
}

// Judging a prefix that is well allocates two or three times, however many sessions show it.
func TestJudgingAllocatesLittle(t *testing.T) {
	for _, sessions := range []int{1, 4, 40} {
		l := newLab(t)
		for i := range sessions {
			l.announce(l.peer(fmt.Sprintf("e%d", i), 64500, bgp.Provider), exact, direct)
		}
		st := l.state(registered)
		st.Learn()
		if n := testing.AllocsPerRun(100, func() { detect.All(st) }); n > 5 {
			t.Errorf("%d sessions: %v allocations", sessions, n)
		}
	}
}

// BenchmarkTableLeaks judges a path of a full table by the methods that need no data.
func BenchmarkTableLeaks(b *testing.B) {
	judge := newLab(b).settings.LeaksOf(&bgp.Vantage{Name: "e1", ASN: 64500, LocalASN: 64512, Relationship: bgp.Provider})
	a := &bgp.Attrs{Path: bgp.Sequence(64500, 3356, 1299, 64501, 64496)}
	b.ReportAllocs()
	for b.Loop() {
		judge(a)
	}
}

// BenchmarkTableLeaksRelated judges paths with a file of relationships as large as the public ones, too.
func BenchmarkTableLeaksRelated(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	as := func() uint32 { return 1 + rnd.Uint32N(75_000) }
	links := make([]detect.Link, 500_000)
	for i := range links {
		links[i] = detect.Link{A: as(), B: as(), Peers: i%2 == 0}
	}
	settings := newLab(b).settings
	settings.Relationships = detect.NewRelationships(links)
	judge := settings.LeaksOf(&bgp.Vantage{Name: "e1", ASN: 64500, LocalASN: 64512, Relationship: bgp.Provider})
	paths := make([]*bgp.Attrs, 10_000)
	for i := range paths {
		paths[i] = &bgp.Attrs{Path: bgp.Sequence(64500, 3356, as(), as(), as())}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		judge(paths[i%len(paths)])
	}
}
