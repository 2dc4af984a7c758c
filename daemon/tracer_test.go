package daemon

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/probe"
)

// tracing is a tracer whose traces find one hop, and take no time.
func tracing(traced func(probe.Target)) *tracer {
	t := newTracer(zap.NewNop(), func(context.Context, netip.Addr) uint32 { return 64500 })
	t.trace = func(_ context.Context, target probe.Target) (probe.Trace, error) {
		traced(target)
		return probe.Trace{Target: target, Method: "icmp", At: time.Now(), Hops: []probe.Hop{{TTL: 1, Addr: target.Addr, RTT: time.Millisecond}}, Reached: true}, nil
	}
	return t
}

// Each path is traced once in the interval, by ICMP where there is a choice; what is asked for at once.
func TestTracer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		began := time.Now()
		tr := tracing(func(target probe.Target) {
			seen = append(seen, time.Since(began).String()+" "+target.POP+" "+string(target.Method))
		})
		tr.every.Store(int64(10 * time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = tr.run(ctx) }() // its error is always nil
		go func() {
			for ctx.Err() == nil {
				select {
				case got := <-tr.traced:
					if got.hops[0].ASN != 64500 || !got.reached {
						t.Errorf("traced %+v", got)
					}
				case <-ctx.Done():
				}
			}
		}()
		one, two := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2")
		tr.set([]probe.Target{
			{POP: "par1", Addr: one, Method: "tcp:443"}, {POP: "par1", Addr: one, Method: "icmp"}, {POP: "fra1", Addr: two, Method: "tcp:443"},
		})
		time.Sleep(6 * time.Minute)
		tr.ask(path{addr: two})
		tr.ask(path{addr: netip.MustParseAddr("192.0.2.1")}) // no longer probed
		synctest.Wait()
		tr.every.Store(0)
		tr.ask(path{addr: one})
		time.Sleep(time.Hour)
		want := []string{"0s par1 icmp", "5s fra1 tcp:443", "5m5s par1 icmp", "6m0s fra1 tcp:443"}
		if !slices.Equal(seen, want) {
			t.Errorf("traced %q, want %q", seen, want)
		}
		cancel()
		<-done
	})
}

// Whoever asks never waits, and what cannot be traced in time is forgotten.
func TestTracerIsNeverWaitedFor(t *testing.T) {
	tr := tracing(func(probe.Target) {})
	for range 2 * tracesAsked {
		tr.ask(path{addr: netip.MustParseAddr("198.51.100.1")})
		tr.set(nil)
	}
	if n := len(tr.asked); n != tracesAsked {
		t.Errorf("%d wait", n)
	}
}
