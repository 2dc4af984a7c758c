package probe

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
	"golang.org/x/time/rate"
)

// All flows of a lane wait for the same tokens: what one has spent, no other has.
func TestFlowsShareThePaceOfTheirLane(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		lanes := newLanes(zaptest.NewLogger(t))
		first := &icmpFlow{target: labTarget(either(v6, far4, far6)), lanes: lanes}
		second := &icmpFlow{target: labTarget(either(v6, near4, near6)), lanes: lanes}
		defer first.close()
		defer second.close()
		l.in(t, l.near, func() {
			lane, err := first.hold()
			must(t, err)
			defer lanes.release(lane)
			expect(t, lane.pace.Limit(), rate.Limit(lanePace))
			expect(t, lane.pace.Burst(), laneBurst)

			lane.pace = rate.NewLimiter(0, 7) // seven tokens, and never another: to wait for one would take longer than the context lasts
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			s := Settings{Packets: 5, Timeout: time.Minute}
			expect(t, first.probe(ctx, s).Sent, 5)
			expect(t, second.probe(ctx, s).Sent, 2)
			expect(t, second.probe(ctx, s).Sent, 0)
		})
	})
}

func TestConnectsShareOnePace(t *testing.T) {
	m := openTCP(zaptest.NewLogger(t))
	defer m.close()
	a, b := m.prober(labTarget(far4)).(tcpProber), m.prober(labTarget(far6)).(tcpProber)
	expect(t, a.pace == b.pace, true)
	expect(t, a.pace.Limit(), rate.Limit(tcpPace))
	expect(t, a.pace.Burst(), tcpBurst)
}
