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
	name := h.freeName(toward)
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = fmt.Sprintf("link%d.%d", number, side), mtu
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: name, PeerHardwareAddr: e.mac, PeerNamespace: netlink.NsFd(h.ns)}
	if err := l.nl.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("cannot make a veth pair: %w", err)
	}
	if err := e.raise(l, attrs.Name, name); err != nil {
		return nil, errors.Join(fmt.Errorf("interface %s of host %s: %w", name, h.name, err), l.nl.LinkDel(veth))
	}
	return e, nil
}

// raise brings both ends of the pair up and opens the wire.
func (e *end) raise(l *Lab, inner, name string) (err error) {
	if e.inner, err = l.nl.LinkByName(inner); err != nil {
		return err
	}
	if e.iface, err = e.host.nl.LinkByName(name); err != nil {
		return err
	}
	if err := e.host.Do(func() error { return disableOffload(name) }); err != nil {
		return err
	}
	if err := errors.Join(l.nl.LinkSetUp(e.inner), e.host.nl.LinkSetUp(e.iface)); err != nil {
		return err
	}
	return within(l.duct, func() (err error) {
		e.wire, err = openWire(e.inner.Attrs().Index)
		return err
	})
}

// freeName names an interface after the host that it leads to, and a number if
// one of that name is there.
func (h *Host) freeName(toward string) string {
	name := toward
	for n := 2; ; n++ {
		if _, err := h.nl.LinkByName(name); err != nil {
			return name
		}
		suffix := fmt.Sprintf(".%d", n)
		name = toward[:min(len(toward), maxName-len(suffix))] + suffix
	}
}

// number gives the end an address and makes the other end's known, so that no
// packet waits for a neighbour to be resolved over the delayed link.
func (e *end) number(addr netip.Prefix, neighbour netip.Addr, mac net.HardwareAddr) error {
	if err := e.host.assign(e.iface, addr); err != nil {
		return err
	}
	return e.host.nl.NeighSet(&netlink.Neigh{
		LinkIndex:    e.iface.Attrs().Index,
		State:        netlink.NUD_PERMANENT,
		IP:           neighbour.AsSlice(),
		HardwareAddr: mac,
	})
}

// close undoes build, however far that got, and waits for the relays. The
// interfaces in the hosts go with their inner ends.
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
			errs = append(errs, e.wire.close(), k.lab.nl.LinkDel(e.inner))
		}
	}
	return errors.Join(errs...)
}
