package join

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
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
		"the second is no longer off":          {move, []float64{42, 12}, "", false},
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
			for _, f := range flows {
				p.Add(f, batch(600+10*i, 0))
			}
		}
		return p
	}
	if got := lost(ours).say(registered); got != "return_path error latency_only" {
		t.Errorf("one source alone: %q", got)
	}
	if got := lost(ours, par1).say(registered); got != "pop_unreachable error latency_only" {
		t.Errorf("both sources: %q", got)
	}
	if got := lost(ours).say(unregistered); got != "loss warning latency_only" {
		t.Errorf("a source in no registered prefix: %q", got)
	}
}

func TestAnOutageIsNoLoss(t *testing.T) {
	p := steady(par1)
	p.Add(par1, batch(600, 0))
	p.Add(par1, batch(610, 0))
	p.Add(par1, batch(620, 0))
	if got := p.say(unregistered); got != "pop_unreachable error latency_only" {
		t.Errorf("three batches: %q", got)
	}
	p.Add(par1, batch(630, 12))
	if got := p.say(unregistered); got != "" {
		t.Errorf("it is over: %q", got)
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

func TestCutOff(t *testing.T) {
	p := steady(par1, fra1)
	p.Add(par1, batch(600, 0))
	if _, suspect := p.CutOff(); suspect {
		t.Error("half of the targets answer")
	}
	p.Add(fra1, batch(601, 0))
	if since, suspect := p.CutOff(); !suspect || !since.Equal(at(601)) {
		t.Errorf("all are lost: %v since %v", suspect, since)
	}
	if f := p.Uplink(at(601), at(590)); f.Type != notice.Uplink || !strings.Contains(f.Summary, "2 of 2 probe targets are lost, and no peer is heard since 10:09:50Z") {
		t.Errorf("found %+v", f)
	}
	one := steady(par1)
	one.Add(par1, batch(600, 0))
	if _, suspect := one.CutOff(); suspect {
		t.Error("one target proves nothing")
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
