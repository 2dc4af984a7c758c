package daemon

import (
	"net"
	"net/netip"

	"peervane/probe"
)

// probing is what is probed now.
type probing struct {
	targets []probe.Target
	locals  map[netip.Addr]netip.Addr // which source address the system chooses for those without one
}

// localsOf asks the system which address it would send from. A UDP socket that is connected tells, and sends nothing.
func localsOf(targets []probe.Target) map[netip.Addr]netip.Addr {
	locals := map[netip.Addr]netip.Addr{}
	for _, t := range targets {
		if _, known := locals[t.Addr]; known || t.Source.IsValid() || t.Interface != "" {
			continue
		}
		const discard = 9 // any port will do
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.Addr, discard)))
		if err != nil {
			continue // there is no way to it now
		}
		locals[t.Addr] = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
		conn.Close()
	}
	return locals
}
