package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"peervane/probe/netlab"
)

// The one-way delays of the miniature internet: 12 ms there and back by the direct way to the POP, 50 by the detour.
const (
	delayDirect = 6 * time.Millisecond  // transit A to the POP
	delayAcross = 11 * time.Millisecond // transit A to transit B
	delayDetour = 14 * time.Millisecond // transit B to the POP
)

// popAddress is the point of presence that is probed.
const popAddress = "198.51.100.1"

// demoStage is where the demo plays: two transit networks with a BGP router each, and, in the miniature internet, what
// lies behind them.
type demoStage struct {
	transits [2]*demoTransit
	lab      *netlab.Lab   // nil: none
	internet *demoInternet // in the lab; nil: none, and so no latency
}

// close removes what was made. The routers have ended by then, if they ever began.
func (s *demoStage) close() error {
	for _, t := range s.transits {
		if t != nil {
			t.listener.Close()
		}
	}
	if s.lab == nil {
		return nil
	}
	return s.lab.Close()
}

// demoTransit is the router of a transit network, and where it waits for our session.
type demoTransit struct {
	*router
	name     string
	listener net.Listener
}

// newLoopbackStage has the routers alone, at loopback addresses of their own.
func newLoopbackStage(ctx context.Context) (*demoStage, error) {
	stage := &demoStage{}
	var lc net.ListenConfig
	for i := range stage.transits {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + i)}), 0)
		if err := stage.place(i, addr, func(a string) (net.Listener, error) { return lc.Listen(ctx, "tcp", a) }); err != nil {
			return nil, errors.Join(err, stage.close())
		}
	}
	return stage, nil
}

// newLabStage builds the miniature internet around this program.
func newLabStage(ctx context.Context) (*demoStage, error) {
	lab, err := netlab.New()
	if err != nil {
		return nil, err
	}
	stage := &demoStage{lab: lab}
	if stage.internet, err = newDemoInternet(lab); err != nil {
		return nil, errors.Join(err, stage.close())
	}
	for i, host := range []*netlab.Host{stage.internet.a, stage.internet.b} {
		addr := netip.AddrPortFrom(netip.MustParseAddr(demoTransits[i].addr), bgpPort)
		if err := stage.place(i, addr, func(a string) (net.Listener, error) { return host.Listen(ctx, "tcp", a) }); err != nil {
			return nil, errors.Join(err, stage.close())
		}
	}
	return stage, nil
}

// place puts the router of a transit network where we can reach it.
func (s *demoStage) place(i int, addr netip.AddrPort, listen func(address string) (net.Listener, error)) error {
	t := demoTransits[i]
	listener, err := listen(addr.String())
	if err != nil {
		return fmt.Errorf("router of AS%d: %w", t.asn, err)
	}
	s.transits[i] = &demoTransit{newRouter(t.asn, addr.Addr()), t.name, listener}
	return nil
}

const bgpPort = 179

// demoTransits are our two transit networks, in the order of demoStage.transits, with their addresses on the links to us.
var demoTransits = [2]struct {
	name string
	asn  uint32
	addr string
}{
	{"transit-a", 64500, "192.0.2.2"},
	{"transit-b", 64501, "192.0.2.6"},
}

// demoInternet is what lies behind the edge: transit A and B, joined with each other, and the POP behind both.
type demoInternet struct {
	a, b, pop *netlab.Host
	direct    *netlab.Link // transit A to the POP
}

// newDemoInternet makes this program the edge host of a lab.
func newDemoInternet(lab *netlab.Lab) (*demoInternet, error) {
	b := demoBuilder{lab: lab}
	edge := b.add(lab.Self("edge"))
	in := &demoInternet{a: b.add(lab.Host("as64500")), b: b.add(lab.Host("as64501")), pop: b.add(lab.Host("par1"))}
	b.link(edge, "192.0.2.1/30", in.a, "192.0.2.2/30", 0)
	b.link(edge, "192.0.2.5/30", in.b, "192.0.2.6/30", 0)
	in.direct = b.link(in.a, "192.0.2.9/30", in.pop, "192.0.2.10/30", delayDirect)
	b.link(in.a, "192.0.2.13/30", in.b, "192.0.2.14/30", delayAcross)
	b.link(in.b, "192.0.2.17/30", in.pop, "192.0.2.18/30", delayDetour)
	b.do(func() error { return in.pop.Assign(netip.MustParseAddr(popAddress)) })
	b.route(edge, popPrefix, "192.0.2.2")
	b.route(in.b, popPrefix, "192.0.2.18")
	b.route(in.b, edgePrefix, "192.0.2.13")
	b.do(in.restore)
	return in, b.err
}

// The networks that packets to and from the POP are routed by; probes leave from the edge's address on the link to transit A.
const (
	popPrefix  = "198.51.100.0/24"
	edgePrefix = "192.0.2.0/30"
)

// fail takes the direct way to the POP from transit A, which goes round by transit B from then on, both ways.
func (in *demoInternet) fail() error {
	return errors.Join(
		demoRoute(in.a, popPrefix, "192.0.2.14"),
		demoRoute(in.pop, edgePrefix, "192.0.2.17"),
		in.direct.Set(netlab.Both, netlab.Impairment{Blackhole: true}),
	)
}

// restore gives it back.
func (in *demoInternet) restore() error {
	return errors.Join(
		in.direct.Set(netlab.Both, netlab.Impairment{Delay: delayDirect}),
		demoRoute(in.pop, edgePrefix, "192.0.2.9"),
		demoRoute(in.a, popPrefix, "192.0.2.10"),
	)
}

func demoRoute(h *netlab.Host, dst, via string) error {
	return h.Route(netip.MustParsePrefix(dst), netip.MustParseAddr(via))
}

// demoBuilder does nothing more once something has failed.
type demoBuilder struct {
	lab *netlab.Lab
	err error
}

func (b *demoBuilder) add(h *netlab.Host, err error) *netlab.Host {
	if b.err == nil {
		b.err = err
	}
	return h
}

func (b *demoBuilder) do(f func() error) {
	if b.err == nil {
		b.err = f()
	}
}

func (b *demoBuilder) route(h *netlab.Host, dst, via string) {
	b.do(func() error { return demoRoute(h, dst, via) })
}

func (b *demoBuilder) link(x *netlab.Host, addrX string, y *netlab.Host, addrY string, delay time.Duration) (k *netlab.Link) {
	b.do(func() (err error) {
		k, err = b.lab.Link(x, netip.MustParsePrefix(addrX), y, netip.MustParsePrefix(addrY))
		return err
	})
	b.do(func() error { return k.Set(netlab.Both, netlab.Impairment{Delay: delay}) })
	return k
}
