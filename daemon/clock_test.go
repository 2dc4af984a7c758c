package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"peervane/bgp"
	"peervane/config"
	"peervane/probe"
	"peervane/probe/stats"
)

// stepped gives a moment as it is after somebody has set the wall clock: the monotonic clock shows the same. There is no other way
// to have such a moment in a test than to write into it, and it is held to what is wanted.
func stepped(t *testing.T, at time.Time, by time.Duration) time.Time {
	t.Helper()
	out := at
	*(*uint64)(unsafe.Pointer(&out)) += uint64(by/time.Second) << 30 // seconds of the wall clock, behind which nanoseconds stand
	if out.Sub(at) != 0 || out.Round(0).Sub(at.Round(0)) != by {
		t.Fatalf("a step by %v is one by %v, and the monotonic clock moved by %v", by, out.Round(0).Sub(at.Round(0)), out.Sub(at))
	}
	return out
}

// A step of the wall clock fires nothing and ends nothing, while sessions, probes and holds go on; what happens after it is told as
// ever.
func TestClockSteps(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			cfg := twoPeers(registered(ours, 64510))
			cfg.POPs = []config.POP{
				{Name: "par1", Service: "edge", Address: netip.MustParseAddr("198.51.100.1"), ICMP: true},
				{Name: "fra1", Service: "edge", Address: netip.MustParseAddr("198.51.101.1"), ICMP: true},
			}
			base := time.Now()
			w := &joinWorld{world: newWorld(t, cfg)}
			w.now = base
			heard := base
			w.engine.uplink.heard = func() (time.Time, time.Duration) { return heard, 30 * time.Second }
			w.announce("edge1", ours, 64500, 64510)
			w.announce("edge2", ours, 64501, 64510)
			w.announce("edge1", popRoute, 64500, 64496)
			measure := func(batches int, par1 float64) (told string) {
				for range batches {
					told += w.pass(5 * time.Second)
					heard = w.now
					told += w.flow("par1", par1) + w.flow("fra1", 20)
				}
				return told
			}
			w.want(measure(50, 12), "")
			w.now = stepped(t, w.now, by)
			w.want(measure(50, 12), "")
			w.now = stepped(t, w.now, -by)
			w.want(measure(50, 12), "")
			w.want(w.withdraw("edge1", ours), "")
			w.now = stepped(t, w.now, by) // in the middle of a hold
			w.want(w.announce("edge1", ours, 64500, 64510), "")
			w.want(measure(5, 12), "")
			if got := measure(10, 42); got == "" {
				t.Error("a shift after the steps is not told")
			}
			w.now = stepped(t, w.now, -by) // in the middle of an incident
			if got := measure(5, 42); got != "" {
				t.Errorf("told %q", got)
			}
			if got := measure(15, 12); got == "" {
				t.Error("its end is not told")
			}
		})
	}
}

// flow is a batch of a POP.
func (w *joinWorld) flow(pop string, ms float64) string {
	for _, c := range w.engine.cfg.POPs {
		if c.Name != pop {
			continue
		}
		s := stats.Sample{Started: w.now, Ended: w.now, Sent: 3, Received: 3}
		for range 3 {
			s.RTTs = append(s.RTTs, time.Duration(ms*float64(time.Millisecond)))
		}
		w.engine.batch(probe.Batch{Target: probe.Target{POP: pop, Service: c.Service, Addr: c.Address, Method: "icmp"}, Sample: s})
	}
	return w.tell()
}

// After a clock that was set back over a restart a flap an hour is no flapping, as before it.
func TestPenaltiesOfTheFutureDecay(t *testing.T) {
	w := newWorld(t, twoPeers(registered(judged, 64496)))
	w.announce("edge1", judged, 64500, 64496)
	flap := func() (told string) {
		for _, path := range [][]uint32{{64500, 64505, 64496}, {64500, 64496}} {
			c := w.change("edge1", judged, path...)
			c.PathChanges, c.Cause = 1, bgp.Updated
			w.engine.input(c)
			told += w.tell()
		}
		return told
	}
	flap()
	w.now = w.now.Add(-24 * time.Hour)
	w = w.restart()
	w.up("edge1")
	w.first("edge1", 64500, 64496)
	w.endOfRIB("edge1")
	for range 20 {
		if got := flap() + w.pass(time.Hour); strings.Contains(got, "flapping") {
			t.Fatalf("told %s", got)
		}
	}
}
