package probe

import (
	"context"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
)

// BenchmarkTenThousandTargets probes that many loopback addresses once a
// second for ten seconds an iteration, and reports what it cost and lost.
func BenchmarkTenThousandTargets(b *testing.B) {
	const targets, seconds = 10_000, 10
	var list []Target
	for i := range targets {
		list = append(list, Target{POP: "p", Addr: netip.AddrFrom4([4]byte{127, 1, byte(i / 250), byte(1 + i%250)}), Method: ICMP})
	}
	if s, err := openEcho(lanePath{}); err != nil {
		lacking(b, "cannot open icmp sockets", err)
	} else {
		syscall.Close(s.fd)
	}
	for b.Loop() {
		s := New(Settings{Interval: time.Second, Packets: 1, Timeout: 2 * time.Second}, zap.NewNop())
		s.Set(list)
		ctx, cancel := context.WithTimeout(context.Background(), seconds*time.Second)
		ended := make(chan error, 1)
		before := cpuTime()
		go func() { ended <- s.Run(ctx) }()
		var sent, lost, dropped int
		for running := true; running; {
			select {
			case batch := <-s.Batches():
				sent, lost, dropped = sent+batch.Sent, lost+batch.Lost, dropped+batch.LocalDrop
			case <-ended:
				running = false
			}
		}
		cancel()
		spent := cpuTime() - before
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		b.ReportMetric(100*spent.Seconds()/seconds, "%cpu")
		b.ReportMetric(float64(sent)/seconds, "probes/s")
		b.ReportMetric(float64(lost), "lost")
		b.ReportMetric(float64(dropped), "local-drops")
		b.ReportMetric(float64(memory.HeapSys+memory.StackSys)/(1<<20), "MiB")
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
