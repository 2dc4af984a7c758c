package netlab

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	addrA  = netip.MustParsePrefix("192.0.2.1/30")
	addrB  = netip.MustParsePrefix("192.0.2.2/30")
	addrA6 = netip.MustParsePrefix("2001:db8::1/64")
	addrB6 = netip.MustParsePrefix("2001:db8::2/64")
)

// must returns a value that came with an error, or fails the test:
// must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		check(tb, err)
		return v
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// newLab makes a lab that the test's end closes.
func newLab(tb testing.TB) *Lab {
	tb.Helper()
	lab := must(New())(tb)
	tb.Cleanup(func() {
		if err := lab.Close(); err != nil {
			tb.Error("close:", err)
		}
	})
	return lab
}

// pair is the smallest lab: hosts a and b, with one link and both families.
type pair struct {
	lab  *Lab
	a, b *Host
	link *Link
}

func newPair(tb testing.TB) *pair {
	tb.Helper()
	p := &pair{lab: newLab(tb)}
	p.a = must(p.lab.Host("a"))(tb)
	p.b = must(p.lab.Host("b"))(tb)
	p.link = must(p.lab.Link(p.a, addrA, p.b, addrB))(tb)
	check(tb, p.link.Number(addrA6, addrB6))
	return p
}

// newQuietPair is a pair without IPv6, on whose link there are no frames but
// those of the test: IPv6 tells of multicast memberships when it likes.
func newQuietPair(tb testing.TB) *pair {
	tb.Helper()
	p := &pair{lab: newLab(tb)}
	p.a = must(p.lab.Host("a"))(tb)
	p.b = must(p.lab.Host("b"))(tb)
	for _, h := range []*Host{p.a, p.b} {
		check(tb, h.Do(func() error { return setSysctls(ductSysctls) }))
	}
	p.link = must(p.lab.Link(p.a, addrA, p.b, addrB))(tb)
	return p
}

func (p *pair) set(tb testing.TB, d Direction, imp Impairment) {
	tb.Helper()
	check(tb, p.link.Set(d, imp))
}

func listenUDP(tb testing.TB, h *Host, address string) (conn net.PacketConn) {
	tb.Helper()
	check(tb, h.Do(func() (err error) {
		conn, err = net.ListenPacket("udp4", address)
		return err
	}))
	return conn
}

// capture opens a packet socket on an interface of h.
func capture(tb testing.TB, h *Host, ifname string, outgoing bool) (w *wire) {
	tb.Helper()
	check(tb, h.Do(func() error {
		iface, err := net.InterfaceByName(ifname)
		if err == nil {
			w, err = openWire(iface.Index)
		}
		return err
	}))
	tb.Cleanup(func() { w.close() })
	if outgoing {
		check(tb, unix.SetsockoptInt(w.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 0))
	}
	return w
}

// keepBusy runs goroutines that compute and allocate until stop is called.
func keepBusy(n int) (stop func()) {
	var done atomic.Bool
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() {
			kept := make([][]byte, 64)
			for i := 0; !done.Load(); i++ {
				kept[i%len(kept)] = make([]byte, 4096)
			}
		})
	}
	return func() { done.Store(true); workers.Wait() }
}
