package session

import (
	"fmt"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// noRole stands for neighbours with whom no Role is exchanged: internal ones, since the Role is for eBGP, and
// collectors, with whom there is no relationship to agree on.
const noRole = 0xff

// roles gives, by what the neighbour is to us, what we are to it (RFC 9234 section 4.1).
var roles = [...]uint8{
	bgp.Collector:   noRole,
	bgp.Provider:    wire.RoleCustomer,
	bgp.Peer:        wire.RolePeer,
	bgp.Customer:    wire.RoleProvider,
	bgp.RouteServer: wire.RoleRSClient,
	bgp.RSClient:    wire.RoleRS,
	bgp.Internal:    noRole,
}

// counterparts gives, by our role, the one that the neighbour must have (RFC 9234 table 2).
var counterparts = [...]uint8{
	wire.RoleProvider: wire.RoleCustomer,
	wire.RoleCustomer: wire.RoleProvider,
	wire.RoleRS:       wire.RoleRSClient,
	wire.RoleRSClient: wire.RoleRS,
	wire.RolePeer:     wire.RolePeer,
}

var roleNames = [...]string{
	wire.RoleProvider: "a provider",
	wire.RoleRS:       "a route server",
	wire.RoleRSClient: "a route server's client",
	wire.RoleCustomer: "a customer",
	wire.RolePeer:     "a peer",
}

func roleName(r uint8) string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role %d", r)
}

// localRole is the role that we advertise.
func (c *Config) localRole() (role uint8, ok bool) {
	if c.Role == RoleOff || c.IBGP() {
		return noRole, false
	}
	role = roles[c.Relationship]
	return role, role != noRole
}

// checkRole holds the neighbour's Role to ours: "If the Roles do not correspond, the BGP speaker MUST reject the
// connection using the Role Mismatch Notification" (RFC 9234 section 4.2). A neighbour without one is refused in
// strict mode only.
func (c *Config) checkRole(theirs *uint8) *wire.Error {
	ours, ok := c.localRole()
	switch {
	case !ok:
		return nil
	case theirs == nil && c.Role == RoleStrict:
		return openError(wire.SubRoleMismatch, nil, `the neighbour sends no BGP Role, which role = "strict" demands`)
	case theirs == nil || *theirs == counterparts[ours]:
		return nil
	}
	return openError(wire.SubRoleMismatch, nil,
		fmt.Sprintf("the neighbour says that it is %s, but with relationship = %q it must be %s",
			roleName(*theirs), c.Relationship, roleName(counterparts[ours])))
}
