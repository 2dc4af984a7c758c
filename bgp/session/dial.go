package session

import (
	"context"
	"net"
	"net/netip"
)

// dialTCP opens a connection to the neighbour. MPTCP is off: on its sockets neither TCP MD5 nor GTSM can be set.
func (c *Config) dialTCP(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Control: c.control}
	d.SetMultipathTCP(false)
	if c.LocalAddr.IsValid() {
		local := c.LocalAddr
		if c.linkLocal() && local.IsLinkLocalUnicast() {
			local = local.WithZone(c.Interface)
		}
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d.DialContext(ctx, "tcp", c.remote().String())
}

// addrPort is an address of a connection, mapped IPv4 made plain; not valid for what is no TCP.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
