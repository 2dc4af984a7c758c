package daemon

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/config"
	"peervane/probe"
	"peervane/probe/stats"
)

// joinWorld has a POP whose prefix is announced at edge1, and a registered prefix that probes come from.
type joinWorld struct {
	*world
	source netip.Addr
}

const popRoute, ours = "198.51.100.0/24", "203.0.113.0/24"

func newJoinWorld(t *testing.T, prefixes ...config.Registration) *joinWorld {
	cfg := twoPeers(prefixes...)
	cfg.Probe.Burst = true
	cfg.POPs = []config.POP{{Name: "par1", Address: netip.MustParseAddr("198.51.100.1"), ICMP: true}}
	w := &joinWorld{world: newWorld(t, cfg)}
	w.announce("edge1", popRoute, 64500, 64496)
	w.announce("edge1", ours, 64500, 64510)
	w.announce("edge2", ours, 64501, 64510)
	return w
}

// usual measures until there is a baseline.
func (w *joinWorld) usual() *joinWorld {
	for range 40 {
		w.want(w.batch(12), "")
		w.pass(10 * time.Second)
	}
	return w
}

// batch is one of five packets; 0 ms means that all are lost. It gives what is told, in full.
func (w *joinWorld) batch(ms float64) string {
	w.engine.batch(w.sample(ms))
	return w.whole()
}

// sample takes a second.
func (w *joinWorld) sample(ms float64) probe.Batch {
	w.now = w.now.Add(time.Millisecond)
	s := stats.Sample{Started: w.now, Ended: w.now.Add(time.Second), Sent: 5, Received: 5}
	for range 5 {
		s.RTTs = append(s.RTTs, time.Duration(ms*float64(time.Millisecond)))
	}
	if ms == 0 {
		s.Received, s.Lost, s.RTTs = 0, 5, nil
		s.FirstLost, s.LastLost = w.now, w.now.Add(400*time.Millisecond)
	}
	w.pass(time.Second)
	target := probe.Target{POP: "par1", Addr: w.engine.cfg.POPs[0].Address, Method: "icmp", Source: w.source}
	return probe.Batch{Target: target, Sample: s}
}

// change announces without a look at what comes of it.
func (w *joinWorld) change(peer, prefix string, asns ...uint32) {
	w.engine.input(bgp.Change{
		Vantage: w.peers[peer], Prefix: netip.MustParsePrefix(prefix), Attrs: &bgp.Attrs{Path: bgp.Sequence(asns...)},
		At: w.now, First: w.now, Announced: 1,
	})
}

// whole tells notices with their severity, verdict and summary.
func (w *joinWorld) whole() string {
	for w.engine.judge(w.now, 3) {
	}
	var told []string
	for _, n := range w.engine.take().notices {
		told = append(told, fmt.Sprintf("%s %s %s [%s%s]: %s", n.Status, n.Severity, n.Type, n.Evidence.Verdict, n.Evidence.DataPlane, n.Summary))
	}
	return strings.Join(told, "\n")
}

// A change of a path that costs latency is one incident, whether the prefix of the POP is registered or not.
func TestPathChangeIsOneIncident(t *testing.T) {
	w := newJoinWorld(t).usual()
	w.want(w.announce("edge1", popRoute, 64500, 3356, 64496), "")
	w.want(w.batch(42), "")
	w.want(w.batch(42), "firing warning latency_shift [both]: latency to POP par1 rose from 12.0 ms to 42.0 ms: "+
		"now through AS3356, at edge1 the path went from 64500 64496 to 64500 3356 64496; +30 ms to POP par1")
	w.want(w.pass(10*time.Minute), "")

	w = newJoinWorld(t, registered(popRoute, 64496)).usual()
	w.want(w.announce("edge1", popRoute, 64500, 3356, 64496), "")
	w.want(w.batch(42), "")
	w.want(w.batch(42), "firing warning path_change [both]: 198.51.100.0/24 left its settled path, now through AS3356: "+
		"64500 64496 -> 64500 3356 64496 (edge1, 1 of 2 vantages); +30 ms to POP par1")
	for range 20 {
		w.want(w.batch(42), "")
		w.want(w.pass(10*time.Second), "")
	}
}

// A change of a path that costs nothing is held as ever.
func TestPathChangeWithoutCost(t *testing.T) {
	w := newJoinWorld(t, registered(popRoute, 64496)).usual()
	w.want(w.announce("edge1", popRoute, 64500, 3356, 64496), "")
	for range 5 {
		w.want(w.batch(12.1), "")
	}
	w.want(w.pass(time.Minute), "firing:path_change:198.51.100.0/24:0")
	if got := w.batch(12.1); !strings.HasPrefix(got, "updated info path_change [route_only]") {
		t.Error(got)
	}
}

// Both planes recover: what is told of the end says what is not over yet, and nothing fires on its own meanwhile.
func TestTheOtherPlaneRecoversLater(t *testing.T) {
	w := newJoinWorld(t, registered(popRoute, 64496)).usual()
	w.announce("edge1", popRoute, 64500, 3356, 64496)
	w.batch(42)
	w.batch(42)
	w.change("edge1", popRoute, 64500, 64496)
	if got := w.whole(); !strings.HasSuffix(got, "; +30 ms to POP par1; the latency to POP par1 was still 42.0 ms when last measured") {
		t.Error(got)
	}
	for range 20 {
		w.want(w.batch(12), "")
		w.want(w.pass(10*time.Second), "")
	}

	w = newJoinWorld(t).usual()
	w.announce("edge1", popRoute, 64500, 3356, 64496)
	w.batch(42)
	w.batch(42)
	for range 11 {
		w.want(w.batch(12), "")
	}
	if got := w.batch(12); !strings.HasSuffix(got, "; the route has not returned: edge1 still by 64500 3356 64496") {
		t.Error(got)
	}
}

// A latency that stays when the route has returned is an incident of its own, after a minute.
func TestLatencyThatStays(t *testing.T) {
	w := newJoinWorld(t, registered(popRoute, 64496)).usual()
	w.announce("edge1", popRoute, 64500, 3356, 64496)
	w.batch(42)
	w.batch(42)
	w.announce("edge1", popRoute, 64500, 64496)
	for range 5 {
		w.want(w.batch(42), "")
		w.pass(10 * time.Second)
	}
	w.pass(10 * time.Second)
	if got := w.batch(42); !strings.HasPrefix(got, "firing warning latency_shift [both]") {
		t.Error(got)
	}
}

// A leak of our prefix that black-holes: the answers to the probes go where the leak leads them.
func TestLeakThatBlackHoles(t *testing.T) {
	w := newJoinWorld(t, registered(ours, 64510))
	w.source = netip.MustParseAddr("203.0.113.1")
	w.usual()
	if got := w.announce("edge2", ours, 64501, 64666, 174, 3356, 64511, 2914, 64510); !strings.HasPrefix(got, "firing:route_leak:"+ours) {
		t.Fatal(got)
	}
	if got := w.batch(0); !strings.HasPrefix(got, "updated critical route_leak [bothblack_hole]") || !strings.Contains(got, "; POP par1 is unreachable; packets to or from it are lost") {
		t.Error(got)
	}
	for range 4 {
		w.want(w.batch(0), "")
	}
	w.change("edge2", ours, 64501, 64510)
	if got := w.whole(); !strings.HasSuffix(got, "; POP par1 did not answer when last probed") {
		t.Error(got)
	}
	for range 20 {
		w.want(w.batch(12), "")
	}
}

// What a hijacker draws is told as seen from here.
func TestDataPlaneOfAHijack(t *testing.T) {
	for after, want := range map[float64]string{0: "black_hole", 50: "detour", 12: "unaffected_here"} {
		w := newJoinWorld(t, registered(ours, 64510))
		w.source = netip.MustParseAddr("203.0.113.1")
		w.usual()
		w.announce("edge2", "203.0.113.0/25", 64501, 64666)
		if got := w.batch(after); !strings.Contains(got, want+"]: 203.0.113.0/25") {
			t.Errorf("%v ms: %s", after, got)
		}
	}
	w := newJoinWorld(t, registered(ours, 64510)).usual()
	w.announce("edge2", "203.0.113.0/25", 64501, 64666)
	if got := w.batch(12); !strings.Contains(got, "[route_only]") {
		t.Error("probes from elsewhere prove nothing: " + got)
	}
	w = newJoinWorld(t, registered(ours, 64510)).usual()
	w.engine.locals = map[netip.Addr]netip.Addr{w.engine.cfg.POPs[0].Address: netip.MustParseAddr("203.0.113.9")}
	w.announce("edge2", "203.0.113.0/25", 64501, 64666)
	if got := w.batch(12); !strings.Contains(got, "unaffected_here]") {
		t.Error("the system probes from the prefix: " + got)
	}
}

// An outage elsewhere, or at another time, is told on its own.
func TestWhatIsNotJoined(t *testing.T) {
	w := newJoinWorld(t, registered(ours, 64510)).usual()
	w.announce("edge2", "203.0.113.0/25", 64501, 64666)
	w.batch(12)
	w.batch(0)
	w.batch(0)
	if got := w.batch(0); !strings.HasPrefix(got, "firing error pop_unreachable [latency_only]") {
		t.Error("the hijack has nothing to do with it: " + got)
	}
	w = newJoinWorld(t, registered(ours, 64510))
	w.source = netip.MustParseAddr("203.0.113.1")
	w.usual()
	w.announce("edge2", "203.0.113.0/25", 64501, 64666)
	w.batch(12)
	w.pass(10 * time.Minute)
	w.batch(0)
	w.batch(0)
	if got := w.batch(0); !strings.HasPrefix(got, "firing error pop_unreachable") {
		t.Error("ten minutes later: " + got)
	}
}

// What begins after the end of a routing incident is not its work.
func TestAfterTheEnd(t *testing.T) {
	w := newJoinWorld(t, registered(ours, 64510))
	w.source = netip.MustParseAddr("203.0.113.1")
	w.usual()
	w.announce("edge2", "203.0.113.0/25", 64501, 64666)
	w.batch(12)
	w.withdraw("edge2", "203.0.113.0/25")
	w.batch(12)
	w.batch(0)
	w.batch(0)
	if got := w.batch(0); !strings.HasPrefix(got, "firing error pop_unreachable") {
		t.Error(got)
	}
}

// The wall clock is set between the route and what it does to a POP: they are one event all the same.
func TestJoinedOverAClockStep(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		w := newJoinWorld(t, registered(ours, 64510))
		w.source, w.now = netip.MustParseAddr("203.0.113.1"), time.Now()
		w.usual()
		if got := w.announce("edge2", ours, 64501, 64666, 174, 3356, 64511, 2914, 64510); !strings.HasPrefix(got, "firing:route_leak:"+ours) {
			t.Fatal(got)
		}
		w.now = stepped(t, w.now, by)
		if got := w.batch(0); !strings.HasPrefix(got, "updated critical route_leak [bothblack_hole]") {
			t.Errorf("a step by %v: %s", by, got)
		}
		for range 4 {
			w.want(w.batch(0), "")
		}
		w.change("edge2", ours, 64501, 64510)
		w.whole()
		for range 20 {
			w.want(w.batch(0), "") // for a minute it may be what is left of it
		}
	}
}

// elsewhere is a world of two POPs, both reached by the same route, which are probed from two sources of ours.
func newElsewhere(t *testing.T) (w *joinWorld, round func(ms map[string]float64) string) {
	w = newJoinWorld(t, registered(ours, 64510))
	cfg := *w.engine.cfg
	cfg.POPs = append(cfg.POPs, config.POP{Name: "fra1", Address: netip.MustParseAddr("198.51.100.2"), ICMP: true})
	w.engine.cfg = &cfg
	w.engine.pops.configure(&cfg)
	w.announce("edge1", popRoute, 64500, 64496) // so that the way to the second is known, too
	sources := map[string]netip.Addr{"own": netip.MustParseAddr("203.0.113.1"), "control": netip.MustParseAddr("192.0.2.10")}
	// round is a batch of each POP from each source; ms is by POP, or by POP and source.
	return w, func(ms map[string]float64) string {
		var told []string
		for _, c := range cfg.POPs {
			for _, name := range []string{"own", "control"} {
				w.source = sources[name]
				rtt, given := ms[c.Name+" "+name]
				if !given {
					rtt = ms[c.Name]
				}
				b := w.sample(rtt)
				b.Target.POP, b.Target.Addr = c.Name, c.Address
				w.engine.batch(b)
				for line := range strings.Lines(w.whole()) {
					if f := strings.Fields(line); f[0] != "updated" {
						told = append(told, f[0]+" "+f[2])
					}
				}
			}
		}
		return strings.Join(told, ", ")
	}
}

// What is left of an undone move at another POP, or for one source, is no incident; unless it stays.
func TestEchoOfAnUndoneMove(t *testing.T) {
	for name, c := range map[string]struct {
		left  map[string]float64 // when the POP that was told of is well again
		stays string             // is told a minute later
	}{
		"of another POP":         {map[string]float64{"par1": 12, "fra1": 42}, "firing latency_shift"},
		"of another POP's route": {map[string]float64{"par1": 12, "fra1 own": 42, "fra1 control": 12}, "firing return_path"},
		"of one source":          {map[string]float64{"par1 own": 42, "par1 control": 12, "fra1": 12}, "firing return_path"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, stays := range []bool{false, true} {
				w, round := newElsewhere(t)
				usual, moved := map[string]float64{"par1": 12, "fra1": 12}, map[string]float64{"par1": 42, "fra1": 42}
				for range 40 {
					w.want(round(usual), "")
				}
				w.want(w.announce("edge1", popRoute, 64500, 3356, 64496), "")
				told := ""
				for range 20 {
					told += round(moved)
				}
				w.want(told, "firing latency_shift")
				w.want(w.announce("edge1", popRoute, 64500, 64496), "")
				told = ""
				for range 13 { // four seconds each
					told += round(c.left)
				}
				w.want(told, "resolved latency_shift")
				told = ""
				for range 20 {
					if stays {
						told += round(c.left)
					} else {
						told += round(usual)
					}
				}
				w.want(told, map[bool]string{true: c.stays}[stays])
			}
		})
	}
}

// A bad way back to one source is one incident, though every POP shows it; when that POP is well again, what is left is told.
func TestReturnPathIsToldOnce(t *testing.T) {
	w, round := newElsewhere(t)
	// rounds has the POPs that are named lose all that goes to our prefix.
	rounds := func(n int, lost ...string) string {
		ms := map[string]float64{"par1": 12, "fra1": 12}
		for _, pop := range lost {
			ms[pop+" own"] = 0
		}
		var told []string
		for range n {
			if line := round(ms); line != "" {
				told = append(told, line)
			}
		}
		return strings.Join(told, ", ")
	}
	w.want(rounds(40), "")
	w.want(rounds(10, "par1", "fra1"), "firing return_path")
	w.want(rounds(10, "fra1"), "resolved return_path, firing return_path")
	w.want(rounds(10), "resolved return_path")
}
