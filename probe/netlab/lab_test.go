package netlab

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"
)

// Two ways lead to a POP, as from an edge over two transit providers.
func TestRouteMovesThePath(t *testing.T) {
	lab := newLab(t)
	edge := must(lab.Host("edge"))(t)
	pop := must(lab.Host("par1"))(t)
	near := newTransit(t, lab, edge, pop, "as64500", 1, 6*ms)
	far := newTransit(t, lab, edge, pop, "as64501", 2, 25*ms)
	for _, family := range []struct{ address, near, far netip.Addr }{
		{netip.MustParseAddr("198.51.100.1"), near.gateway4, far.gateway4},
		{netip.MustParseAddr("2001:db8:ffff::1"), near.gateway6, far.gateway6},
	} {
		t.Run(family.address.String(), func(t *testing.T) {
			check(t, pop.Assign(family.address))
			dst := netip.PrefixFrom(family.address, family.address.BitLen())
			near.routes(t, dst)
			far.routes(t, dst)
			check(t, edge.Route(dst, family.near))
			ping := newPinger(t, edge, family.address)
			expect(t, ping, 12*ms, near, far)
			check(t, edge.Route(dst, family.far))
			expect(t, ping, 50*ms, far, near)
			check(t, edge.Route(dst, family.near))
			expect(t, ping, 12*ms, near, far)
			check(t, edge.Unroute(dst))
			if _, err := edge.Dial(t.Context(), "udp", net.JoinHostPort(family.address.String(), "9")); err == nil {
				t.Error("the address is reachable without a route")
			}
		})
	}
}

// transit is a router between the edge and the POP, the same delay each way.
type transit struct {
	host               *Host
	toPOP              *Link
	gateway4, gateway6 netip.Addr // of the edge
	pop4, pop6         netip.Addr
}

func newTransit(t *testing.T, lab *Lab, edge, pop *Host, name string, number byte, delay time.Duration) *transit {
	host := must(lab.Host(name))(t)
	subnet4 := func(net, host byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, number, net, host}), 24)
	}
	subnet6 := func(net, host byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0, number, net, 15: host}), 64)
	}
	in := must(lab.Link(edge, subnet4(1, 1), host, subnet4(1, 2)))(t)
	check(t, in.Number(subnet6(1, 1), subnet6(1, 2)))
	out := must(lab.Link(host, subnet4(2, 1), pop, subnet4(2, 2)))(t)
	check(t, out.Number(subnet6(2, 1), subnet6(2, 2)))
	check(t, out.Set(Both, Impairment{Delay: delay}))
	// What the POP answers goes back the way it came from: the addresses of
	// the edge are different on each link.
	check(t, pop.Route(subnet4(1, 0), subnet4(2, 1).Addr()))
	check(t, pop.Route(subnet6(1, 0), subnet6(2, 1).Addr()))
	return &transit{host, out, subnet4(1, 2).Addr(), subnet6(1, 2).Addr(), subnet4(2, 2).Addr(), subnet6(2, 2).Addr()}
}

func (tr *transit) routes(t *testing.T, dst netip.Prefix) {
	via := tr.pop4
	if dst.Addr().Is6() {
		via = tr.pop6
	}
	check(t, tr.host.Route(dst, via))
}

// expect pings, and holds the path to one transit.
func expect(t *testing.T, ping *pinger, least time.Duration, through, not *transit) {
	t.Helper()
	before, idle := through.toPOP.Stats(Both).Taken, not.toPOP.Stats(Both).Taken
	for range 3 {
		if rtt := ping.ping(t); rtt < least {
			t.Errorf("round-trip time %s, want %s at least", rtt, least)
		}
	}
	if taken := through.toPOP.Stats(Both).Taken - before; taken < 6 {
		t.Errorf("%d frames through %s, want 6 at least", taken, through.host.Name())
	}
	if taken := not.toPOP.Stats(Both).Taken - idle; taken >= 6 {
		t.Errorf("%d frames through %s, want none of these", taken, not.host.Name())
	}
}

func TestDoAndPrograms(t *testing.T) {
	p := newPair(t)
	var names []string
	check(t, p.a.Do(func() error {
		interfaces, err := net.Interfaces()
		for _, i := range interfaces {
			names = append(names, i.Name)
		}
		return err
	}))
	slices.Sort(names)
	if want := []string{"b", "lo"}; !slices.Equal(names, want) {
		t.Errorf("interfaces of a: %v, want %v", names, want)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "cat", "/proc/self/net/dev")
	cmd.Stdout = &out
	if err := p.b.Run(cmd); err != nil || !strings.Contains(out.String(), " a:") {
		t.Errorf("a program on b sees no interface a: %v\n%s", err, &out)
	}
	if err := p.b.Run(exec.CommandContext(t.Context(), "/nonexistent")); err == nil {
		t.Error("a program that is not there runs")
	}
}

func TestUnprivilegedPing(t *testing.T) {
	p := newPair(t)
	for _, network := range []string{"udp4", "udp6"} {
		check(t, p.a.Do(func() error {
			conn, err := icmp.ListenPacket(network, "")
			if err == nil {
				conn.Close()
			}
			return err
		}))
	}
}

func TestParallelLinks(t *testing.T) {
	p := newPair(t)
	subnet := func(s string) netip.Prefix { return netip.MustParsePrefix(s) }
	must(p.lab.Link(p.a, subnet("10.0.0.1/30"), p.b, subnet("10.0.0.2/30")))(t)
	newPinger(t, p.a, netip.MustParseAddr("10.0.0.2")).ping(t)
}

func TestHostNames(t *testing.T) {
	lab := newLab(t)
	must(lab.Host("twice"))(t)
	for _, name := range []string{"", "sixteen-letters-", "twice", "a/b", "a b", "%d"} {
		if _, err := lab.Host(name); err == nil {
			t.Errorf("a host may be called %q", name)
		}
	}
}

func TestSelf(t *testing.T) {
	lab := newLab(t)
	self, err := lab.Self("edge")
	if !Inside() {
		if err == nil {
			t.Fatal("the machine itself became a host")
		}
		return
	}
	check(t, err)
	b := must(lab.Host("b"))(t)
	must(lab.Link(self, addrA, b, addrB))(t)
	ln := must(b.Listen(t.Context(), "tcp", "192.0.2.2:7000"))(t)
	defer ln.Close()
	conn := must(net.Dial("tcp", "192.0.2.2:7000"))(t) // not on a thread of the lab
	conn.Close()
}

// Nothing may be left of a lab: no descriptor, thread or interface holds it.
func TestCloseLeavesNothing(t *testing.T) {
	before := holdings(t)
	for range 3 {
		lab := must(New())(t)
		a := must(lab.Host("a"))(t)
		if Inside() {
			a = must(lab.Self("self"))(t)
		}
		b := must(lab.Host("b"))(t)
		link := must(lab.Link(a, addrA, b, addrB))(t)
		check(t, link.Set(Both, Impairment{Delay: time.Hour}))
		ping := newPinger(t, a, addrB.Addr())
		ping.send(t) // under way when the lab closes
		ping.conn.Close()
		check(t, lab.Close())
		check(t, lab.Close()) // a second time does nothing
		expectClosed(t, lab, a, b)
	}
	if after := holdings(t); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

// A closed lab refuses everything, and above all changes nothing elsewhere.
func expectClosed(t *testing.T, lab *Lab, a, b *Host) {
	t.Helper()
	_, hostErr := lab.Host("c")
	_, linkErr := lab.Link(a, addrA, b, addrB)
	for _, err := range []error{hostErr, linkErr, a.Assign(addrA.Addr()), a.Route(addrA, addrA.Addr()), a.Unroute(addrA)} {
		if err == nil || !strings.Contains(err.Error(), "the lab is closed") {
			t.Errorf("error %v, want one that says that the lab is closed", err)
		}
	}
}

// holdings lists this process's namespaces, kernel objects and interfaces.
func holdings(t *testing.T) (list []string) {
	for _, pattern := range []string{"/proc/self/fd/*", "/proc/self/task/*/ns/net"} {
		for _, name := range must(filepath.Glob(pattern))(t) {
			target, err := os.Readlink(name)
			if err == nil && !strings.HasPrefix(target, "/") {
				list = append(list, kind(target))
			}
		}
	}
	for _, i := range must(net.Interfaces())(t) {
		list = append(list, i.Name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// kind drops the numbers of sockets and pipes, not those of namespaces.
func kind(target string) string {
	if strings.HasPrefix(target, "net:") {
		return target
	}
	name, _, _ := strings.Cut(target, ":")
	return name
}
