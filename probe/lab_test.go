package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"
)

// Addresses of the lab: near probes, far answers and routes the rest.
const (
	near4, far4 = "10.77.0.1", "10.77.0.2"
	near6, far6 = "fd77::1", "fd77::2"
)

// lab is two network namespaces with a cable between them.
type lab struct{ near, far netns.NsHandle }

// newLab needs the right to make namespaces.
func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{near: newNamespace(t), far: newNamespace(t)}
	l.in(t, l.near, func() { setSysctl(t, "net/ipv4/ping_group_range", "1 0") })
	l.in(t, l.far, func() {
		setSysctl(t, "net/ipv4/ip_forward", "1")
		setSysctl(t, "net/ipv6/conf/all/forwarding", "1")
		setSysctl(t, "net/ipv4/icmp_ratemask", "0")
		setSysctl(t, "net/ipv6/icmp/ratelimit", "0")
	})
	l.cable(t)
	return l
}

// cable connects near and far. Addresses come last: on a link that is not up
// at both ends, IPv6 would stay silent for seconds.
func (l *lab) cable(t testing.TB) {
	l.in(t, l.near, func() {
		must(t, netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: "near"}, PeerName: "far",
			PeerNamespace: netlink.NsFd(l.far),
		}))
		l.up(t, "near")
	})
	l.in(t, l.far, func() { l.up(t, "far") })
	l.in(t, l.near, func() { l.address(t, "near", near4+"/24", near6+"/64") })
	l.in(t, l.far, func() { l.address(t, "far", far4+"/24", far6+"/64") })
	l.await(t, labTarget(far4))
	l.await(t, labTarget(far6))
}

// await probes until far answers: links and addresses come up in their own
// time. The socket stays open for the test, since the kernel is as slow to
// begin with stamps.
func (l *lab) await(t testing.TB, target Target) {
	t.Helper()
	l.in(t, l.near, func() {
		p := openICMP(zap.NewNop()).prober(target)
		t.Cleanup(p.close)
		again := time.NewTicker(10 * time.Millisecond) // a link that is not up yet fails at once
		defer again.Stop()
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-again.C {
			b := p.probe(t.Context(), Settings{Packets: 1, Timeout: 50 * time.Millisecond})
			if b.Received == 1 && b.TSSource == SourceKernel {
				return
			}
		}
		t.Fatalf("no way to %s in the lab", target)
	})
}

// newNamespace makes one that goes with the test.
func newNamespace(t testing.TB) netns.NsHandle {
	t.Helper()
	made := make(chan netns.NsHandle, 1)
	failed := make(chan error, 1)
	go func() { // the thread has left its namespace, and goes with the goroutine
		runtime.LockOSThread()
		ns, err := netns.New()
		failed <- err
		made <- ns
	}()
	if err := <-failed; err != nil {
		lacking(t, "cannot make network namespaces (needs root)", err)
	}
	ns := <-made
	t.Cleanup(func() { ns.Close() })
	return ns
}

// in runs f in a namespace, on a thread of its own.
func (l *lab) in(t testing.TB, ns netns.NsHandle, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := errors.New("the test ended in there")
		defer func() { done <- err }()
		if err = netns.Set(ns); err != nil {
			return
		}
		err = errors.New("the test ended in there")
		f()
		err = nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func (l *lab) up(t testing.TB, device string) {
	t.Helper()
	setSysctl(t, "net/ipv6/conf/"+device+"/accept_dad", "0")
	for _, name := range []string{"lo", device} {
		link, err := netlink.LinkByName(name)
		must(t, err)
		must(t, netlink.LinkSetUp(link))
	}
}

func (l *lab) address(t testing.TB, device string, addresses ...string) {
	t.Helper()
	link, err := netlink.LinkByName(device)
	must(t, err)
	for _, a := range addresses {
		addr, err := netlink.ParseAddr(a)
		must(t, err)
		addr.Flags = unix.IFA_F_NODAD
		must(t, netlink.AddrAdd(link, addr))
	}
}

// linkLocal is the fe80 address of an interface of the calling thread's
// namespace.
func (l *lab) linkLocal(t testing.TB, device string) netip.Addr {
	t.Helper()
	link, err := netlink.LinkByName(device)
	must(t, err)
	addrs, err := netlink.AddrList(link, netlink.FAMILY_V6)
	must(t, err)
	for _, a := range addrs {
		if addr, ok := netip.AddrFromSlice(a.IP); ok && addr.IsLinkLocalUnicast() {
			return addr
		}
	}
	t.Fatalf("%s has no link-local address", device)
	return netip.Addr{}
}

// route adds a route of a special kind at far, and one through far at near.
func (l *lab) route(t testing.TB, prefix string, kind int) {
	t.Helper()
	_, dst, err := net.ParseCIDR(prefix)
	must(t, err)
	via := far4
	if dst.IP.To4() == nil {
		via = far6
	}
	l.in(t, l.near, func() { must(t, netlink.RouteAdd(&netlink.Route{Dst: dst, Gw: net.ParseIP(via)})) })
	l.in(t, l.far, func() { must(t, netlink.RouteAdd(&netlink.Route{Dst: dst, Type: kind})) })
}

// probe runs batches of one target, one after the other, from near.
func (l *lab) probe(t testing.TB, target Target, batches int, s Settings) []Batch {
	t.Helper()
	var out []Batch
	l.in(t, l.near, func() {
		p := l.prober(t, target)
		defer p.close()
		for range batches {
			out = append(out, p.probe(context.Background(), s))
		}
	})
	return out
}

func (l *lab) prober(t testing.TB, target Target) prober {
	for _, k := range kinds {
		if k.name == target.Method.Kind() {
			return k.open(zaptest.NewLogger(t)).prober(target)
		}
	}
	t.Fatalf("no probe kind for %s", target.Method)
	return nil
}

// openPing lets everyone in near open datagram sockets.
func (l *lab) openPing(t testing.TB) {
	l.in(t, l.near, func() { setSysctl(t, "net/ipv4/ping_group_range", "0 0") })
}

// setSysctl acts on the namespace of the calling thread.
func setSysctl(t testing.TB, name, value string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/"+name, []byte(value), 0))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// labTarget is an address of the lab probed by ICMP.
func labTarget(addr string) Target {
	return Target{POP: "p", Addr: netip.MustParseAddr(addr), Method: ICMP}
}

// quick settings: nothing in the lab takes longer, unless it is to time out.
var quick = Settings{Interval: time.Second, Packets: 3, Spacing: time.Millisecond, Timeout: 200 * time.Millisecond}
