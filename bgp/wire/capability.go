package wire

import (
	"slices"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

// Capability codes.
const (
	CapMultiprotocol   uint8 = 1  // RFC 4760
	CapRouteRefresh    uint8 = 2  // RFC 2918
	CapExtendedNextHop uint8 = 5  // RFC 8950
	CapExtendedMessage uint8 = 6  // RFC 8654
	CapRole            uint8 = 9  // RFC 9234
	CapGracefulRestart uint8 = 64 // RFC 4724, RFC 8538
	CapFourOctetAS     uint8 = 65 // RFC 6793
	CapAddPath         uint8 = 69 // RFC 7911
	CapEnhancedRefresh uint8 = 70 // RFC 7313
)

// Values of the Role capability (RFC 9234 section 4.1): what its sender is.
const (
	RoleProvider uint8 = 0
	RoleRS       uint8 = 1
	RoleRSClient uint8 = 2
	RoleCustomer uint8 = 3
	RolePeer     uint8 = 4
)

// Send/Receive values of the ADD-PATH capability (RFC 7911 section 4); both is their sum.
const (
	AddPathReceive uint8 = 1
	AddPathSend    uint8 = 2
)

// Capabilities are those that an OPEN advertises (RFC 5492).
type Capabilities struct {
	HasMP           bool                  // any Multiprotocol capability was there; without, IPv4 unicast is meant
	Families        [bgp.NumFamilies]bool // by Multiprotocol capability
	AS4             bool
	ASN4            uint32 // as received; Append takes the ASN of the OPEN
	RouteRefresh    bool
	EnhancedRefresh bool
	Extended        bool // RFC 8654
	ExtendedNextHop bool // IPv4 unicast with IPv6 next hops (RFC 8950)
	AddPath         [bgp.NumFamilies]uint8
	GR              *GracefulRestart
	Role            *uint8
	Unknown         []Capability // every other, in order
}

// Capability is one capability as it stands on the wire.
type Capability struct {
	Code  uint8
	Value []byte
}

// GracefulRestart is the capability of RFC 4724 with the N bit of RFC 8538.
type GracefulRestart struct {
	Restarting bool   // R: its sender has just restarted
	N          bool   // it keeps routes over a NOTIFICATION too
	Time       uint16 // seconds, at most 4095
	Families   [bgp.NumFamilies]GracefulFamily
}

// GracefulFamily says how a family fares over a restart.
type GracefulFamily struct {
	Listed     bool
	Forwarding bool // F: forwarding state was kept
}

// Flags of the Graceful Restart capability as gobgp keeps them: R and N above the restart time, F before a family.
const (
	flagRestarting   = 0x08
	flagNotification = 0x04
	flagForwarding   = 0x80
)

// parse reads the value of one Capabilities parameter. Several parameters may come, and several capabilities of one
// kind (RFC 5492 section 4): families add up, of anything else the last stands, and Roles must agree.
func (c *Capabilities) parse(b []byte) *Error {
	for len(b) > 0 {
		code, value, rest, ok := cutTLV(b, 1)
		if !ok {
			return openError(SubUnspecific, nil, "a capability is cut short")
		}
		if !soundCapability(code, len(value)) {
			return openError(SubUnspecific, nil, "capability %d has a value of %d bytes", code, len(value))
		}
		if err := c.add(code, value); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// soundCapability knows the lengths of the values that are read. A capability that is a mere flag may carry anything.
func soundCapability(code uint8, size int) bool {
	switch code {
	case CapMultiprotocol, CapFourOctetAS:
		return size == 4
	case CapRole:
		return size == 1
	case CapGracefulRestart:
		return size%4 == 2
	case CapAddPath:
		return size%4 == 0 && size > 0
	case CapExtendedNextHop:
		return size%6 == 0
	}
	return true
}

// add takes in one capability whose length is sound. Those that gobgp's codec does not know are read here.
func (c *Capabilities) add(code uint8, value []byte) *Error {
	switch code {
	case CapRole:
		return c.addRole(value[0])
	case CapExtendedMessage:
		c.Extended = true
		return nil
	}
	decoded, err := decodeCapability(code, value)
	if err != nil {
		return openError(SubUnspecific, nil, "capability %d: %v", code, err)
	}
	switch d := decoded.(type) {
	case *gobgp.CapMultiProtocol:
		c.HasMP = true
		if f, ok := familyOf(gobgp.RouteFamilyToAfiSafi(d.CapValue)); ok {
			c.Families[f] = true
		}
	case *gobgp.CapFourOctetASNumber:
		c.AS4, c.ASN4 = true, d.CapValue
	case *gobgp.CapRouteRefresh:
		c.RouteRefresh = true
	case *gobgp.CapEnhancedRouteRefresh:
		c.EnhancedRefresh = true
	case *gobgp.CapExtendedNexthop:
		c.addNextHops(d)
	case *gobgp.CapAddPath:
		c.addPaths(d)
	case *gobgp.CapGracefulRestart:
		c.addGracefulRestart(d)
	default:
		c.Unknown = append(c.Unknown, Capability{code, slices.Clone(value)})
	}
	return nil
}

// addRole refuses Roles that contradict each other (RFC 9234 section 4.2).
func (c *Capabilities) addRole(role uint8) *Error {
	if c.Role != nil && *c.Role != role {
		return openError(SubRoleMismatch, nil, "two BGP Roles, %d and %d, in one OPEN", *c.Role, role)
	}
	c.Role = &role
	return nil
}

func (c *Capabilities) addNextHops(d *gobgp.CapExtendedNexthop) {
	for _, t := range d.Tuples {
		if t.NLRIAFI == bgp.IPv4.AFI() && t.NLRISAFI == safiUnicast && t.NexthopAFI == bgp.IPv6.AFI() {
			c.ExtendedNextHop = true
		}
	}
}

// addPaths passes over values that RFC 7911 section 4 does not define.
func (c *Capabilities) addPaths(d *gobgp.CapAddPath) {
	for _, t := range d.Tuples {
		mode := uint8(t.Mode)
		if f, ok := familyOf(gobgp.RouteFamilyToAfiSafi(t.RouteFamily)); ok && mode <= AddPathReceive|AddPathSend && mode != 0 {
			c.AddPath[f] = mode
		}
	}
}

// addGracefulRestart replaces an earlier one: of several the last counts (RFC 4724 section 3).
func (c *Capabilities) addGracefulRestart(d *gobgp.CapGracefulRestart) {
	gr := &GracefulRestart{
		Restarting: d.Flags&flagRestarting != 0,
		N:          d.Flags&flagNotification != 0,
		Time:       d.Time,
	}
	for _, t := range d.Tuples {
		if f, ok := familyOf(t.AFI, t.SAFI); ok {
			gr.Families[f] = GracefulFamily{Listed: true, Forwarding: t.Flags&flagForwarding != 0}
		}
	}
	c.GR = gr
}

// Without gives the capabilities less one, for the retry after an Unsupported Capability (RFC 5492 section 3).
func (c Capabilities) Without(code uint8) Capabilities {
	switch code {
	case CapMultiprotocol:
		c.HasMP, c.Families = false, [bgp.NumFamilies]bool{}
	case CapRouteRefresh:
		c.RouteRefresh = false
	case CapExtendedNextHop:
		c.ExtendedNextHop = false
	case CapExtendedMessage:
		c.Extended = false
	case CapRole:
		c.Role = nil
	case CapGracefulRestart:
		c.GR = nil
	case CapFourOctetAS:
		c.AS4, c.ASN4 = false, 0
	case CapAddPath:
		c.AddPath = [bgp.NumFamilies]uint8{}
	case CapEnhancedRefresh:
		c.EnhancedRefresh = false
	}
	c.Unknown = slices.DeleteFunc(slices.Clone(c.Unknown), func(k Capability) bool { return k.Code == code })
	return c
}
