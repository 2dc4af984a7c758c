package probe

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go.uber.org/zap"
)

// BenchmarkDeadTargets probes 400 addresses that answer nothing, 20 times a second
// each, and reports what memory is in use after a tenth of the batches, after
// half, and at the end. An iteration is one batch of each, so this is as many
// batches as an hour of one a second:
//
//	go test ./probe -run '^$' -bench DeadTargets -benchtime 3600x
//
// It runs itself again in a network namespace of its own, where loopback answers
// no echo, and prints what that run says.
func BenchmarkDeadTargets(b *testing.B) {
	if os.Getenv(insideUser) != "" {
		probeTheDead(b)
		return
	}
	if b.N == 1 {
		return // the trial run
	}
	again := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkDeadTargets$", fmt.Sprintf("-test.benchtime=%dx", b.N))
	again.Env = append(os.Environ(), insideUser+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	output, err := again.CombinedOutput()
	if err != nil {
		lacking(b, "cannot make network namespaces (needs root)", fmt.Errorf("%w\n%s", err, output))
	}
	b.Logf("\n%s", output)
}

func probeTheDead(b *testing.B) {
	const targets, interval = 400, 50 * time.Millisecond
	lo, err := netlink.LinkByName("lo")
	must(b, err)
	must(b, netlink.LinkSetUp(lo))
	setSysctl(b, "net/ipv4/icmp_echo_ignore_all", "1")
	var list []Target
	for i := range targets { // over two sockets, since one sends no more than 5,000 packets a second
		list = append(list, Target{POP: "p", Addr: netip.AddrFrom4([4]byte{127, 1, byte(i / 250), byte(1 + i%250)}), Method: ICMP, DSCP: uint8(i % 2)})
	}
	s := New(Settings{Interval: interval, Packets: 1, Timeout: 500 * time.Millisecond}, zap.NewNop())
	s.Set(list)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	defer func() { cancel(); <-ended }()
	b.ResetTimer()
	began, before := time.Now(), cpuTime()
	go func() { ended <- s.Run(ctx) }()
	at := map[int]string{b.N / 10: "MiB-tenth", b.N / 2: "MiB-half", b.N - 1: "MiB-end"}
	lost, dropped := 0, 0
	for n := range b.N * targets {
		batch := <-s.Batches()
		lost, dropped = lost+batch.Lost, dropped+batch.LocalDrop
		if unit := at[n/targets]; unit != "" && n%targets == 0 {
			b.ReportMetric(inUse(), unit)
		}
	}
	spent := time.Since(began)
	b.StopTimer()
	b.ReportMetric(100*(cpuTime()-before).Seconds()/spent.Seconds(), "%cpu")
	b.ReportMetric(float64(lost)/spent.Seconds(), "lost/s")
	b.ReportMetric(float64(dropped), "local-drops")
}

// inUse is the memory that is held after a collection, in MiB.
func inUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc+m.StackInuse) / (1 << 20)
}
