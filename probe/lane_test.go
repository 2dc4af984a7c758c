package probe

import (
	"context"
	"runtime"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"

	"peervane/probe/stats"
)

// kindsOf counts outcomes by kind.
func kindsOf(outcomes []Outcome) map[stats.Kind]int {
	count := make(map[stats.Kind]int)
	for _, o := range outcomes {
		count[o.Kind]++
	}
	return count
}

// TestOwnDropsAreNoLoss holds up the reader of a socket with a tiny buffer
// while all the answers come.
func TestOwnDropsAreNoLoss(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		const packets = 200
		lanes := newLanes(zaptest.NewLogger(t))
		flow := &icmpFlow{target: labTarget(either(v6, far4, far6)), lanes: lanes}
		var lane *lane
		l.in(t, l.near, func() {
			var err error
			lane, err = flow.hold()
			must(t, err)
		})
		defer flow.close()
		defer lanes.release(lane)
		must(t, unix.SetsockoptInt(lane.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1))
		r := newRound(Settings{Packets: packets, Timeout: time.Second})
		lane.mu.Lock()
		for range packets {
			lane.sendLocked(r, flow)
		}
		for pause := time.Now(); memoryOf(lane.fd).drops == 0 && time.Since(pause) < 5*time.Second; {
			runtime.Gosched()
		}
		lane.mu.Unlock()
		got := kindsOf(flyOn(lane, r))
		if got[stats.LocalDrop] == 0 || got[stats.Lost] != 0 || got[stats.LocalDrop]+got[stats.Reply] != packets {
			t.Errorf("outcomes %v", got)
		}
	})
}

// flyOn waits until a round is answered, or nothing more can come of it.
func flyOn(l *lane, r *round) []Outcome {
	select {
	case <-r.done:
	case <-time.After(300 * time.Millisecond):
	}
	return l.conclude(r)
}

// TestDeadTargetsCostNothingThatGrows probes a black hole for long, as time
// goes for the in-flight table.
func TestDeadTargetsCostNothingThatGrows(t *testing.T) {
	l := newLab(t)
	l.route(t, "10.78.0.0/24", unix.RTN_BLACKHOLE)
	l.in(t, l.near, func() {
		lanes := newLanes(zaptest.NewLogger(t))
		flow := &icmpFlow{target: labTarget("10.78.0.1"), lanes: lanes}
		defer flow.close()
		most := 0
		for range 200 {
			b := flow.probe(context.Background(), Settings{Packets: 1, Timeout: time.Millisecond})
			expect(t, b.Lost, 1)
			flow.mu.Lock()
			if lane := flow.lane; lane != nil {
				lane.mu.Lock()
				for _, f := range lane.flights.queue {
					f.expires -= time.Second // as if one had passed
				}
				most = max(most, len(lane.flights.bySeq), len(lane.flights.byKey), len(lane.flights.queue))
				lane.mu.Unlock()
			}
			flow.mu.Unlock()
			lanes.mu.Lock()
			expect(t, len(lanes.open) <= 1, true)
			lanes.mu.Unlock()
		}
		if most == 0 || most > silentBatches {
			t.Errorf("%d flights were remembered", most)
		}
	})
}

func TestLanesAreSharedAndClosed(t *testing.T) {
	l := newLab(t)
	l.in(t, l.near, func() {
		lanes := newLanes(zaptest.NewLogger(t))
		one, err := lanes.acquire(lanePath{}, 0)
		must(t, err)
		two, err := lanes.acquire(lanePath{}, 0)
		must(t, err)
		expect(t, one == two, true)
		later, err := lanes.acquire(lanePath{}, one.serial)
		must(t, err)
		expect(t, later != one && later.id != one.id, true)
		other, err := lanes.acquire(lanePath{dscp: 46}, 0)
		must(t, err)
		expect(t, other != one, true)
		for _, lane := range []*lane{one, two, later, other} {
			lanes.release(lane)
		}
		expect(t, len(lanes.open), 0)
	})
}

// TestFailedSendsDoNotMixUpStamps lets sending fail in between, which makes
// the kernel's count of packets uncertain, and then holds each time to be that
// of its own packet.
func TestFailedSendsDoNotMixUpStamps(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		lanes := newLanes(zaptest.NewLogger(t))
		flow := &icmpFlow{target: labTarget(either(v6, far4, far6)), lanes: lanes}
		nowhere := &icmpFlow{target: labTarget(either(v6, "10.99.0.1", "fd99::1")), lanes: lanes}
		var lane *lane
		l.in(t, l.near, func() {
			var err error
			lane, err = flow.hold()
			must(t, err)
		})
		defer flow.close()
		defer lanes.release(lane)
		s := Settings{Packets: 10, Timeout: time.Second}
		good, bad := newRound(s), newRound(s)
		for range s.Packets {
			lane.send(bad, nowhere)
			lane.send(good, flow)
		}
		expect(t, kindsOf(flyOn(lane, good)), map[stats.Kind]int{stats.Reply: s.Packets})
		expect(t, kindsOf(lane.conclude(bad)), map[stats.Kind]int{stats.Unreachable: s.Packets})
		for _, f := range good.flights {
			if f.tx != 0 && f.tx < f.sent.wall {
				t.Errorf("packet %d has the stamp of one that left %v before it", f.place, time.Duration(f.sent.wall-f.tx))
			}
		}
	})
}

// TestTrafficOfOthersIsNoDrop holds a raw socket to count as its own drops
// nothing that its filter rejects.
func TestTrafficOfOthersIsNoDrop(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		target := labTarget(either(v6, far4, far6))
		l.in(t, l.near, func() {
			idle, err := openLane(pathOf(target), 1, systemClock)
			must(t, err)
			defer idle.close()
			expect(t, l.probe(t, target, 1, quick)[0].Received, quick.Packets)
			expect(t, memoryOf(idle.fd).drops, uint32(0))
		})
	})
}

// TestFallBacksSaySo takes the kernel's stamps away, one after the other.
func TestFallBacksSaySo(t *testing.T) {
	const receiptOnly = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		lanes := newLanes(zaptest.NewLogger(t))
		flow := &icmpFlow{target: labTarget(either(v6, far4, far6)), lanes: lanes}
		var lane *lane
		l.in(t, l.near, func() {
			var err error
			lane, err = flow.hold()
			must(t, err)
		})
		defer flow.close()
		defer lanes.release(lane)
		for _, c := range []struct {
			flags  int
			source string
		}{{receiptOnly, SourceKernelRx}, {0, SourceUser}} {
			must(t, unix.SetsockoptInt(lane.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, c.flags))
			b := flow.probe(t.Context(), quick)
			expect(t, b.Received, quick.Packets)
			expect(t, b.TSSource, c.source)
		}
	})
}
