package probe

import (
	"math/rand/v2"
	"testing"

	"go.uber.org/zap"
)

// TestWanderingFlowsNeedFewSockets lets many silent flows change lanes, all as
// often, each at a moment of its own.
func TestWanderingFlowsNeedFewSockets(t *testing.T) {
	l := newLab(t)
	l.in(t, l.near, func() {
		lanes := newLanes(zap.NewNop())
		random := rand.New(rand.NewPCG(1, 2))
		flows := make([]*lane, 1000)
		left := make([]uint64, len(flows))
		move := func(i int) {
			next, err := lanes.acquire(lanePath{}, left[i])
			must(t, err)
			if flows[i] != nil {
				lanes.release(flows[i])
			}
			flows[i], left[i] = next, next.serial
		}
		for i := range flows {
			move(i)
		}
		most := 0
		order := random.Perm(len(flows))
		for range 20 {
			for _, i := range order {
				move(i)
				most = max(most, len(lanes.open[lanePath{}]))
			}
		}
		for _, held := range flows {
			lanes.release(held)
		}
		if most > 3 {
			t.Errorf("%d sockets for %d silent flows", most, len(flows))
		}
	})
}
