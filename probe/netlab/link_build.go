package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// build makes the interfaces, the sockets on their inner ends and the pipes
// between these.
func (k *Link) build(a, b *Host) error {
	number := len(k.lab.links)
	for i, hosts := range [2][2]*Host{{a, b}, {b, a}} {
		e, err := k.lab.newEnd(hosts[0], hosts[1].name, number, i)
		if err != nil {
			return err
		}
		k.ends[i] = e
	}
	for i := range k.ends {
		p, err := newPipe(k.ends[i].wire, k.ends[1-i].wire, uint64(2*number+i))
		if err != nil {
			return err
		}
		k.pipes = append(k.pipes, p)
	}
	return nil
}

// newEnd makes the veth pair of one end (side 0 or 1) of a link.
func (l *Lab) newEnd(h *Host, toward string, number, side int) (*end, error) {
	e := &end{host: h, mac: net.HardwareAddr{0x02, 'l', 'a', byte(number >> 8), byte(number), byte(side)}}
	name, err := h.freeName(toward)
	if err != nil {
		return nil, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = fmt.Sprintf("link%d.%d", number, side), mtu
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: name, PeerHardwareAddr: e.mac, PeerNamespace: netlink.NsFd(h.ns)}
	if err := within(l.duct, func() error { return e.makeInner(veth) }); err != nil {
		return nil, fmt.Errorf("cannot make a veth pair: %w", err)
	}
	if err := h.Do(func() error { return e.raise(name) }); err != nil {
		return nil, errors.Join(fmt.Errorf("interface %s of host %s: %w", name, h.name, err), e.close(l))
	}
	return e, nil
}

// makeInner makes the pair and brings its inner end up, with a socket on it. The
// calling thread is in the duct. The inner end comes first: an outer one that
// comes up after it has a carrier and is ready at once.
func (e *end) makeInner(veth *netlink.Veth) (err error) {
	if err := netlink.LinkAdd(veth); err != nil {
		return err
	}
	e.inner = veth
	if err = netlink.LinkSetUp(veth); err == nil {
		e.wire, err = openWire(veth.Attrs().Index)
	}
	if err != nil {
		return errors.Join(err, netlink.LinkDel(veth))
	}
	return nil
}

// raise brings the outer end up. The calling thread is in the host.
func (e *end) raise(name string) (err error) {
	if e.iface, err = netlink.LinkByName(name); err != nil {
		return err
	}
	if err := disableOffload(name); err != nil {
		return err
	}
	return netlink.LinkSetUp(e.iface)
}

// freeName names an interface after the host that it leads to, and a number if
// one of that name is there.
func (h *Host) freeName(toward string) (name string, err error) {
	taken := map[string]bool{}
	err = h.Do(func() error {
		links, err := netlink.LinkList()
		for _, l := range links {
			taken[l.Attrs().Name] = true
		}
		return err
	})
	name = toward
	for n := 2; taken[name]; n++ {
		suffix := fmt.Sprintf(".%d", n)
		name = toward[:min(len(toward), maxName-len(suffix))] + suffix
	}
	return name, err
}

// number gives the end an address and makes the other end's known, so that no
// packet waits for a neighbour to be resolved over the delayed link. The calling
// thread is in the host.
func (e *end) number(addr netip.Prefix, neighbour netip.Addr, mac net.HardwareAddr) error {
	if err := assign(e.iface, addr); err != nil {
		return err
	}
	return netlink.NeighSet(&netlink.Neigh{
		LinkIndex:    e.iface.Attrs().Index,
		State:        netlink.NUD_PERMANENT,
		IP:           neighbour.AsSlice(),
		HardwareAddr: mac,
	})
}

// close undoes newEnd. The interface in the host goes with the inner end.
func (e *end) close(l *Lab) error {
	return errors.Join(e.wire.close(), within(l.duct, func() error { return netlink.LinkDel(e.inner) }))
}

// close undoes build, however far that got, and waits for the relays.
func (k *Link) close() error {
	var errs []error
	for _, p := range k.pipes {
		errs = append(errs, p.end())
	}
	k.relays.Wait()
	for _, p := range k.pipes {
		errs = append(errs, p.close())
	}
	for _, e := range k.ends {
		if e != nil {
			errs = append(errs, e.close(k.lab))
		}
	}
	return errors.Join(errs...)
}
