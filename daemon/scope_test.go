package daemon

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/daemon/incident"
)

// crowd is an engine that n peers of a collector show a prefix, and what covers it.
func crowd(n int) *engine {
	reg := registered("203.0.113.0/24", 64496)
	reg.Policy.AllowPrepending = true
	e := newEngine(twoPeers(reg), incident.Options{Source: "test", NewID: derivedID}, true, zap.NewNop())
	for i := range n {
		v := &bgp.Vantage{Name: fmt.Sprintf("rrc00/192.0.2.%d/%d", i, 65000+i), Collector: "rrc00", ASN: uint32(65000 + i)}
		e.input(bgp.SessionUp{Vantage: v, At: start, Families: bgp.Families[:], Recorded: true})
		for _, p := range []string{"203.0.113.0/24", "203.0.112.0/23"} {
			e.input(bgp.Change{
				Vantage: v, Prefix: netip.MustParsePrefix(p), At: start, First: start, Announced: 1,
				Attrs: &bgp.Attrs{Path: bgp.Sequence(v.ASN, 64500, 64496)},
			})
		}
	}
	e.judge(start, math.MaxInt)
	e.take()
	return e
}

// What a state is laid out in is made once, however many vantages there are.
func TestStateAllocatesNothingPerVantage(t *testing.T) {
	cost := func(n int) float64 {
		e, prefix := crowd(n), netip.MustParsePrefix("203.0.113.0/24")
		reg := e.regs.exact(prefix)
		if st := e.state(reg, prefix, start); len(st.Vantages) != n || len(st.Routes) != n || len(st.Covering) != n {
			t.Fatalf("%d vantages, %d routes, %d covering; want %d of each", len(st.Vantages), len(st.Routes), len(st.Covering), n)
		}
		return testing.AllocsPerRun(100, func() { e.state(reg, prefix, start) })
	}
	few, many := cost(2), cost(200)
	if many > few+2 { // the race detector's runtime allocates now and then
		t.Errorf("%v allocations for 200 vantages, %v for two", many, few)
	}
}

// Of a peer of a collector that shows the registered prefix, what is inside would be seen: it counts among those that could.
func TestWhoShowsThePrefixWatchesItsInside(t *testing.T) {
	e := crowd(3)
	e.input(bgp.Change{
		Vantage: e.vantages.list[1].Vantage, Prefix: netip.MustParsePrefix("203.0.113.128/25"), At: start, First: start, Announced: 1,
		Attrs: &bgp.Attrs{Path: bgp.Sequence(65001, 64510)},
	})
	e.judge(start, math.MaxInt)
	if n := e.take().notices; len(n) != 1 || n[0].Vantages.Bad != 1 || n[0].Vantages.Total != 3 {
		t.Errorf("told %+v", n)
	}
}

// The vantages that a state lists are those that are known now, in order, whoever left meanwhile.
func TestStateAfterVantagesLeft(t *testing.T) {
	e, prefix := crowd(5), netip.MustParsePrefix("203.0.113.0/24")
	for _, i := range []int{3, 0} {
		e.input(bgp.Gone{Vantage: e.vantages.list[i].Vantage, At: start})
	}
	e.input(bgp.Change{
		Vantage: e.vantages.list[1].Vantage, Prefix: prefix, PathID: 7, At: start, First: start, Announced: 1,
		Attrs: &bgp.Attrs{Path: bgp.Sequence(65002, 64496)},
	})
	st := e.state(e.regs.exact(prefix), prefix, start)
	var got []string
	for _, h := range st.Routes {
		if st.Vantages[h.V].Vantage != h.Vantage {
			t.Errorf("the route of %s stands at position %d, of %s", h.Vantage.Name, h.V, st.Vantages[h.V].Name)
		}
		got = append(got, h.Attrs.Path.String())
	}
	want := "[65001 64500 64496 65002 64496 65002 64500 64496 65004 64500 64496]"
	if fmt.Sprint(got) != want || len(st.Vantages) != 3 {
		t.Errorf("got %v of %d vantages, want %s", got, len(st.Vantages), want)
	}
}

// BenchmarkChange is what one change of a registered prefix costs in a recording of 260 vantages, all in all.
func BenchmarkChange(b *testing.B) {
	for _, c := range []struct {
		name   string
		origin uint32
	}{{"quiet", 64496}, {"hijacked", 65550}} {
		b.Run(c.name, func(b *testing.B) {
			e, prefix := crowd(260), netip.MustParsePrefix("203.0.113.0/24")
			change := func(i int, origin uint32) {
				v := e.vantages.list[i%260].Vantage
				e.input(bgp.Change{
					Vantage: v, Prefix: prefix, At: start, First: start, Announced: 1,
					Attrs: &bgp.Attrs{Path: bgp.Sequence(v.ASN, 64500, origin)},
				})
				e.judge(start, math.MaxInt)
			}
			for i := range 260 {
				change(i, c.origin)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				change(i, c.origin)
				e.take()
			}
		})
	}
}
