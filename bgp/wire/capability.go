package wire

import "peervane/bgp"

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
	ASN4            uint32
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

// Without gives the capabilities less one, for the retry after an Unsupported Capability (RFC 5492 section 3).
func (c Capabilities) Without(code uint8) Capabilities { panic("unimplemented") }
