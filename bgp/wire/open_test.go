package wire

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

// open lays out the body of an OPEN with these optional parameters.
func open(parameters ...byte) []byte {
	return append([]byte{4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 1, byte(len(parameters))}, parameters...)
}

// openExt lays it out in the form of RFC 9072.
func openExt(size byte, parameters ...byte) []byte {
	head := []byte{4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 1, size, 255}
	return append(binary.BigEndian.AppendUint16(head, uint16(len(parameters))), parameters...)
}

// caps puts capabilities into one parameter.
func caps(b ...byte) []byte { return append([]byte{2, byte(len(b))}, b...) }

func TestParseOpen(t *testing.T) {
	role := RoleProvider
	for _, c := range []struct {
		name string
		body []byte
		want Capabilities
		asn  uint32
	}{
		{"plain", open(), Capabilities{}, 65001},
		{"one parameter", open(caps(1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 2, 0, 6, 0, 70, 0)...),
			Capabilities{HasMP: true, Families: [2]bool{true, true}, RouteRefresh: true, EnhancedRefresh: true, Extended: true}, 65001},
		{"one each", open(join(caps(1, 4, 0, 2, 0, 1), caps(2, 0), caps(65, 4, 0, 1, 0, 0))...),
			Capabilities{HasMP: true, Families: [2]bool{false, true}, RouteRefresh: true, AS4: true, ASN4: 65536}, 65536},
		{"other families only", open(caps(1, 4, 0, 1, 0, 128)...), Capabilities{HasMP: true}, 65001},
		{"graceful restart", open(caps(64, 10, 0xc0, 120, 0, 1, 1, 0x80, 0, 2, 1, 0)...),
			Capabilities{GR: &GracefulRestart{Restarting: true, N: true, Time: 120, Families: [2]GracefulFamily{{true, true}, {true, false}}}}, 65001},
		{"graceful restart twice: the last", open(caps(64, 6, 0, 9, 0, 1, 1, 0x80, 64, 2, 0x0f, 0xff)...),
			Capabilities{GR: &GracefulRestart{Time: 4095}}, 65001},
		{"ADD-PATH", open(caps(69, 12, 0, 1, 1, 2, 0, 2, 1, 3, 0, 1, 128, 1)...), Capabilities{AddPath: [2]uint8{AddPathSend, 3}}, 65001},
		{"ADD-PATH of no meaning", open(caps(69, 8, 0, 1, 1, 4, 0, 2, 1, 0)...), Capabilities{}, 65001},
		{"role", open(caps(9, 1, 0)...), Capabilities{Role: &role}, 65001},
		{"role twice", open(join(caps(9, 1, 0), caps(9, 1, 0))...), Capabilities{Role: &role}, 65001},
		{"extended next hop", open(caps(5, 12, 0, 1, 0, 128, 0, 2, 0, 1, 0, 1, 0, 2)...), Capabilities{ExtendedNextHop: true}, 65001},
		{"extended next hop of others", open(caps(5, 6, 0, 1, 0, 4, 0, 2)...), Capabilities{}, 65001},
		{"route refresh with a value", open(caps(2, 1, 9)...), Capabilities{RouteRefresh: true}, 65001},
		{"unknown, twice", open(caps(73, 3, 1, 'a', 0, 200, 0, 200, 0)...),
			Capabilities{Unknown: []Capability{{73, []byte{1, 'a', 0}}, {200, []byte{}}, {200, []byte{}}}}, 65001},
		{"4-octet ASN twice: the last", open(caps(65, 4, 0, 0, 0, 1, 65, 4, 0, 0, 0, 2)...), Capabilities{AS4: true, ASN4: 2}, 2},
		{"RFC 9072", openExt(255, 2, 0, 2, 2, 0), Capabilities{RouteRefresh: true}, 65001},
		{"RFC 9072, its old length ignored", openExt(1, 2, 0, 2, 2, 0), Capabilities{RouteRefresh: true}, 65001},
		{"RFC 9072 with nothing", openExt(255), Capabilities{}, 65001},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := ParseOpen(c.body)
			if err != nil {
				t.Fatal(err)
			}
			want := &Open{Version: 4, ASN: c.asn, HoldTime: 90, RouterID: [4]byte{192, 0, 2, 1}, Caps: c.want}
			if !reflect.DeepEqual(o, want) {
				t.Errorf("got  %+v\nwant %+v", o, want)
			}
		})
	}
}

func TestParseOpenErrors(t *testing.T) {
	change := func(at int, values ...byte) []byte {
		b := open()
		copy(b[at:], values)
		return b
	}
	for _, c := range []struct {
		name    string
		body    []byte
		subcode uint8
		data    []byte
	}{
		{"cut short", open()[:9], SubUnspecific, nil},
		{"version 3", change(0, 3), SubBadVersion, []byte{0, 4}},
		{"AS 0", change(1, 0, 0), SubBadPeerAS, nil},
		{"4-octet AS 0", open(caps(65, 4, 0, 0, 0, 0)...), SubBadPeerAS, nil},
		{"hold time 1", change(3, 0, 1), SubUnacceptableHoldTime, nil},
		{"hold time 2", change(3, 0, 2), SubUnacceptableHoldTime, nil},
		{"identifier 0", change(5, 0, 0, 0, 0), SubBadBGPID, nil},
		{"parameters shorter than said", change(9, 4), SubUnspecific, nil},
		{"parameters longer than said", append(open(), 2, 0), SubUnspecific, nil},
		{"parameter cut short", open(2, 3, 2, 0), SubUnspecific, nil},
		{"half a parameter", open(2), SubUnspecific, nil},
		{"authentication", open(1, 1, 0), SubUnsupportedParameter, nil},
		{"capability cut short", open(caps(1, 4, 0, 1, 0)...), SubUnspecific, nil},
		{"half a capability", open(caps(2, 0, 1)...), SubUnspecific, nil},
		{"multiprotocol of 3 octets", open(caps(1, 3, 0, 1, 0)...), SubUnspecific, nil},
		{"ASN of 2 octets", open(caps(65, 2, 0, 1)...), SubUnspecific, nil},
		{"graceful restart of nothing", open(caps(64, 0)...), SubUnspecific, nil},
		{"graceful restart of 3 octets", open(caps(64, 3, 0, 1, 2)...), SubUnspecific, nil},
		{"ADD-PATH of 3 octets", open(caps(69, 3, 0, 1, 1)...), SubUnspecific, nil},
		{"ADD-PATH of nothing", open(caps(69, 0)...), SubUnspecific, nil},
		{"extended next hop of 5 octets", open(caps(5, 5, 0, 1, 0, 1, 0)...), SubUnspecific, nil},
		{"role of nothing", open(caps(9, 0)...), SubUnspecific, nil},
		{"roles that contradict", open(join(caps(9, 1, 0), caps(9, 1, 3))...), SubRoleMismatch, nil},
		{"RFC 9072 shorter than said", openExt(255, 2, 0, 2, 2), SubUnspecific, nil},
		{"RFC 9072 with an old parameter", openExt(255, 2, 2, 2, 0), SubUnspecific, nil},
		{"RFC 9072, length cut short", []byte{4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 1, 255, 255, 0}, SubUnspecific, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := ParseOpen(c.body)
			if err == nil {
				t.Fatalf("accepted as %+v", o)
			}
			if err.Code != CodeOpen || err.Subcode != c.subcode || !reflect.DeepEqual(err.Data, c.data) {
				t.Errorf("%v with %v, want 2/%d with %v", err, err.Data, c.subcode, c.data)
			}
		})
	}
}

// many returns capabilities whose encoding has n bytes more than the others.
func many(n int) []Capability {
	var list []Capability
	for n > 0 {
		size := min(n, 202)
		list, n = append(list, Capability{Code: 200, Value: make([]byte, size-2)}), n-size
	}
	return list
}

func TestOpenRoundTrip(t *testing.T) {
	role := RoleCustomer
	full := Capabilities{
		HasMP: true, Families: [2]bool{true, true}, AS4: true, ASN4: 4200000000, RouteRefresh: true, EnhancedRefresh: true, Extended: true,
		ExtendedNextHop: true, AddPath: [2]uint8{AddPathReceive, AddPathReceive}, GR: &GracefulRestart{N: true, Time: 0}, Role: &role,
	}
	for _, extra := range []int{0, 150, 172, 173, 174, 175, 176, 177, 178, 400, 3000} {
		o := &Open{Version: Version, ASN: 4200000000, HoldTime: 180, RouterID: [4]byte{10, 0, 0, 1}, Caps: full}
		o.Caps.Unknown = many(extra)
		message := o.Append([]byte("before"))[len("before"):]
		typ, length, err := ParseHeader(message, MaxLen)
		if err != nil || typ != TypeOpen || length != len(message) {
			t.Fatalf("header: type %d, length %d of %d, %v", typ, length, len(message), err)
		}
		got, err := ParseOpen(message[HeaderLen:])
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, o) {
			t.Errorf("%d bytes more: got  %+v\nwant %+v", extra, got, o)
		}
		if _, err := gobgp.ParseBGPMessage(message); extra < 150 && err != nil {
			t.Errorf("gobgp refuses it: %v", err)
		}
	}
}

func TestAppendWithoutCapabilities(t *testing.T) {
	o := &Open{Version: Version, ASN: 70000, HoldTime: 90, RouterID: [4]byte{1, 1, 1, 1}}
	got, err := ParseOpen(o.Append(nil)[HeaderLen:])
	if err != nil || got.ASN != bgp.ASTrans || !reflect.DeepEqual(got.Caps, Capabilities{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWithout(t *testing.T) {
	role := RolePeer
	full := Capabilities{
		HasMP: true, Families: [2]bool{true, true}, AS4: true, ASN4: 65001, RouteRefresh: true, EnhancedRefresh: true, Extended: true,
		ExtendedNextHop: true, AddPath: [2]uint8{1, 1}, GR: &GracefulRestart{}, Role: &role, Unknown: []Capability{{Code: 200}, {Code: 201}},
	}
	rest := full
	for _, code := range []uint8{CapMultiprotocol, CapRouteRefresh, CapExtendedNextHop, CapExtendedMessage, CapRole, CapGracefulRestart,
		CapFourOctetAS, CapAddPath, CapEnhancedRefresh, 200, 201} {
		if less := full.Without(code); reflect.DeepEqual(less, full) {
			t.Errorf("capability %d is still there", code)
		}
		rest = rest.Without(code)
	}
	if len(rest.encode(65001)) != 0 {
		t.Errorf("left: %+v", rest)
	}
	if len(full.Unknown) != 2 || full.GR == nil {
		t.Error("the original changed")
	}
}

func TestGuard(t *testing.T) {
	// An MP_REACH_NLRI of three octets makes the codec read beyond its end.
	hostile := appendUpdate(nil, nil, []byte{0x80, 14, 3, 0, 1, 1}, nil)
	err := guard(func() error {
		_, err := gobgp.ParseBGPMessage(hostile)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "the codec gave up") {
		t.Errorf("%v: the codec does not panic any more, so use another message that makes it", err)
	}
	if _, err := decodeCapability(CapMultiprotocol, nil); err == nil {
		t.Error("a short capability was decoded")
	}
}
