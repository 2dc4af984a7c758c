package probe

import (
	"math/bits"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eachFamily runs a test in a lab of its own for IPv4 and IPv6.
func eachFamily(t *testing.T, test func(t *testing.T, l *lab, v6 bool)) {
	for _, family := range []string{"ipv4", "ipv6"} {
		t.Run(family, func(t *testing.T) { test(t, newLab(t), family == "ipv6") })
	}
}

// listen accepts at far and hands out what reading ended with.
func (l *lab) listen(t *testing.T, address string) <-chan error {
	t.Helper()
	var listener net.Listener
	l.in(t, l.far, func() {
		var err error
		listener, err = net.Listen("tcp", address)
		must(t, err)
	})
	ends := make(chan error, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, err = conn.Read(make([]byte, 1))
			conn.Close()
			ends <- err
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return ends
}

func tcpTarget(addr string, port uint16) Target {
	return Target{POP: "p", Addr: netip.MustParseAddr(addr), Method: TCP(port)}
}

func TestHandshakeTimeComesFromTheKernel(t *testing.T) {
	eachFamily(t, func(t *testing.T, l *lab, v6 bool) {
		far := either(v6, far4, far6)
		ends := l.listen(t, net.JoinHostPort(far, "443"))
		for _, b := range l.probe(t, tcpTarget(far, 443), 3, quick) {
			expect(t, b.Received, 1)
			expect(t, b.TSSource, SourceTCPInfo)
			expect(t, b.RTTs[0] > 0 && b.RTTs[0] < quick.Timeout, true)
			err := <-ends
			if opErr, ok := err.(*net.OpError); !ok || opErr.Err.Error() != "read: connection reset by peer" {
				t.Errorf("the connection ended with %v, not with a reset", err)
			}
		}
	})
}

func TestResetIsRefused(t *testing.T) {
	eachFamily(t, func(t *testing.T, l *lab, v6 bool) {
		b := l.probe(t, tcpTarget(either(v6, far4, far6), 444), 1, quick)[0]
		expect(t, b.Refused, 1)
		expect(t, b.Loss(), 0.0)
		expect(t, b.TSSource, SourceUser)
		expect(t, len(b.RTTs), 1)
	})
}

func TestTCPUnreachableNamesItsOffender(t *testing.T) {
	eachFamily(t, func(t *testing.T, l *lab, v6 bool) {
		l.route(t, either(v6, "10.78.0.0/24", "fd78::/64"), unix.RTN_PROHIBIT)
		b := l.probe(t, tcpTarget(either(v6, "10.78.0.1", "fd78::1"), 443), 1, quick)[0]
		expect(t, b.Unreachable, 1)
		expect(t, b.Offender, netip.MustParseAddr(either(v6, far4, far6)))
		expect(t, b.Err, "")
	})
}

func TestTCPBlackholeIsLoss(t *testing.T) {
	eachFamily(t, func(t *testing.T, l *lab, v6 bool) {
		l.route(t, either(v6, "10.78.0.0/24", "fd78::/64"), unix.RTN_BLACKHOLE)
		b := l.probe(t, tcpTarget(either(v6, "10.78.0.1", "fd78::1"), 443), 1, quick)[0]
		expect(t, b.Lost, 1)
		expect(t, len(b.RTTs), 0)
	})
}

func TestTCPNoRouteHereIsUnreachable(t *testing.T) {
	eachFamily(t, func(t *testing.T, l *lab, v6 bool) {
		b := l.probe(t, tcpTarget(either(v6, "10.99.0.1", "fd99::1"), 443), 1, quick)[0]
		expect(t, b.Unreachable, 1)
		expect(t, b.Offender.IsValid(), false)
		expect(t, strings.HasSuffix(b.Err, "connect: network is unreachable"), true)
	})
}

func TestRepeatedSYNIsLoss(t *testing.T) {
	eachFamily(t, func(t *testing.T, l *lab, v6 bool) {
		far := either(v6, far4, far6)
		listener := l.listenDeafOnce(t, net.JoinHostPort(far, "443"))
		b := l.probe(t, tcpTarget(far, 443), 1, Settings{Packets: 1, Timeout: 20 * time.Second})[0]
		expect(t, b.Lost, 1)
		expect(t, len(b.RTTs), 0)
		must(t, listener.SetDeadline(time.Now().Add(time.Minute)))
		conn, err := listener.Accept()
		if err != nil {
			t.Fatalf("the second SYN was not answered: %v", err)
		}
		conn.Close()
	})
}

// listenDeafOnce listens at far behind a filter that drops everything, and
// takes it away as soon as it has dropped the first SYN.
func (l *lab) listenDeafOnce(t *testing.T, address string) (opened *net.TCPListener) {
	t.Helper()
	var raw syscall.RawConn
	tap := -1
	l.in(t, l.far, func() {
		var err error
		tap, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(bits.ReverseBytes16(unix.ETH_P_ALL)))
		must(t, err)
		must(t, unix.SetsockoptTimeval(tap, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000}))
		var plain net.ListenConfig
		plain.SetMultipathTCP(false) // a filter cannot be attached to the other kind
		listener, err := plain.Listen(t.Context(), "tcp", address)
		must(t, err)
		t.Cleanup(func() { listener.Close() })
		opened = listener.(*net.TCPListener)
		raw, err = opened.SyscallConn()
		must(t, err)
		drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
		must(t, raw.Control(func(fd uintptr) {
			must(t, unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop}))
		}))
	})
	done := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(done)
		for dropped := false; !dropped; {
			select {
			case <-stop:
				return
			default:
			}
			unix.Recvfrom(tap, make([]byte, 64), 0) // any packet is a reason to look
			raw.Control(func(fd uintptr) {
				if dropped = memoryOf(int(fd)).drops > 0; dropped {
					unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
				}
			})
		}
	}()
	t.Cleanup(func() { close(stop); <-done; unix.Close(tap) })
	return opened
}

func TestTCPSourceMustExist(t *testing.T) {
	l := newLab(t)
	target := tcpTarget(far4, 443)
	target.Source = netip.MustParseAddr("192.0.2.77")
	b := l.probe(t, target, 1, quick)[0]
	expect(t, b.Sent, 0)
	expect(t, b.Err, "tcp probe: dial tcp 192.0.2.77:0->10.77.0.2:443: bind: cannot assign requested address")
}
