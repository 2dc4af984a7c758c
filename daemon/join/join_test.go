package join

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"peervane/probe/stats"
)

var (
	start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	par1  = Flow{POP: "par1", Addr: netip.MustParseAddr("198.51.100.1"), Method: "icmp"}
	fra1  = Flow{POP: "fra1", Addr: netip.MustParseAddr("198.51.100.2"), Method: "icmp"}
)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// batch is one of three packets, which takes a second. ms 0 means that all were lost.
func batch(second int, ms float64) stats.Sample {
	s := stats.Sample{Started: at(second), Ended: at(second + 1), Sent: 3}
	if ms == 0 {
		s.Lost = 3
		return s
	}
	d := time.Duration(ms * float64(time.Millisecond))
	s.Received, s.RTTs = 3, []time.Duration{d, d, d + time.Millisecond}
	return s
}

func plane(flow Flow, ms ...float64) *Plane {
	p := &Plane{}
	fill(p, flow, ms...)
	return p
}

func fill(p *Plane, flow Flow, ms ...float64) {
	for i, m := range ms {
		p.Add(flow, batch(10*i, m))
	}
}

func TestCost(t *testing.T) {
	for _, test := range []struct {
		name        string
		ms          []float64
		event       int
		want        Cost
		final, none bool
	}{
		{"nothing measured", nil, 5, Cost{}, false, true},
		{"nothing measured before", []float64{12}, -5, Cost{}, false, true},
		{"before only", []float64{12, 12, 13}, 25, Cost{POP: "par1", Before: 12, After: math.NaN()}, false, false},
		{"a batch under way at the event counts on neither side", []float64{12, 12, 50}, 20, Cost{POP: "par1", Before: 12, After: math.NaN()}, false, false},
		{"shift", []float64{12, 12, 12, 50, 50}, 25, Cost{POP: "par1", Before: 12, After: 50, Measured: true}, true, false},
		{"black hole", []float64{12, 12, 12, 0}, 25, Cost{POP: "par1", Before: 12, After: math.NaN(), Loss: 1, Measured: true}, true, false},
		{"too long ago", []float64{12}, 700, Cost{}, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, final, ok := plane(par1, test.ms...).CostOf(at(test.event), at(test.event), nil)
			if ok == test.none || final != test.final || !sameCost(got, test.want) {
				t.Errorf("got %+v final %v ok %v", got, final, ok)
			}
		})
	}
}

func TestCostTellsTheWorstPOP(t *testing.T) {
	p := plane(par1, 12, 12, 13)
	fill(p, fra1, 20, 20, 58)
	if c, final, _ := p.CostOf(at(15), at(15), nil); c.POP != "fra1" || !final || math.Round(c.Shift()) != 38 {
		t.Errorf("got %+v", c)
	}
	if c, final, _ := p.CostOf(at(25), at(25), nil); c.POP != "par1" || final {
		t.Errorf("nothing measured since: the nearest POP is told, got %+v final %v", c, final)
	}
	fill(p, Flow{POP: "ams1", Method: "icmp"}, 30, 30, 0)
	if c, _, _ := p.CostOf(at(15), at(15), nil); c.POP != "ams1" || c.Loss != 1 {
		t.Errorf("loss outweighs a shift, got %+v", c)
	}
}

func TestUnreachable(t *testing.T) {
	tcp := par1
	tcp.Method = "tcp:443"
	p := plane(par1, 12, 0, 0, 0)
	fill(p, tcp, 12, 12, 12, 12)
	if f := p.Unreachable("par1"); f != nil {
		t.Errorf("TCP still works, got %v", f)
	}
	for i := range 3 {
		p.Add(tcp, batch(40+10*i, 0))
	}
	f := p.Unreachable("par1")
	if len(f) != 1 || !f[0].Since.Equal(at(40)) || f[0].POP != "par1" {
		t.Fatalf("got %+v", f)
	}
	p.Add(par1, batch(80, 12))
	if f := p.Unreachable("par1"); f != nil {
		t.Errorf("one reply ends it, got %v", f)
	}
}

func TestBounds(t *testing.T) {
	p := &Plane{}
	for i := range 3 * keep {
		p.Add(par1, batch(10*i, 12))
	}
	if n := p.flows[par1].batches.len(); n != keep {
		t.Errorf("%d batches kept, want %d", n, keep)
	}
	p.Retain(map[Flow]bool{fra1: true}, at(0))
	if len(p.flows) != 0 {
		t.Error("a flow that is probed no more is forgotten")
	}
}

func sameCost(a, b Cost) bool {
	same := func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) }
	return a.POP == b.POP && same(a.Before, b.Before) && same(a.After, b.After) && a.Loss == b.Loss && a.Measured == b.Measured
}

func TestNearestAndReports(t *testing.T) {
	p := plane(par1, 12, 12, 12)
	fill(p, fra1, 20, 0, 20)
	reports := p.Reports(at(30))
	if len(reports) != 2 || reports[0].POP != "fra1" || reports[0].Nearest || !reports[1].Nearest {
		t.Fatalf("got %+v", reports)
	}
	if r := reports[0]; r.Received != 6 || r.Sent != 9 || r.P50 != 20*time.Millisecond || !r.Last.Equal(at(20)) || r.Median != 20*time.Millisecond {
		t.Errorf("got %+v", r)
	}
	for i := range 3 {
		p.Add(fra1, batch(30+10*i, 20))
		change, changed := p.Add(par1, batch(30+10*i, 0))
		if last := i == 2; changed != last || last && change.To != "fra1" {
			t.Errorf("after %d lost batches: changed %v to %q", i+1, changed, change.To)
		}
	}
}

// Where there are many flows, the report of each is made anew within a few times, and all are told each time.
func TestReportsOfManyFlows(t *testing.T) {
	const flows = 2*reportsAtOnce + 10
	p := &Plane{}
	for round := range 2 {
		for i := range flows {
			f := par1
			f.POP = fmt.Sprint("pop", i)
			p.Add(f, batch(10*round, 12))
		}
		if n := len(p.Reports(at(20))); n != flows {
			t.Fatalf("%d reports", n)
		}
	}
	p.Reports(at(20))
	for _, r := range p.Reports(at(20)) {
		if r.Batches != 2 {
			t.Fatalf("%s: %d batches", r.POP, r.Batches)
		}
	}
}
