package wire

import "fmt"

// Error is an error that ends the session: it becomes the NOTIFICATION. Functions here return the concrete type;
// compare it with nil before it is put into an error interface.
type Error struct {
	Code, Subcode uint8
	Data          []byte
	Reason        string // for people; never sent
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (%d/%d): %s", codeName(e.Code, e.Subcode), e.Code, e.Subcode, e.Reason)
}

// Error codes of NOTIFICATION (RFC 4271 section 4.5, RFC 7313).
const (
	CodeHeader       uint8 = 1
	CodeOpen         uint8 = 2
	CodeUpdate       uint8 = 3
	CodeHoldTimer    uint8 = 4
	CodeFSM          uint8 = 5
	CodeCease        uint8 = 6
	CodeRouteRefresh uint8 = 7
)

// Subcodes of CodeHeader.
const (
	SubNotSynchronized uint8 = 1
	SubBadLength       uint8 = 2
	SubBadType         uint8 = 3
)

// Subcodes of CodeOpen.
const (
	SubUnspecific            uint8 = 0
	SubBadVersion            uint8 = 1
	SubBadPeerAS             uint8 = 2
	SubBadBGPID              uint8 = 3
	SubUnsupportedParameter  uint8 = 4
	SubUnacceptableHoldTime  uint8 = 6
	SubUnsupportedCapability uint8 = 7  // RFC 5492
	SubRoleMismatch          uint8 = 11 // RFC 9234
)

// Subcodes of CodeUpdate. RFC 7606 leaves few of them in use.
const (
	SubMalformedAttributes   uint8 = 1
	SubUnrecognizedWellKnown uint8 = 2
	SubMissingWellKnown      uint8 = 3
	SubAttributeFlags        uint8 = 4
	SubAttributeLength       uint8 = 5
	SubOptionalAttribute     uint8 = 9
	SubInvalidNetworkField   uint8 = 10
)

// Subcodes of CodeFSM (RFC 6608): the state in which an unexpected message came.
const (
	SubInOpenSent    uint8 = 1
	SubInOpenConfirm uint8 = 2
	SubInEstablished uint8 = 3
)

// Subcodes of CodeCease (RFC 4486, 8538, 9384).
const (
	SubMaxPrefixes         uint8 = 1
	SubAdminShutdown       uint8 = 2
	SubPeerDeconfigured    uint8 = 3
	SubAdminReset          uint8 = 4
	SubConnectionRejected  uint8 = 5
	SubOtherConfigChange   uint8 = 6
	SubConnectionCollision uint8 = 7
	SubOutOfResources      uint8 = 8
	SubHardReset           uint8 = 9
	SubBFDDown             uint8 = 10
)

// SubBadRefreshLength is the one subcode of CodeRouteRefresh (RFC 7313 section 5).
const SubBadRefreshLength uint8 = 1

// codeNames are the names of IANA's registry of BGP error codes, by code and subcode.
var codeNames = [...]struct {
	name string
	sub  []string
}{
	CodeHeader: {"Message Header Error", []string{
		1: "Connection Not Synchronized", 2: "Bad Message Length", 3: "Bad Message Type",
	}},
	CodeOpen: {"OPEN Message Error", []string{
		1: "Unsupported Version Number", 2: "Bad Peer AS", 3: "Bad BGP Identifier", 4: "Unsupported Optional Parameter",
		5: "Authentication Failure", 6: "Unacceptable Hold Time", 7: "Unsupported Capability", 11: "Role Mismatch",
	}},
	CodeUpdate: {"UPDATE Message Error", []string{
		1: "Malformed Attribute List", 2: "Unrecognized Well-known Attribute", 3: "Missing Well-known Attribute",
		4: "Attribute Flags Error", 5: "Attribute Length Error", 6: "Invalid ORIGIN Attribute", 7: "AS Routing Loop",
		8: "Invalid NEXT_HOP Attribute", 9: "Optional Attribute Error", 10: "Invalid Network Field", 11: "Malformed AS_PATH",
	}},
	CodeHoldTimer: {"Hold Timer Expired", nil},
	CodeFSM: {"Finite State Machine Error", []string{
		1: "Unexpected Message in OpenSent", 2: "Unexpected Message in OpenConfirm", 3: "Unexpected Message in Established",
	}},
	CodeCease: {"Cease", []string{
		1: "Maximum Number of Prefixes Reached", 2: "Administrative Shutdown", 3: "Peer De-configured",
		4: "Administrative Reset", 5: "Connection Rejected", 6: "Other Configuration Change",
		7: "Connection Collision Resolution", 8: "Out of Resources", 9: "Hard Reset", 10: "BFD Down",
	}},
	CodeRouteRefresh: {"ROUTE-REFRESH Message Error", []string{1: "Invalid Message Length"}},
}

// codeName names an error as people know it; what has no name shows its number.
func codeName(code, sub uint8) string {
	if int(code) >= len(codeNames) || codeNames[code].name == "" {
		return fmt.Sprintf("error %d/%d", code, sub)
	}
	known := codeNames[code]
	switch {
	case int(sub) < len(known.sub) && known.sub[sub] != "":
		return known.name + "/" + known.sub[sub]
	case sub != 0:
		return fmt.Sprintf("%s/%d", known.name, sub)
	}
	return known.name
}
