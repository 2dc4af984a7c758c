package join

import (
	"math"
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
	"peervane/probe/stats"
)

func TestAnOutageIsNoLoss(t *testing.T) {
	p := steady(par1)
	p.Add(par1, batch(600, 0))
	p.Add(par1, batch(610, 0))
	p.Add(par1, batch(620, 0))
	if got := p.say(unregistered); got != "pop_unreachable error latency_only, loss warning latency_only quiet" {
		t.Errorf("three batches: %q", got) // a loss that was told before is not cured by it
	}
	p.Add(par1, batch(630, 12))
	if got := p.say(unregistered); got != "" {
		t.Errorf("it is over: %q", got)
	}
}

// One method is measured a moment after the other: what it lost last, it lost in the outage.
func TestTheEndOfAnOutageIsNoLoss(t *testing.T) {
	tcp := par1
	tcp.Method = "tcp:443"
	p := steady(par1, tcp)
	for second := 600; second < 650; second += 10 {
		p.Add(par1, batch(second, 0))
		p.Add(tcp, batch(second+1, 0))
	}
	p.Add(par1, batch(650, 12))
	if got := p.say(unregistered); got != "loss warning latency_only quiet" {
		t.Errorf("one method is back, the other was not tried since: %q", got)
	}
	p.Add(tcp, batch(651, 0))
	if got := p.say(unregistered); got != "loss warning latency_only" {
		t.Errorf("it was tried, and is lost alone: %q", got)
	}
	p.Add(tcp, batch(661, 12))
	if got := p.say(unregistered); got != "" {
		t.Errorf("both are back: %q", got)
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

// An outage is measured from the first to the last probe that was lost around a change.
func TestOutage(t *testing.T) {
	lossy := func(second int, from, to float64) stats.Sample {
		s := batch(second, 12)
		s.Received, s.Lost, s.RTTs = 2, 1, s.RTTs[:2]
		s.FirstLost, s.LastLost = at(0).Add(time.Duration(from*1000)*time.Millisecond), at(0).Add(time.Duration(to*1000)*time.Millisecond)
		return s
	}
	for name, c := range map[string]struct {
		samples []stats.Sample
		want    float64
	}{
		"nothing measured since":   {[]stats.Sample{batch(90, 12)}, math.NaN()},
		"nothing lost":             {[]stats.Sample{batch(90, 12), batch(101, 12)}, 0},
		"one outage":               {[]stats.Sample{batch(90, 12), lossy(98, 98.2, 98.8), lossy(101, 101, 102.5), batch(104, 12), batch(105, 12)}, 4300},
		"one that was over before": {[]stats.Sample{lossy(70, 70, 71), batch(80, 12), batch(101, 12)}, 0},
		"one that comes later":     {[]stats.Sample{batch(90, 12), lossy(101, 101, 102.5), batch(104, 12), lossy(110, 110, 112)}, 1500},
		"it goes on":               {[]stats.Sample{batch(90, 12), batch(101, 0), batch(105, 0)}, 4000},
	} {
		t.Run(name, func(t *testing.T) {
			h := &history{}
			for _, s := range c.samples {
				h.batches.add(s)
			}
			if got := h.outage(at(100)); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
				t.Errorf("%v ms, want %v", got, c.want)
			}
		})
	}
}

// Losses after an outage that is over did not begin with it.
func TestLossesAfterAnOutage(t *testing.T) {
	p := steady(par1)
	for i := range 14 {
		ms := 0.0
		if i > 3 && i < 10 {
			ms = 12
		}
		p.Add(par1, batch(600+10*i, ms))
	}
	if since := p.flows[par1].lossSince(); !since.Equal(at(700)) {
		t.Errorf("since %v", since.Sub(at(600)))
	}
}
