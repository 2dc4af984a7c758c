package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"peervane/config"
	"peervane/daemon/incident"
	"peervane/probe"
	"peervane/probe/stats"
)

// BenchmarkTenThousandPOPs is what one batch costs the engine, and what a snapshot does, when that many POPs are probed once a
// second; and the memory of all that is remembered of them once it grows no more.
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
	const rounds = 650 // what is remembered of each is full by then: 360 batches, and ten minutes
	for range rounds * pops {
		one()
	}
	full := liveHeap() / (1 << 20)
	b.Run("batch", func(b *testing.B) {
		for b.Loop() {
			one()
		}
		b.ReportMetric(full, "MiB")
	})
	b.Run("cost", func(b *testing.B) { // of a routing incident, to all of them
		for b.Loop() {
			e.plane.CostOf(now.Add(-10*time.Second), now.Add(-5*time.Second), nil)
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			now = now.Add(250 * time.Millisecond)
			e.pictureOfPOPs(now)
		}
	})
}

// BenchmarkTenThousandProbed runs the whole daemon for a minute an iteration with that many POPs, all addresses of loopback, one packet
// a second to each, and reports what it cost and lost. The answers of loopback are made by the same process.
//
//	go test ./daemon -run '^$' -bench TenThousandProbed -benchtime 1x
func BenchmarkTenThousandProbed(b *testing.B) {
	const pops, runs = 10_000, time.Minute
	cfg := benchConfig(b.TempDir(), netip.MustParseAddrPort("127.0.0.2:9"))
	cfg.Peers = nil
	cfg.Probe = config.Probe{Interval: time.Second, Packets: 1, Timeout: 2 * time.Second, Burst: true}
	for i := range pops {
		cfg.POPs = append(cfg.POPs, config.POP{
			Name: fmt.Sprint("pop", i), Service: "edge", Address: netip.AddrFrom4([4]byte{127, 1, byte(i / 250), byte(1 + i%250)}), ICMP: true,
		})
	}
	for b.Loop() {
		d := New(cfg, Options{Log: zap.NewNop()})
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		before := cpuTime()
		go func() { ended <- d.Run(ctx) }()
		<-time.After(runs)
		b.ReportMetric(100*(cpuTime()-before).Seconds()/runs.Seconds(), "%cpu")
		b.ReportMetric(liveHeap()/(1<<20), "MiB")
		b.ReportMetric(resident(b), "MiB-resident")
		reportProbed(b, d, runs)
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}

// reportProbed sums up what all POPs show.
func reportProbed(b *testing.B, d *Daemon, runs time.Duration) {
	var sent, lost, dropped int
	s := d.Snapshot()
	for _, p := range s.POPs {
		for _, probe := range p.Probes {
			sent, lost, dropped = sent+probe.Sent, lost+probe.Lost+probe.Unreachable, dropped+probe.LocalDrop
		}
	}
	b.ReportMetric(float64(sent)/runs.Seconds(), "probes/s")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(float64(dropped), "local-drops")
	b.ReportMetric(float64(d.scheduler.Dropped()), "batches-dropped")
	b.ReportMetric(float64(s.Status.OpenIncidents), "incidents")
	b.ReportMetric(time.Since(s.Status.At.Time).Seconds(), "snapshot-s")
}

func cpuTime() time.Duration {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// resident is the most memory that the process had.
func resident(b *testing.B) float64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Maxrss) / (1 << 10)
}
