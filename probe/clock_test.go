package probe

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
)

// TestWallClockStepsInFlight sets the wall clock by an hour, either way, while
// packets are under way, and back: what is measured is what the monotonic clock
// saw, and says so; and the kernel's stamps are believed again at once.
func TestWallClockStepsInFlight(t *testing.T) {
	for name, step := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour, "by less than it takes": -10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
				var set atomic.Int64
				lanes := newLanes(zaptest.NewLogger(t))
				lanes.clock = func(origin time.Time) instant {
					now := systemClock(origin)
					now.wall += set.Load()
					return now
				}
				const held = 20 * time.Millisecond
				l.respond(t, v6, func(r *responder, q request) {
					if q.n == 1 { // in the flight of the second
						set.Store(int64(step))
						<-time.After(held)
						r.reply(q)
						return
					}
					set.Store(0) // the third finds it stepped as it leaves
					r.reply(q)
				})
				flow := &icmpFlow{target: labTarget(either(v6, far4, far6)), lanes: lanes}
				defer flow.close()
				var batches []Batch
				l.in(t, l.near, func() {
					for range 5 {
						batches = append(batches, flow.probe(context.Background(), Settings{Packets: 1, Timeout: time.Second}))
					}
				})
				for i, b := range batches {
					stepped := i == 1 || i == 2
					expect(t, b.Received, 1)
					if b.TSSource == SourceUser != stepped {
						t.Errorf("probe %d: its time is of %q", i, b.TSSource)
					}
					spent := b.Ended.Sub(b.Started)
					if rtt := slices.Max(b.RTTs); rtt <= 0 || rtt > spent || i == 1 && rtt < held {
						t.Errorf("probe %d took %v of %v", i, rtt, spent)
					}
				}
			})
		})
	}
}
