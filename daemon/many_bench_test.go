package daemon

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"peervane/config"
	"peervane/probe"
	"peervane/probe/stats"

	"go.uber.org/zap"

	"peervane/daemon/incident"
)

// BenchmarkTenThousandPOPs is what one batch costs the engine, and what a snapshot does, when that many POPs are probed once a
// second: at 10,000 batches and 4 snapshots a second.
//
//	go test ./daemon -run '^$' -bench TenThousandPOPs
func BenchmarkTenThousandPOPs(b *testing.B) {
	const pops = 10_000
	cfg := &config.Config{Detect: config.Detect{PathSettle: 24 * time.Hour}}
	for i := range pops {
		cfg.POPs = append(cfg.POPs, config.POP{Name: fmt.Sprint("pop", i), Service: "edge", Address: netip.AddrFrom4([4]byte{127, 1, byte(i / 250), byte(1 + i%250)})})
	}
	e := newEngine(cfg, incident.Options{Source: "test", NewID: derivedID}, false, zap.NewNop())
	e.uplink.heard = func() (time.Time, time.Duration) { return start, time.Minute }
	now, n := start, 0
	one := func() {
		c := cfg.POPs[n%pops]
		rtt := 20*time.Millisecond + time.Duration(n%97)*10*time.Microsecond
		s := stats.Sample{Started: now, Ended: now.Add(rtt), Sent: 1, Received: 1, RTTs: []time.Duration{rtt}}
		if n%10 == 9 { // a tenth of them is dead
			s.Received, s.Lost, s.RTTs = 0, 1, nil
		}
		e.batch(probe.Batch{Target: probe.Target{POP: c.Name, Service: c.Service, Addr: c.Address, Method: probe.ICMP}, Sample: s})
		e.judge(now, bite)
		e.take()
		n++
		now = now.Add(time.Second / pops)
	}
	for range 20 * pops {
		one()
	}
	b.Run("batch", func(b *testing.B) {
		for b.Loop() {
			one()
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			now = now.Add(250 * time.Millisecond)
			e.pictureOfPOPs(now)
		}
	})
}
