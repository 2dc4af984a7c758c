package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Host is one host of a lab: a network namespace. It forwards packets, so every
// host is a router too.
type Host struct {
	name string
	ns   netns.NsHandle
	lo   netlink.Link
}

func newHost(name string, ns netns.NsHandle) (*Host, error) {
	h := &Host{name: name, ns: ns}
	err := h.Do(func() (err error) {
		if err := setHostSysctls(); err != nil {
			return err
		}
		if h.lo, err = netlink.LinkByName("lo"); err != nil {
			return fmt.Errorf("cannot find the loopback: %w", err)
		}
		if err := netlink.LinkSetUp(h.lo); err != nil {
			return fmt.Errorf("cannot bring the loopback up: %w", err)
		}
		return nil
	})
	return h, err
}

// Name returns the name under which the host was added.
func (h *Host) Name() string { return h.name }

// Do runs f on the calling goroutine while its thread is on this host. Sockets
// that f opens and programs that it starts are of this host for good;
// goroutines that it starts are not.
func (h *Host) Do(f func() error) error { return within(h.ns, f) }

// Start starts cmd on this host. A program that the lab's own crash would leave
// behind is killed with it, unless cmd.SysProcAttr says otherwise. The caller
// waits for cmd, and does so before Lab.Close.
func (h *Host) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	}
	return h.Do(cmd.Start)
}

// Run starts cmd on this host and waits for it.
func (h *Host) Run(cmd *exec.Cmd) error {
	if err := h.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// Dial connects from this host, as net.Dialer does. The address is literal:
// there is no name service in the lab.
func (h *Host) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = h.Do(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens on this host, as net.ListenConfig does.
func (h *Host) Listen(ctx context.Context, network, address string) (ln net.Listener, err error) {
	err = h.Do(func() (err error) {
		ln, err = new(net.ListenConfig).Listen(ctx, network, address)
		return err
	})
	return ln, err
}

// Assign adds an address to the loopback of this host, to be reached over
// routes that lead here.
func (h *Host) Assign(addr netip.Addr) error {
	err := h.Do(func() error { return assign(h.lo, netip.PrefixFrom(addr, addr.BitLen())) })
	if err != nil {
		return fmt.Errorf("host %s: cannot assign %s: %w", h.name, addr, err)
	}
	return nil
}

// Route sends what goes to dst by way of via, a neighbour's address, in place
// of the route to dst that there was, if any. It takes effect at once: no
// packet finds dst without a route in between.
func (h *Host) Route(dst netip.Prefix, via netip.Addr) error {
	route := &netlink.Route{Dst: ipNet(dst.Masked()), Gw: via.AsSlice()}
	if err := h.Do(func() error { return netlink.RouteReplace(route) }); err != nil {
		return fmt.Errorf("host %s: cannot route %s via %s: %w", h.name, dst, via, err)
	}
	return nil
}

// Unroute removes the route to dst.
func (h *Host) Unroute(dst netip.Prefix) error {
	route := &netlink.Route{Dst: ipNet(dst.Masked())}
	if err := h.Do(func() error { return netlink.RouteDel(route) }); err != nil {
		return fmt.Errorf("host %s: cannot remove the route to %s: %w", h.name, dst, err)
	}
	return nil
}

// assign adds an address to an interface of the calling thread's namespace.
func assign(link netlink.Link, addr netip.Prefix) error {
	a := &netlink.Addr{IPNet: ipNet(addr)}
	if addr.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := netlink.AddrReplace(link, a); err != nil {
		return err
	}
	return settle(addr.Addr())
}

// settle waits until the kernel takes packets to addr for the host's own. It
// finishes the addition of an IPv6 address in the background, after it has
// acknowledged it, and until then would forward them; no message marks the end
// of that.
func settle(addr netip.Addr) error {
	for range 2000 {
		routes, err := netlink.RouteGet(addr.AsSlice())
		if err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("the kernel has not taken the address up within 2 s")
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
