package session

import (
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
)

// What to do with the BGP Role (RFC 9234).
const (
	RoleAuto   = "auto"   // send and check it; a neighbour may do without
	RoleStrict = "strict" // a neighbour without is refused
	RoleOff    = "off"    // neither send nor check it
)

// Config is one neighbour. It is plain data; a Session never changes its own copy.
type Config struct {
	Name            string
	Addr            netip.Addr // the neighbour
	Interface       string     // VRF device, or the interface of a link-local address
	Port            uint16     // 0 = 179
	LocalAddr       netip.Addr // not valid = the system's choice
	LocalASN        uint32
	ASN             uint32
	RouterID        netip.Addr // ours: an IPv4 address, not 0.0.0.0
	Relationship    bgp.Relationship
	Role            string        // RoleAuto, RoleStrict, RoleOff; empty = RoleAuto
	HoldTime        time.Duration // 0, or whole seconds from 3 to 65,535
	ConnectRetry    time.Duration // the longest pause between our own attempts, and the longest attempt; 0 = 30s
	Passive         bool
	TTL             int    // 0 = the system's
	GTSMHops        int    // RFC 5082; 1 = directly connected; 0 = off
	Password        string // TCP MD5 (RFC 2385), at most 80 bytes
	Families        []bgp.Family
	AddPath         bool // ask to receive several paths (RFC 7911)
	GracefulRestart bool // help a neighbour that restarts (RFC 4724)
}

// IBGP says whether the neighbour is of our own AS.
func (c *Config) IBGP() bool { return c.ASN == c.LocalASN }

// needsMultiprotocol says whether no route could be had without the capability: it is then never left out.
func (c *Config) needsMultiprotocol() bool { return !slices.Contains(c.Families, bgp.IPv4) }

// remote is the address to dial; a link-local one has its interface as zone.
func (c *Config) remote() netip.AddrPort {
	addr, port := c.Addr, c.Port
	if c.linkLocal() && c.Interface != "" {
		addr = addr.WithZone(c.Interface)
	}
	if port == 0 {
		port = Port
	}
	return netip.AddrPortFrom(addr, port)
}

// linkLocal says whether the neighbour's address means something only on Interface.
func (c *Config) linkLocal() bool { return c.Addr.Is6() && c.Addr.IsLinkLocalUnicast() }

// connectRetry is ConnectRetry with its default.
func (c *Config) connectRetry() time.Duration {
	if c.ConnectRetry <= 0 {
		return 30 * time.Second
	}
	return c.ConnectRetry
}

// Port is where BGP listens (RFC 4271 section 4).
const Port = 179
