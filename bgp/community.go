package bgp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
)

// Community is a community of RFC 1997, the ASN in its upper half.
type Community uint32

// Well-known communities.
const (
	Blackhole         Community = 0xFFFF029A // RFC 7999
	NoExport          Community = 0xFFFFFF01 // RFC 1997
	NoAdvertise       Community = 0xFFFFFF02
	NoExportSubconfed Community = 0xFFFFFF03
	GracefulShutdown  Community = 0xFFFF0000 // RFC 8326
	LLGRStale         Community = 0xFFFF0006 // RFC 9494
)

func (c Community) String() string {
	return strconv.Itoa(int(c>>16)) + ":" + strconv.Itoa(int(c&0xFFFF))
}

// LargeCommunity is a community of RFC 8092.
type LargeCommunity struct{ Global, Local1, Local2 uint32 }

func (c LargeCommunity) String() string {
	return fmt.Sprintf("%d:%d:%d", c.Global, c.Local1, c.Local2)
}

// ExtCommunity is an extended community of RFC 4360, as on the wire.
type ExtCommunity [8]byte

// String names route targets and route origins; anything else is shown as hexadecimal.
func (c ExtCommunity) String() string {
	name, ok := map[byte]string{0x02: "rt", 0x03: "ro"}[c[1]]
	if !ok {
		return "0x" + hex.EncodeToString(c[:])
	}
	switch c[0] & 0x3f {
	case 0x00: // two-octet AS specific
		return fmt.Sprintf("%s:%d:%d", name, binary.BigEndian.Uint16(c[2:]), binary.BigEndian.Uint32(c[4:]))
	case 0x02: // four-octet AS specific, RFC 5668
		return fmt.Sprintf("%s:%d:%d", name, binary.BigEndian.Uint32(c[2:]), binary.BigEndian.Uint16(c[6:]))
	}
	return "0x" + hex.EncodeToString(c[:])
}

// CommunityStrings prints the standard and large communities of a route, as evidence shows them.
func (a *Attrs) CommunityStrings() []string {
	out := make([]string, 0, len(a.Communities)+len(a.LargeCommunities))
	for _, c := range a.Communities {
		out = append(out, c.String())
	}
	for _, c := range a.LargeCommunities {
		out = append(out, c.String())
	}
	return out
}
