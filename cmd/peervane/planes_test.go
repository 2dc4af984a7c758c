package main

import (
	"math"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"peervane/probe/netlab"
)

// TestPlanes holds what is told of latency and of routes together to a miniature internet in which both are real: the daemon's own
// probes, over links with delay, and BIRD, which moves packets as it tells of it.
func TestPlanes(t *testing.T) {
	if testing.Short() {
		t.Skip("a baseline takes half a minute")
	}
	if !inNamespaces(t, "TestPlanes") {
		return
	}
	// The threads of the relays must not wait for a processor of the Go scheduler.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16))
	binary := buildPeervane(t)
	var cases sync.WaitGroup // all at once, however many processors there are: most of the time they wait
	defer cases.Wait()
	for _, c := range []struct {
		name string
		test func(p *planes)
	}{
		{"path change", testPathChangeCosts},
		{"leak", testLeakBlackHoles},
		{"elsewhere", testElsewhere},
	} {
		cases.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				p := newPlanes(t, binary)
				c.test(p)
				p.watcher.terminate(t)
				p.pass(func(a *alert) bool { return a.Type == "pop_unreachable" || a.Type == "return_path" }) // of what the case ended with
				p.quiet("the end")
			})
		})
	}
}

// A change of a path that costs 30 ms is one incident, whose summary names the new AS and the cost.
func testPathChangeCosts(p *planes) {
	p.tell("r1", "disable", "cloud")
	a := p.shift("")
	e := a.Evidence
	if !strings.Contains(a.Summary, "now through AS64502") || !regexp.MustCompile(`; \+(29|3[0-3]) ms to POP `).MatchString(a.Summary) {
		p.t.Errorf("the AS and the cost are not in the summary: %s", a)
	}
	if c := e.Cause; c == nil || c.Vantage != "r1" || c.NeighbourASN != 64501 || c.OldPath != "64501 64496" || c.NewPath != "64501 64502 64496" ||
		c.Updates < 1 || !strings.HasPrefix(c.Prefix, "198.18.") {
		p.t.Errorf("cause %+v", c)
	} else {
		p.t.Logf("told %s after the UPDATE", a.UpdatedAt.Sub(c.At).Round(time.Millisecond))
	}
	if l := e.Latency; e.Verdict != "both" || l == nil || l.OutageMS == nil || l.ConvergenceMS == nil {
		p.t.Errorf("verdict %s, latency %+v", e.Verdict, l)
	}
	traced := p.receiver.expect(p.t, "the trace", func(b *alert) bool { return b.Incident == a.Incident && b.Evidence.Trace != nil })
	p.judgeTrace(traced)
	p.goOn(10) // time enough for anything else to fire
	p.quiet("path change")
	p.tell("r1", "enable", "cloud")
	r := p.receiver.expect(p.t, "the end of it", func(b *alert) bool { return b.Incident == a.Incident && b.Status == "resolved" })
	if strings.Contains(r.Summary, "not returned") {
		p.t.Errorf("resolved %s", r)
	}
	p.goOn(15)
	p.quiet("the end of the path change")
}

// judgeTrace holds a trace to the way that the packets took: by r2, where the way before went from r1 to the cloud.
func (p *planes) judgeTrace(a alert) {
	p.t.Helper()
	tr := a.Evidence.Trace
	var hops, before []string
	for _, h := range tr.Hops {
		hops = append(hops, h.Address)
	}
	for _, h := range tr.Before {
		before = append(before, h.Address)
	}
	if len(hops) != 4 || hops[0] != "10.3.1.1" || hops[1] != "10.5.0.2" || hops[3] != tr.Address || !tr.Reached {
		p.t.Errorf("hops %v, reached %v", hops, tr.Reached)
	}
	if len(before) != 3 || before[0] != "10.3.1.1" {
		p.t.Errorf("hops before: %v", before)
	}
	if len(hops) == 4 && (tr.Hops[0].ASN != 64501 || tr.Hops[1].ASN != 64502 || tr.Hops[3].ASN != 64496) {
		p.t.Errorf("ASes of the hops: %+v", tr.Hops)
	}
	if in := tr.Entered; in == nil || in.TTL != 2 && in.TTL != 3 || !strings.Contains(a.Summary, "; the delay enters at hop ") {
		p.t.Errorf("entered %+v: %s", in, a)
	}
}

// A leak of our prefix that black-holes is one incident with the loss; the other source shows that the POPs are well.
func testLeakBlackHoles(p *planes) {
	p.tell("r2", "enable", "leak")
	a := p.expect("firing", "route_leak", "")
	if a.Prefix != "203.0.113.0/24" || a.Severity != "critical" {
		p.t.Errorf("fired %s", a)
	}
	told := p.receiver.expect(p.t, "the loss", func(b *alert) bool { return b.Incident == a.Incident && b.Evidence.DataPlane != "" })
	if e := told.Evidence; e.Verdict != "both" || e.DataPlane != "black_hole" || e.Latency == nil || e.Latency.Loss == nil || *e.Latency.Loss != 1 ||
		!strings.Contains(told.Summary, "is unreachable; packets to or from it are lost") {
		p.t.Errorf("told %+v: %s", e, told)
	}
	p.goOn(12) // from the other source: time enough for anything else to fire
	p.pass(func(a *alert) bool { return a.Type == "pop_change" })
	p.quiet("leak")
	p.tell("r2", "disable", "leak")
	if r := p.expect("resolved", "route_leak", ""); r.Incident != a.Incident {
		p.t.Errorf("resolved %s", r)
	}
	p.returnPath()
}

// returnPath has the cloud drop what goes to our prefix, of which no route tells.
func (p *planes) returnPath() {
	p.calm(13)
	p.pass(func(a *alert) bool { return a.Type == "pop_change" })
	p.quiet("the end of the leak")
	p.must(p.hosts["cloud"].Do(func() error { return blackhole("203.0.113.0/24") }))
	a := p.receiver.expect(p.t, "the losses on the way back", func(a *alert) bool {
		l := a.Evidence.Latency
		return a.Type == "return_path" && a.Status == "firing" && l != nil && l.Loss != nil && *l.Loss >= 0.2
	})
	if a.Severity != "error" || a.Prefix != "203.0.113.0/24" || a.Evidence.Verdict != "latency_only" {
		p.t.Errorf("return path: %+v", a)
	}
	p.must(p.hosts["cloud"].Do(func() error { return unblackhole("203.0.113.0/24") }))
	p.receiver.expect(p.t, "the end of it", func(b *alert) bool { return b.Incident == a.Incident && b.Status == "resolved" })
	// The other POPs tell the same, each of them, and they are not lost at the very same moment: the last one is the nearest for a while.
	p.pass(func(a *alert) bool { return a.Type == "pop_change" || a.Type == "return_path" })
}

// What happens with no change of a route: a link that has become longer; another POP that is the nearest; no uplink at all.
func testElsewhere(p *planes) {
	p.set("cloud ams1", netlab.Impairment{Delay: 30 * time.Millisecond})
	a := p.shift("ams1")
	if e := a.Evidence; e.Verdict != "latency_only" || e.Cause != nil || a.Severity != "warning" || !strings.Contains(a.Summary, "no route to it changed") {
		p.t.Errorf("latency only: %+v: %s", e, a)
	}
	p.set("cloud ams1", netlab.Impairment{Delay: 15 * time.Millisecond})
	// By its id: what is measured while the link is put back makes the figures of this one small.
	p.receiver.expect(p.t, "the end of it", func(b *alert) bool { return b.Incident == a.Incident && b.Status == "resolved" })
	p.quiet("latency alone")

	p.set("cloud par1", netlab.Impairment{Blackhole: true})
	p.expect("firing", "pop_unreachable", "par1")
	p.expect("firing", "pop_change", "fra1")
	p.expect("firing", "pop_change", "fra1") // from the other source
	p.goOn(12)
	p.quiet("another POP is the nearest")

	p.set("monitor r1", netlab.Impairment{Blackhole: true})
	p.set("monitor r2", netlab.Impairment{Blackhole: true})
	u := p.expect("firing", "uplink", "")
	p.set("monitor r1", netlab.Impairment{Delay: time.Millisecond})
	p.set("monitor r2", netlab.Impairment{Delay: time.Millisecond})
	if r := p.expect("resolved", "uplink", ""); r.Incident != u.Incident {
		p.t.Errorf("resolved %s", r)
	}
	p.watcher.established(p.t)
	p.goOn(5) // what was lost meanwhile is nobody's fault
	p.quiet("uplink")
}

// shift waits for a latency_shift to fire that is more than noise.
func (p *planes) shift(pop string) alert {
	p.t.Helper()
	return p.receiver.expect(p.t, "firing latency_shift "+pop, func(a *alert) bool {
		l := a.Evidence.Latency
		return a.Status == "firing" && a.Type == "latency_shift" && (pop == "" || a.POP == pop) && l != nil && l.ShiftMS != nil && math.Abs(*l.ShiftMS) >= noiseMS
	})
}
