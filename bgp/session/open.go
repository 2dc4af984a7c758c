package session

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// Negotiated is what both sides agreed on.
type Negotiated struct {
	wire.Params
	HoldTime        time.Duration // 0 = the session is never judged by silence
	PeerRouterID    netip.Addr
	RouteRefresh    bool                  // RFC 2918
	EnhancedRefresh bool                  // RFC 7313
	GR              *wire.GracefulRestart // the neighbour's; nil where either side does without
	PeerRole        *uint8                // the neighbour's Role (RFC 9234); nil where it sent none, or was not asked
	LocalAddr       netip.AddrPort
	PeerAddr        netip.AddrPort
}

// KeepsRoutes says whether the neighbour listed a family for graceful restart.
func (n *Negotiated) KeepsRoutes() bool {
	if n.GR == nil {
		return false
	}
	for _, f := range n.GR.Families {
		if f.Listed {
			return true
		}
	}
	return false
}

// capabilities are all those that we offer a neighbour.
func (c *Config) capabilities() wire.Capabilities {
	caps := wire.Capabilities{
		HasMP: true, AS4: true, ASN4: c.LocalASN, RouteRefresh: true, EnhancedRefresh: true, Extended: true,
	}
	if role, ok := c.localRole(); ok {
		caps.Role = &role
	}
	for _, f := range c.Families {
		caps.Families[f] = true
		if c.AddPath {
			caps.AddPath[f] = wire.AddPathReceive
		}
	}
	// Over an IPv6 session IPv4 routes may come with IPv6 next hops; to a monitor any next hop is welcome.
	caps.ExtendedNextHop = caps.Families[bgp.IPv4] && c.Addr.Is6()
	if c.GracefulRestart {
		// No families: "the sender is not capable of preserving its forwarding state ... but supports procedures for
		// the Receiving Speaker" (RFC 4724 section 3). The restart time is ours, and means nothing then.
		caps.GR = &wire.GracefulRestart{N: true}
	}
	return caps
}

// open is our OPEN with these capabilities.
func (c *Config) open(caps wire.Capabilities) *wire.Open {
	return &wire.Open{
		Version:  wire.Version,
		ASN:      c.LocalASN,
		HoldTime: uint16(c.HoldTime / time.Second),
		RouterID: c.RouterID.As4(),
		Caps:     caps,
	}
}

func openError(subcode uint8, data []byte, reason string) *wire.Error {
	return &wire.Error{Code: wire.CodeOpen, Subcode: subcode, Data: data, Reason: reason}
}

// negotiate judges the neighbour's OPEN against the configuration (RFC 4271 section 6.2) and finds what both sides
// have in common. Syntax, version and zeros were judged when it was parsed.
func (c *Config) negotiate(offer *wire.Capabilities, o *wire.Open) (*Negotiated, *wire.Error) {
	if err := c.judgeOpen(o); err != nil {
		return nil, err
	}
	n := &Negotiated{
		Params: wire.Params{
			AS4: offer.AS4 && o.Caps.AS4, IBGP: c.IBGP(), Extended: offer.Extended && o.Caps.Extended,
			PeerASN: c.ASN, LocalASN: c.LocalASN, Role: c.Relationship,
		},
		HoldTime:        min(c.HoldTime, time.Duration(o.HoldTime)*time.Second),
		PeerRouterID:    netip.AddrFrom4(o.RouterID),
		RouteRefresh:    offer.RouteRefresh && o.Caps.RouteRefresh,
		EnhancedRefresh: offer.EnhancedRefresh && o.Caps.EnhancedRefresh,
	}
	ours, theirs := families(offer), families(&o.Caps)
	common := false
	for _, f := range c.Families {
		n.Families[f] = ours[f] && theirs[f]
		n.AddPath[f] = n.Families[f] && offer.AddPath[f]&wire.AddPathReceive != 0 && o.Caps.AddPath[f]&wire.AddPathSend != 0
		common = common || n.Families[f]
	}
	if !common {
		return nil, c.noFamily()
	}
	if offer.GR != nil {
		n.GR = o.Caps.GR
	}
	if _, ok := c.localRole(); ok {
		n.PeerRole = o.Caps.Role
	}
	return n, nil
}

func (c *Config) judgeOpen(o *wire.Open) *wire.Error {
	switch {
	case o.ASN != c.ASN:
		return openError(wire.SubBadPeerAS, nil, fmt.Sprintf("the neighbour is AS%d, not AS%d", o.ASN, c.ASN))
	case o.RouterID == [4]byte{}:
		return openError(wire.SubBadBGPID, nil, "the neighbour's BGP Identifier is zero")
	case c.IBGP() && o.RouterID == c.RouterID.As4():
		// "the BGP Identifier ... is the same as the one of the local BGP speaker and the message is from an internal
		// peer" (RFC 6286 section 2.2)
		return openError(wire.SubBadBGPID, nil, "the neighbour has our own router_id: give each its own")
	case o.HoldTime == 1 || o.HoldTime == 2:
		return openError(wire.SubUnacceptableHoldTime, nil, "the neighbour's hold time is under 3 seconds")
	}
	return c.checkRole(o.Caps.Role)
}

// families are those that an OPEN speaks for: without any Multiprotocol capability that is IPv4 unicast.
func families(c *wire.Capabilities) [bgp.NumFamilies]bool {
	if !c.HasMP {
		return [bgp.NumFamilies]bool{bgp.IPv4: true}
	}
	return c.Families
}

// noFamily names, as RFC 5492 section 5 wants, the capabilities whose absence ends the session.
func (c *Config) noFamily() *wire.Error {
	var data []byte
	for _, f := range c.Families {
		data = append(data, wire.CapMultiprotocol, 4)
		data = binary.BigEndian.AppendUint16(data, f.AFI())
		data = append(data, 0, 1) // reserved, unicast
	}
	return openError(wire.SubUnsupportedCapability, data, fmt.Sprintf("no address family in common: ours are %v", c.Families))
}
