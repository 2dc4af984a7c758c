package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/gopacket"
	"golang.org/x/sys/unix"

	"peervane/probe/netlab"
)

// tracks is a way of three routers to a host, 2 ms a link.
type tracks struct {
	hosts []*netlab.Host // from the prober to the target
	links []*netlab.Link
}

var (
	traceAddrs4 = []string{"10.81.1.2", "10.81.2.2", "10.81.3.2", "10.81.4.2"} // of the far end of each link
	traceAddrs6 = []string{"fd81:1::2", "fd81:2::2", "fd81:3::2", "fd81:4::2"}
)

func newTracks(t *testing.T) *tracks {
	t.Helper()
	lab, err := netlab.New()
	if err != nil {
		lacking(t, "cannot make network namespaces (needs root)", err)
	}
	t.Cleanup(func() { must(t, lab.Close()) })
	k := &tracks{}
	for _, name := range []string{"prober", "r1", "r2", "r3", "target"} {
		h, err := lab.Host(name)
		must(t, err)
		must(t, h.Do(func() error {
			setSysctl(t, "net/ipv4/icmp_ratemask", "0")
			setSysctl(t, "net/ipv6/icmp/ratelimit", "0")
			return nil
		}))
		k.hosts = append(k.hosts, h)
	}
	near := func(far string) string { return far[:len(far)-1] + "1" }
	for i := range k.hosts[1:] {
		link, err := lab.Link(k.hosts[i], netip.MustParsePrefix(near(traceAddrs4[i])+"/24"), k.hosts[i+1], netip.MustParsePrefix(traceAddrs4[i]+"/24"))
		must(t, err)
		must(t, link.Number(netip.MustParsePrefix(near(traceAddrs6[i])+"/64"), netip.MustParsePrefix(traceAddrs6[i]+"/64")))
		must(t, link.Set(netlab.Both, netlab.Impairment{Delay: time.Millisecond}))
		k.links = append(k.links, link)
	}
	for i, h := range k.hosts {
		for _, addrs := range [][]string{traceAddrs4, traceAddrs6} {
			bits := map[bool]string{true: "/64", false: "/24"}[addrs[0] == traceAddrs6[0]]
			for j := range addrs {
				dst := netip.MustParsePrefix(addrs[j] + bits).Masked()
				switch {
				case j > i:
					must(t, h.Route(dst, netip.MustParseAddr(addrs[i])))
				case j < i-1:
					must(t, h.Route(dst, netip.MustParseAddr(near(addrs[i-1]))))
				}
			}
		}
	}
	return k
}

func (k *tracks) trace(t *testing.T, target Target) (out Trace) {
	t.Helper()
	must(t, k.hosts[0].Do(func() (err error) {
		out, err = TraceRoute(t.Context(), target)
		return err
	}))
	return out
}

// hops tells the addresses alone.
func (tr Trace) hops() (out []string) {
	for _, h := range tr.Hops {
		if !h.Addr.IsValid() {
			out = append(out, "")
			continue
		}
		out = append(out, h.Addr.String())
	}
	return out
}

// The way is found hop by hop, over both families, with ICMP from ping and from raw sockets, and with UDP.
func TestTraceRoute(t *testing.T) {
	k := newTracks(t)
	for _, way := range []struct {
		name, ping, uses string
		method           Method
	}{
		{"ping socket", "0 0", "icmp", ICMP}, {"raw socket", "1 0", "icmp", ICMP}, {"udp", "1 0", "udp", TCP(443)},
	} {
		for family, addrs := range map[string][]string{"ipv4": traceAddrs4, "ipv6": traceAddrs6} {
			t.Run(way.name+"/"+family, func(t *testing.T) {
				must(t, k.hosts[0].Do(func() error { setSysctl(t, "net/ipv4/ping_group_range", way.ping); return nil }))
				got := k.trace(t, Target{POP: "p", Addr: netip.MustParseAddr(addrs[3]), Method: way.method})
				expect(t, got.hops(), addrs)
				expect(t, got.Reached, true)
				expect(t, got.Method, way.uses)
				for i, h := range got.Hops {
					if least := time.Duration(i+1) * 2 * time.Millisecond; h.RTT < least {
						t.Errorf("hop %d after %v, which is faster than %v", i+1, h.RTT, least)
					}
				}
			})
		}
	}
}

// A router that stays silent is a gap; a black hole, and one that says so, are the end.
func TestTraceThatDoesNotArrive(t *testing.T) {
	k := newTracks(t)
	target := Target{POP: "p", Addr: netip.MustParseAddr(traceAddrs4[3]), Method: ICMP}
	must(t, k.hosts[2].Do(func() error {
		setSysctl(t, "net/ipv4/icmp_ratemask", "6168")
		setSysctl(t, "net/ipv4/icmp_ratelimit", "3600000")
		return nil
	}))
	k.trace(t, target) // which takes what the second router may say in an hour
	got := k.trace(t, target)
	expect(t, got.hops(), []string{traceAddrs4[0], "", traceAddrs4[2], traceAddrs4[3]})
	expect(t, got.Reached, true)

	must(t, k.links[3].Set(netlab.AtoB, netlab.Impairment{Blackhole: true}))
	got = k.trace(t, target)
	expect(t, got.hops(), []string{traceAddrs4[0], "", traceAddrs4[2]})
	expect(t, got.Reached, false)

	must(t, k.hosts[1].Unroute(netip.MustParsePrefix("10.81.4.0/24")))
	got = k.trace(t, target)
	expect(t, got.hops(), []string{traceAddrs4[0]})
	expect(t, got.Reached, false)
}

// No packet of a trace differs from the others in a field that routers may choose among equal paths by.
func TestTraceHasOneFlow(t *testing.T) {
	var sum uint16
	cookie := make([]byte, traceBytes)
	copy(cookie[2:], "a cookie as good as another one")
	for seq := range uint16(5000) {
		binary.BigEndian.PutUint16(cookie, ^seq)
		packet, err := echo{id: 77, seq: seq, cookie: cookie}.encode(gopacket.NewSerializeBuffer(), false)
		must(t, err)
		if got := binary.BigEndian.Uint16(packet[2:]); seq == 0 {
			sum = got
		} else if got != sum {
			t.Fatalf("packet %d has the checksum %#x, the first one %#x", seq, got, sum)
		}
	}
}

// What a router quotes may be short, and what comes late is of another packet.
func TestTraceTakesItsOwnAnswers(t *testing.T) {
	exceeded := queued{origin: unix.SO_EE_ORIGIN_ICMP, icmpType: icmp4TimeExceeded, offender: netip.MustParseAddr("192.0.2.1")}
	if a := exceeded.judge(); a == nil || a.arrived {
		t.Error("turned away on the way")
	}
	refused := queued{origin: unix.SO_EE_ORIGIN_ICMP, icmpType: icmp4Unreachable, icmpCode: 3}
	if a := refused.judge(); a == nil || !a.arrived {
		t.Error("as far as packets get")
	}
	stamp := queued{origin: unix.SO_EE_ORIGIN_TIMESTAMPING, stamp: 1}
	if stamp.judge() != nil {
		t.Error("a stamp is no answer")
	}
}

func TestTraceEndsWithItsContext(t *testing.T) {
	k := newTracks(t)
	must(t, k.links[0].Set(netlab.Both, netlab.Impairment{Blackhole: true}))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	must(t, k.hosts[0].Do(func() error {
		if _, err := TraceRoute(ctx, Target{Addr: netip.MustParseAddr(traceAddrs4[3]), Method: ICMP}); err == nil || err.Error() != "enough" {
			t.Errorf("error %v", err)
		}
		return nil
	}))
}
