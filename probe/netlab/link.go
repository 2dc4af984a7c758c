package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
)

// Direction is one direction of a link, or Both.
type Direction uint8

// The ends of a link are A and B in the order in which Lab.Link was given them.
const (
	AtoB Direction = 1 << iota
	BtoA
	Both = AtoB | BtoA
)

// Link joins two hosts.
type Link struct {
	lab    *Lab
	ends   [2]*end
	pipes  []*pipe // A to B, B to A
	relays sync.WaitGroup
}

// end is one end of a link: an interface of a host, and the other end of its
// veth pair, where the relay sits.
type end struct {
	host  *Host
	mac   net.HardwareAddr
	iface netlink.Link // in the host
	inner netlink.Link // in the lab's duct
	wire  *wire
}

// Link joins a and b with a link that neither delays nor loses anything yet.
// Each end gets an interface named after the other host, with its address; both
// addresses are of one subnet and family. Number adds more.
func (l *Lab) Link(a *Host, addrA netip.Prefix, b *Host, addrB netip.Prefix) (*Link, error) {
	k := &Link{lab: l}
	err := k.build(a, b)
	if err == nil {
		err = k.Number(addrA, addrB)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("link %s to %s: %w", a.name, b.name, err), k.close())
	}
	l.links = append(l.links, k)
	for _, p := range k.pipes {
		k.relays.Go(p.run)
	}
	return k, nil
}

// Number adds a further pair of addresses to the two ends, such as those of the
// other family.
func (k *Link) Number(addrA, addrB netip.Prefix) error {
	if addrA.Masked() != addrB.Masked() {
		return fmt.Errorf("%s and %s are not of one subnet: give both ends addresses of the same", addrA, addrB)
	}
	addrs := [2]netip.Prefix{addrA, addrB}
	for i, e := range k.ends {
		other := k.ends[1-i]
		err := e.host.Do(func() error { return e.number(addrs[i], addrs[1-i].Addr(), other.mac) })
		if err != nil {
			return fmt.Errorf("host %s: cannot assign %s: %w", e.host.name, addrs[i], err)
		}
	}
	return nil
}

// Set changes what the link does to frames that enter it from now on. Those
// under way keep their times.
func (k *Link) Set(d Direction, imp Impairment) error {
	if err := imp.check(); err != nil {
		return err
	}
	for _, p := range k.of(d) {
		p.imp.Store(&imp)
	}
	return nil
}

// Stats counts the frames of a direction, or of both together.
func (k *Link) Stats(d Direction) (sum Stats) {
	for _, p := range k.of(d) {
		sum = sum.plus(p.stats.read())
	}
	return sum
}

func (k *Link) of(d Direction) (pipes []*pipe) {
	for i, p := range k.pipes {
		if d&(1<<i) != 0 {
			pipes = append(pipes, p)
		}
	}
	return pipes
}
