package main

import (
	"errors"
	"net/netip"
	"time"

	"peervane/probe/netlab"
)

// The one-way delays of the miniature internet: 12 ms there and back by the direct way to the POP, 50 by the detour. What is
// leaked goes there through the leaker and transit B, and comes back by the direct way: 44 ms.
const (
	delayDirect = 6 * time.Millisecond  // transit A to the POP
	delayAcross = 11 * time.Millisecond // transit A to transit B
	delayDetour = 14 * time.Millisecond // transit B to the POP
	delayLeaker = 12 * time.Millisecond // the leaker to each transit
)

// popAddress is the point of presence that is probed.
const popAddress = "198.51.100.1"

// demoInternet is what lies behind the edge: transit A and B, joined with each other, the POP behind both, and a customer of
// both, who should carry nothing between them.
type demoInternet struct {
	a, b, pop, customer *netlab.Host
	direct              *netlab.Link // transit A to the POP
}

// newDemoInternet makes this program the edge host of a lab.
func newDemoInternet(lab *netlab.Lab) (*demoInternet, error) {
	b := demoBuilder{lab: lab}
	edge := b.add(lab.Self("edge"))
	in := &demoInternet{a: b.add(lab.Host("as64500")), b: b.add(lab.Host("as64501")), pop: b.add(lab.Host("par1")), customer: b.add(lab.Host("as64510"))}
	b.link(edge, "192.0.2.1/30", in.a, "192.0.2.2/30", 0)
	b.link(edge, "192.0.2.5/30", in.b, "192.0.2.6/30", 0)
	in.direct = b.link(in.a, "192.0.2.9/30", in.pop, "192.0.2.10/30", delayDirect)
	b.link(in.a, "192.0.2.13/30", in.b, "192.0.2.14/30", delayAcross)
	b.link(in.b, "192.0.2.17/30", in.pop, "192.0.2.18/30", delayDetour)
	b.link(in.a, "192.0.2.21/30", in.customer, "192.0.2.22/30", delayLeaker)
	b.link(in.b, "192.0.2.25/30", in.customer, "192.0.2.26/30", delayLeaker)
	b.do(func() error { return in.pop.Assign(netip.MustParseAddr(popAddress)) })
	b.route(edge, popPrefix, "192.0.2.2")
	b.route(in.b, popPrefix, "192.0.2.18")
	b.route(in.b, edgePrefix, "192.0.2.13")
	b.route(in.customer, popPrefix, "192.0.2.25")
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

// leak has transit A believe its customer, and send what is for the POP through it.
func (in *demoInternet) leak() error { return demoRoute(in.a, popPrefix, "192.0.2.22") }

// restore gives the direct way back.
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
