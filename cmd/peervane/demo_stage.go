package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"peervane/probe/netlab"
)

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
