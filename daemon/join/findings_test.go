package join

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/probe/stats"
)

var edge1 = &bgp.Vantage{Name: "edge1", ASN: 64500, Relationship: bgp.Provider}

func route(asns ...uint32) bgp.Seen {
	return bgp.Seen{Vantage: edge1, Prefix: netip.MustParsePrefix("198.51.100.0/24"), Attrs: &bgp.Attrs{Path: bgp.Sequence(asns...)}}
}

// steady is a plane with a baseline of 12 ms, the last batch of which began at second 590.
func steady(flows ...Flow) *Plane {
	p := &Plane{}
	for i := range 60 {
		for _, f := range flows {
			p.Add(f, batch(10*i, 12))
		}
	}
	return p
}

func unregistered(netip.Addr) netip.Prefix { return netip.Prefix{} }

// say gives what is found of par1: type, severity, verdict.
func (p *Plane) say(registered Registered) string {
	var out []string
	for _, f := range p.Findings("par1", registered) {
		word := f.Type + " " + f.Severity + " " + f.Verdict
		if f.Quiet {
			word += " quiet"
		}
		out = append(out, strings.TrimSpace(word))
	}
	return strings.Join(out, ", ")
}

func TestShiftWithTheMoveOfItsPath(t *testing.T) {
	move := Move{At: at(600), Old: route(64500, 64496), New: route(64500, 64501, 64496)}
	for name, c := range map[string]struct {
		move  Move
		after []float64 // each a second after the one before, from 601 on
		want  string
		wants bool
	}{
		"one batch far off asks for another":   {move, []float64{42}, "", true},
		"two are a shift":                      {move, []float64{42, 42}, "latency_shift warning both", false},
		"the second is no longer off":          {move, []float64{42, 12}, "", true},
		"small upward ones are graver with it": {move, []float64{14, 14}, "latency_shift warning both", false},
		"downward never":                       {move, []float64{6, 6}, "latency_shift info both", false},
		"without a move two are none":          {Move{}, []float64{42, 42}, "", false},
		"without a move five are":              {Move{}, []float64{42, 42, 42, 42, 42}, "latency_shift warning latency_only", false},
		"a small one":                          {Move{}, []float64{14, 14, 14, 14, 14, 14, 14}, "latency_shift info latency_only", false},
		"a move long ago is no cause": {Move{At: at(200), Old: route(64500), New: route(64500, 64501)},
			[]float64{42, 42, 42, 42, 42}, "latency_shift warning latency_only", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := steady(par1)
			if !c.move.At.IsZero() {
				p.Moved(par1.Addr, c.move)
			}
			for i, ms := range c.after {
				p.Add(par1, batch(601+i, ms))
			}
			if got := p.say(unregistered); got != c.want || p.Wants(par1) != c.wants {
				t.Errorf("found %q, wants another batch: %v", got, p.Wants(par1))
			}
		})
	}
}

func TestShiftKeepsItsCause(t *testing.T) {
	p := steady(par1)
	p.Moved(par1.Addr, Move{At: at(600), Old: route(64500, 64496), New: route(64500, 64501, 64496)})
	p.Add(par1, batch(601, 42))
	p.Add(par1, batch(602, 42))
	p.Moved(par1.Addr, Move{At: at(603), Old: route(64500, 64501, 64496), New: route(64500, 64496)})
	for i := range 11 {
		p.Add(par1, batch(604+i, 12))
	}
	f := p.Findings("par1", unregistered)
	want := "latency to POP par1 rose from 12.0 ms to 42.0 ms: now through AS64501, at edge1 the path went from 64500 64496 to 64500 64501 64496"
	if len(f) != 1 || f[0].Summary != want || len(f[0].Routes) != 1 || len(f[0].Previous) != 1 {
		t.Errorf("found %+v", f)
	}
	p.Add(par1, batch(615, 12))
	if f := p.Findings("par1", unregistered); f != nil {
		t.Errorf("12 batches near the baseline end it, got %+v", f)
	}
}

func TestLossIsNoLimitOfARouter(t *testing.T) {
	tcp := par1
	tcp.Method = "tcp:443"
	half := batch(600, 12)
	half.Received, half.Lost, half.RTTs = 1, 2, half.RTTs[:1]
	p := steady(par1, tcp)
	for range 12 {
		p.Add(par1, half)
	}
	if got := p.say(unregistered); got != "" {
		t.Errorf("TCP loses nothing, found %q", got)
	}
	for range 12 {
		p.Add(tcp, half)
	}
	if got := p.say(unregistered); got != "loss warning latency_only" {
		t.Errorf("both lose, found %q", got)
	}
}

func TestReturnPathNeedsAControl(t *testing.T) {
	ours := par1
	ours.Source = netip.MustParseAddr("203.0.113.1")
	prefix := netip.MustParsePrefix("203.0.113.0/24")
	registered := func(s netip.Addr) netip.Prefix {
		if prefix.Contains(s) {
			return prefix
		}
		return netip.Prefix{}
	}
	lost := func(flows ...Flow) *Plane {
		p := steady(par1, ours)
		for i := range 3 {
			for _, f := range []Flow{par1, ours} {
				ms := 12.0
				if slices.Contains(flows, f) {
					ms = 0
				}
				p.Add(f, batch(600+10*i, ms))
			}
		}
		return p
	}
	if got := lost(ours).say(registered); got != "return_path error latency_only" {
		t.Errorf("one source alone: %q", got)
	}
	if got := lost(ours, par1).say(registered); got != "pop_unreachable error latency_only, loss warning latency_only quiet" {
		t.Errorf("both sources: %q", got)
	}
	early := steady(par1, ours)
	for i := range 3 {
		early.Add(ours, batch(600+10*i, 0))
	}
	if got := early.say(registered); got != "return_path error latency_only quiet" {
		t.Errorf("the other source may yet show the same: %q", got)
	}
	if got := lost(ours).say(unregistered); got != "loss warning latency_only" {
		t.Errorf("a source in no registered prefix: %q", got)
	}
}

func TestUsurped(t *testing.T) {
	p := &Plane{}
	usurped := func(second int) string {
		f, _ := p.Usurped(at(second))
		if len(f) == 0 {
			return ""
		}
		return f[0].POP
	}
	p.Add(fra1, batch(0, 20))
	for i := range 6 {
		p.Add(par1, batch(1+10*i, 12))
		p.Add(fra1, batch(2+10*i, 20))
	}
	if got := p.nearest[par1.contest()].Current(); got != "par1" || usurped(60) != "" {
		t.Fatalf("who answers first is not yet the usual one: nearest %s, usurped by %q", got, usurped(60))
	}
	for i := range 3 {
		p.Add(fra1, batch(100+10*i, 20))
		p.Add(par1, batch(101+10*i, 0))
	}
	if usurped(130) != "fra1" {
		t.Error("fra1 is the nearest")
	}
	if usurped(130+24*3600) != "" || usurped(131) != "" {
		t.Error("after a day it is the usual one")
	}
}

// A path that moves while a batch is under way is judged by the batches that begin after it.
func TestBatchesUnderWay(t *testing.T) {
	p := steady(par1)
	p.Moved(par1.Addr, Move{At: at(600).Add(time.Millisecond), Old: route(64500), New: route(64500, 64501)})
	p.Add(par1, batch(600, 42))
	p.Add(par1, batch(601, 42))
	if p.say(unregistered) != "" || !p.Wants(par1) {
		t.Error("only one batch began after the move")
	}
}

// A shift that all sources show is one, and waits until it is known whether they do.
func TestShiftFromAllSources(t *testing.T) {
	ours := par1
	ours.Source = netip.MustParseAddr("203.0.113.1")
	p := steady(par1, ours)
	p.Moved(par1.Addr, Move{At: at(600), Old: route(64500, 64496), New: route(64500, 64501, 64496)})
	p.Add(ours, batch(601, 42))
	p.Add(ours, batch(602, 42))
	if got := p.say(unregistered); got != "latency_shift warning both quiet" {
		t.Errorf("one source: %q", got)
	}
	p.Add(par1, batch(602, 42))
	p.Add(par1, batch(603, 42))
	if got := p.say(unregistered); got != "latency_shift warning both" {
		t.Errorf("both sources: %q", got)
	}
	if f := p.Findings("par1", unregistered)[0]; f.Source.IsValid() || strings.Contains(f.Summary, "203.0.113.1") || strings.Contains(f.Summary, sourcePlace) {
		t.Errorf("told of one source: %s", f.Summary)
	}
	p = steady(par1, ours)
	p.Moved(par1.Addr, Move{At: at(600), Old: route(64500, 64496), New: route(64500, 64501, 64496)})
	for i := range 5 {
		p.Add(ours, batch(601+i, 42))
		p.Add(par1, batch(601+i, 12))
	}
	if f := p.Findings("par1", unregistered); len(f) != 1 || f[0].Quiet || f[0].Source != ours.Source || !strings.Contains(f[0].Summary, " from 203.0.113.1") {
		t.Errorf("the other is well: %+v", f)
	}
}

// What is probed over another family is no control: another way leads there.
func TestAnotherFamilyIsNoControl(t *testing.T) {
	ours, v6 := par1, par1
	ours.Source, v6.Addr = netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("2001:db8::1")
	registered := func(s netip.Addr) netip.Prefix {
		if s == ours.Source {
			return netip.MustParsePrefix("203.0.113.0/24")
		}
		return netip.Prefix{}
	}
	p := steady(ours, v6)
	for i := range 3 {
		p.Add(ours, batch(600+10*i, 0))
		p.Add(v6, batch(601+10*i, 12))
	}
	if got := p.say(registered); got != "loss warning latency_only" {
		t.Errorf("found %q", got)
	}
}

// Steps that follow each other are one move, from where it began to where it led; the way back is another.
func TestMovesInSteps(t *testing.T) {
	a, b, c, none := route(64500, 64496), route(64500, 1, 64496), route(64500, 2, 3, 64496), bgp.Seen{}
	for name, steps := range map[string]struct {
		moves   []Move
		old, is bgp.Seen
		updates int
		took    float64
	}{
		"one":                       {[]Move{{At: at(0), Old: a, New: b}}, a, b, 1, 0},
		"path hunting":              {[]Move{{At: at(0), Old: a, New: b}, {At: at(30), Old: b, New: c}}, a, c, 2, 30000},
		"withdrawn, then announced": {[]Move{{At: at(0), Old: a, New: none}, {At: at(1), Old: none, New: c}}, a, c, 2, 1000},
		"there and back":            {[]Move{{At: at(0), Old: a, New: b}, {At: at(3), Old: b, New: a}}, b, a, 1, 0},
		"later":                     {[]Move{{At: at(0), Old: a, New: b}, {At: at(40), Old: b, New: c}}, b, c, 1, 0},
		"after its first route":     {[]Move{{At: at(0), Old: none, New: b}, {At: at(20), Old: b, New: c}}, b, c, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := steady(par1)
			for _, m := range steps.moves {
				p.Moved(par1.Addr, m)
			}
			m := p.moved[par1.Addr].latest()
			if !SameWay(m.Old, steps.old) || !SameWay(m.New, steps.is) || m.Updates != steps.updates || milliseconds(m.Last.Sub(m.At)) != steps.took {
				t.Errorf("%+v", m)
			}
		})
	}
}

// Of two sessions that moved, the one by which the POP is reached is to blame, where it moved at the same moment; else the latest.
func TestWhichMoveIsTheCause(t *testing.T) {
	edge2 := &bgp.Vantage{Name: "edge2", ASN: 64510, Relationship: bgp.Provider}
	other := func(asns ...uint32) bgp.Seen {
		r := route(asns...)
		r.Vantage = edge2
		return r
	}
	for name, c := range map[string]struct {
		first, second int // seconds of edge1 and edge2
		used          *bgp.Vantage
		want          string
	}{
		"at one moment, edge1 in use": {600, 601, edge1, "edge1"},
		"at one moment, edge2 in use": {600, 601, edge2, "edge2"},
		"the other way round":         {601, 600, edge2, "edge2"},
		"edge1 long before":           {560, 600, edge1, "edge2"},
		"edge2 long before":           {600, 560, edge2, "edge1"},
	} {
		t.Run(name, func(t *testing.T) {
			p := steady(par1)
			p.InUse(par1.Addr, bgp.Seen{Vantage: c.used, Attrs: route(64500).Attrs}, at(0))
			p.Moved(par1.Addr, Move{At: at(c.first), Old: route(64500, 64496), New: route(64500, 1, 64496)})
			p.Moved(par1.Addr, Move{At: at(c.second), Old: other(64510, 64496), New: other(64510, 1, 64496)})
			if m, found := p.causeOf(par1, at(602)); !found || m.vantage().Name != c.want {
				t.Errorf("found %v: %s", found, m)
			}
		})
	}
}

// What an AS on the way has meant is what the ways with it take more than those without.
func TestTransits(t *testing.T) {
	p := &Plane{}
	second := 0
	use := func(batches int, par, fra float64, asns ...uint32) {
		for _, f := range []Flow{par1, fra1} {
			p.InUse(f.Addr, route(asns...), at(second))
		}
		second++
		for range batches {
			p.Add(par1, batch(second, par))
			p.Add(fra1, batch(second, fra))
			second += 2
		}
	}
	use(30, 12, 20, 64500, 64496)
	if got := p.Transits(); len(got) != 0 {
		t.Errorf("with one path there is nothing to compare: %+v", got)
	}
	use(5, 42, 54, 64500, 3356, 64496)
	if got := p.Transits(); len(got) != 0 {
		t.Errorf("five batches prove nothing: %+v", got)
	}
	use(5, 42, 54, 64500, 3356, 64496)
	want := []Transit{{ASN: 3356, Cost: 32 * time.Millisecond, POPs: []string{"fra1", "par1"}, With: 20, Without: 60}}
	if got := p.Transits(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	m := Move{Old: route(64500, 64496), New: route(64500, 3356, 64496)}
	if got := p.transitHints(m); !slices.Equal(got, []string{"AS3356 on the way has meant +32.0 ms so far, to fra1, par1"}) {
		t.Errorf("hints %q", got)
	}
	for asn := range uint32(100) {
		use(6, 12, 20, 64500, 4000+asn, 64496)
	}
	if n := len(p.flows[par1].trails); n > trailsKept {
		t.Errorf("%d paths are remembered", n)
	}
}

// Packets that are lost while routes settle are no loss yet; what is lost after that is.
func TestLossesWhileRoutesSettle(t *testing.T) {
	some := func(second int) stats.Sample {
		s := batch(second, 12)
		s.Received, s.Lost, s.RTTs = 2, 1, s.RTTs[:2]
		return s
	}
	p := steady(par1)
	p.Moved(par1.Addr, Move{At: at(600), Old: route(64500, 64496), New: route(64500, 64501, 64496)})
	for i := range 10 {
		p.Add(par1, some(601+i))
	}
	if got := p.say(unregistered); got != "loss warning both quiet" {
		t.Error(got)
	}
	p.Add(par1, some(640))
	if got := p.say(unregistered); got != "loss warning both" {
		t.Error(got)
	}
}

// A shift that two noisy batches overstated is told as it is once it was measured long enough.
func TestOverstatedShiftIsCorrected(t *testing.T) {
	p := steady(par1)
	p.Moved(par1.Addr, Move{At: at(600), Old: route(64500, 64496), New: route(64500, 64501, 64496)})
	for i, ms := range []float64{70, 70, 50, 50, 50, 50, 50} {
		p.Add(par1, batch(601+i, ms))
		want := 70.0
		if i >= 5 {
			want = 50
		}
		if found := p.Findings("par1", unregistered); i > 0 && found[0].Measured.After != want {
			t.Errorf("after batch %d: %v ms", i, found[0].Measured.After)
		}
	}
}
