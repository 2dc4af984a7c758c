package join

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEachContestHasItsOwnNearest measures two POPs over both families and from two sources: each is the nearest for some.
func TestEachContestHasItsOwnNearest(t *testing.T) {
	p := &Plane{}
	source := netip.MustParseAddr("203.0.113.1")
	flow := func(pop, addr string, source netip.Addr) Flow {
		return Flow{POP: pop, Service: "edge", Addr: netip.MustParseAddr(addr), Method: "icmp", Source: source}
	}
	told := map[string]string{}
	add := func(f Flow, second int, ms float64) {
		if c, changed := p.Add(f, batch(second, ms)); changed {
			told[c.Contest] = c.To
		}
	}
	for second := 0; second < 60; second += 10 {
		add(flow("fra1", "198.51.100.2", netip.Addr{}), second, 20)
		add(flow("par1", "198.51.100.1", netip.Addr{}), second, 12)
		add(flow("fra1", "2001:db8::2", netip.Addr{}), second, 11)
		add(flow("par1", "2001:db8::1", netip.Addr{}), second, 30)
		add(flow("fra1", "198.51.100.2", source), second, 13)
		add(flow("par1", "198.51.100.1", source), second, 40)
	}
	want := map[string]string{"edge over IPv4": "par1", "edge over IPv6": "fra1", "edge over IPv4 from 203.0.113.1": "fra1"}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	for _, r := range p.Reports(at(60)) {
		if wanted := want[r.contest().String()] == r.POP; r.Nearest != wanted {
			t.Errorf("%+v: nearest is %v", r.Flow, r.Nearest)
		}
	}
}

// TestBothFamiliesThatMoveAreOneCondition loses a POP over IPv4 and IPv6.
func TestBothFamiliesThatMoveAreOneCondition(t *testing.T) {
	p := &Plane{}
	for second := 0; second < 60; second += 10 {
		for i, addr := range []string{"198.51.100.1", "2001:db8::1", "198.51.100.2", "2001:db8::2"} {
			f, ms := Flow{POP: "par1", Service: "edge", Addr: netip.MustParseAddr(addr), Method: "icmp"}, 12.0
			switch {
			case i >= 2:
				f.POP, ms = "fra1", 20
			case second >= 30:
				ms = 0
			}
			p.Add(f, batch(second, ms))
		}
	}
	findings, _ := p.Usurped(at(61))
	if len(findings) != 1 || findings[0].POP != "fra1" || !strings.Contains(findings[0].Summary, "IPv4 is fra1") || !strings.Contains(findings[0].Summary, "IPv6 is fra1") {
		t.Errorf("findings %+v", findings)
	}
}

// TestOrderFollowsTheFlows holds the kept order, and who is cut off, to what a look at all flows gives.
func TestOrderFollowsTheFlows(t *testing.T) {
	p := &Plane{}
	check := func() {
		t.Helper()
		want := slices.SortedFunc(maps.Keys(p.flows), compareFlows)
		if !slices.Equal(p.sorted(), want) {
			t.Fatalf("order %v, want %v", p.order, want)
		}
		cut := 0
		for _, h := range p.flows {
			if h.lost > 0 {
				cut++
			}
		}
		if p.cut != cut {
			t.Fatalf("%d cut off, want %d", p.cut, cut)
		}
		for _, f := range want {
			if of := p.of(f.POP); !slices.Contains(of, f) || slices.ContainsFunc(of, func(o Flow) bool { return o.POP != f.POP }) {
				t.Fatalf("of %s: %v", f.POP, of)
			}
		}
	}
	flows := map[Flow]bool{}
	for i, pop := range []string{"par1", "ams1", "par1", "fra1", "ams1", "zrh1"} {
		f := Flow{POP: pop, Addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(9 - i)}), Method: []string{"tcp:443", "icmp"}[i%2]}
		flows[f] = i%3 != 0
		for n := range 3 {
			p.Add(f, batch(10*n, float64(i%2*n)))
			check()
		}
	}
	if len(p.of("nosuch")) != 0 {
		t.Error("of a POP that is not there")
	}
	maps.DeleteFunc(flows, func(_ Flow, stays bool) bool { return !stays })
	p.Retain(flows, at(60))
	check()
	p.Retain(nil, at(61).Add(time.Second))
	check()
}
