package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/daemon/join"
)

// traced gives the engine a way: for each hop its last byte and ms.
func (w *joinWorld) traced(reached bool, hops ...int) string {
	t := tracedPath{path: path{w.engine.cfg.POPs[0].Address, w.source}, method: "icmp", at: w.now, reached: reached}
	for i := 0; i < len(hops); i += 2 {
		t.hops = append(t.hops, join.Hop{TTL: i/2 + 1, Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(hops[i])}), RTT: time.Duration(hops[i+1]) * time.Millisecond})
	}
	w.engine.traced(t, w.now)
	return w.whole()
}

func newTracedWorld(t *testing.T) *joinWorld {
	w := newJoinWorld(t)
	w.engine.cfg.Probe.TraceInterval = 10 * time.Minute
	w.announce("edge1", "10.0.0.0/30", 64500, 3356)
	w.announce("edge1", "10.0.0.0/8", 64500, 174)
	return w.usual()
}

// A shift asks for a trace, which is told beside the last good one, with the ASes of the hops and the hop where the delay entered.
func TestTraceIsEvidence(t *testing.T) {
	w := newTracedWorld(t)
	w.want(w.traced(true, 1, 1, 9, 12), "")
	w.announce("edge1", popRoute, 64500, 3356, 64496)
	w.batch(42)
	w.engine.batch(w.sample(42))
	for w.engine.judge(w.now, 3) {
	}
	out := w.engine.take()
	if len(out.notices) != 1 || len(out.traces) != 1 || out.traces[0].addr != w.engine.cfg.POPs[0].Address {
		t.Fatalf("told %d notices, asked for the traces %v", len(out.notices), out.traces)
	}
	w.now = w.now.Add(time.Second)
	got := w.traced(true, 1, 1, 2, 31, 9, 42)
	if !strings.HasPrefix(got, "updated warning latency_shift") || !strings.HasSuffix(got, "; +30 ms to POP par1; the delay enters at hop 2, 10.0.0.2 (AS3356)") {
		t.Error(got)
	}
	n := w.engine.book.Records()[0].Notice
	tr := n.Evidence.Trace
	if len(tr.Hops) != 3 || len(tr.Before) != 2 || !tr.Reached || n.Reason != "trace" || *tr.Entered.RTTMS != 30 {
		t.Errorf("evidence %+v for reason %s", tr, n.Reason)
	}
	for i, want := range []uint32{3356, 3356, 174} {
		if got := tr.Hops[i].ASN; got != want {
			t.Errorf("hop %d is of AS%d, want AS%d", i+1, got, want)
		}
	}
	w.want(w.traced(true, 1, 1, 2, 31, 9, 42), "")
	if good := w.engine.traces.good[path{addr: w.engine.cfg.POPs[0].Address}]; len(good.hops) != 2 {
		t.Error("what is traced while something is wrong is no good way")
	}
}

// A trace that began before the incident says nothing of it, and one that comes too late is not waited for.
func TestTraceOfAnotherTime(t *testing.T) {
	w := newTracedWorld(t)
	w.announce("edge1", popRoute, 64500, 3356, 64496)
	w.batch(42)
	w.batch(42)
	w.now = w.now.Add(-time.Second)
	w.want(w.traced(true, 1, 1, 2, 31, 9, 42), "")
	w.now = w.now.Add(2 * traceWait)
	w.want(w.traced(true, 1, 1, 2, 31, 9, 42), "")
	if len(w.engine.traces.waiting) > 0 {
		t.Error("still waited for")
	}
}

// Where tracing is switched off none is asked for.
func TestNoTrace(t *testing.T) {
	w := newJoinWorld(t).usual()
	w.announce("edge1", popRoute, 64500, 3356, 64496)
	w.engine.batch(w.sample(42))
	w.now = w.now.Add(time.Second)
	w.engine.batch(w.sample(42))
	for w.engine.judge(w.now, 3) {
	}
	if out := w.engine.take(); len(out.traces) > 0 || len(out.notices) == 0 {
		t.Errorf("%d notices, traces %v", len(out.notices), out.traces)
	}
}
