package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"
)

// TestSchedulerOnLoopback runs the whole of it with the real kinds.
func TestSchedulerOnLoopback(t *testing.T) {
	s, err := openEcho(lanePath{})
	if errors.Is(err, unix.EPERM) {
		lacking(t, "cannot ping", err)
	}
	must(t, err)
	must(t, unix.Close(s.fd))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close() // connects are answered from its backlog
	port := uint16(listener.Addr().(*net.TCPAddr).Port)

	scheduler := New(Settings{Interval: 50 * time.Millisecond, Packets: 2, Timeout: time.Second}, zaptest.NewLogger(t))
	want := map[Target]string{
		{POP: "p", Addr: netip.MustParseAddr("127.0.0.1"), Method: ICMP}:      SourceKernel,
		{POP: "p", Addr: netip.MustParseAddr("::1"), Method: ICMP}:            SourceKernel,
		{POP: "p", Addr: netip.MustParseAddr("127.0.0.1"), Method: TCP(port)}: SourceTCPInfo,
	}
	var targets []Target
	for target := range want {
		targets = append(targets, target)
	}
	scheduler.Set(targets)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- scheduler.Run(ctx) }()
	deadline := time.After(10 * time.Second)
	for len(want) > 0 {
		select {
		case b := <-scheduler.Batches():
			expect(t, b.Loss(), 0.0)
			if b.TSSource == want[b.Target] { // the kernel is slow to begin with stamps
				delete(want, b.Target)
			}
		case <-deadline:
			t.Errorf("no batch with the source of time wanted: %v", want)
			clear(want)
		}
	}
	cancel()
	must(t, <-ended)
}
