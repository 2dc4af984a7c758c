package wire

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

func header(length uint16, typ uint8) []byte {
	return append(binary.BigEndian.AppendUint16(bytes.Repeat([]byte{0xff}, 16), length), typ)
}

func TestParseHeader(t *testing.T) {
	marker := header(19, TypeKeepalive)
	marker[7] = 0xfe
	for _, c := range []struct {
		name    string
		b       []byte
		maxLen  int
		subcode uint8 // 0: sound
		data    []byte
	}{
		{"KEEPALIVE", header(19, TypeKeepalive), MaxLen, 0, nil},
		{"KEEPALIVE with a body", header(20, TypeKeepalive), MaxLen, SubBadLength, []byte{0, 20}},
		{"shorter than a header", header(18, TypeKeepalive), MaxLen, SubBadLength, []byte{0, 18}},
		{"OPEN", header(29, TypeOpen), MaxLen, 0, nil},
		{"OPEN too short", header(28, TypeOpen), MaxLen, SubBadLength, []byte{0, 28}},
		{"OPEN of 4,097 is never extended", header(4097, TypeOpen), MaxExtendedLen, SubBadLength, []byte{0x10, 1}},
		{"UPDATE", header(4096, TypeUpdate), MaxLen, 0, nil},
		{"UPDATE too short", header(22, TypeUpdate), MaxLen, SubBadLength, []byte{0, 22}},
		{"UPDATE of 4,097", header(4097, TypeUpdate), MaxLen, SubBadLength, []byte{0x10, 1}},
		{"UPDATE of 65,535, extended", header(65535, TypeUpdate), MaxExtendedLen, 0, nil},
		{"NOTIFICATION", header(21, TypeNotification), MaxLen, 0, nil},
		{"NOTIFICATION too short", header(20, TypeNotification), MaxLen, SubBadLength, []byte{0, 20}},
		{"ROUTE-REFRESH", header(23, TypeRouteRefresh), MaxLen, 0, nil},
		{"ROUTE-REFRESH too short", header(22, TypeRouteRefresh), MaxLen, SubBadLength, []byte{0, 22}},
		{"type 0", header(19, 0), MaxLen, SubBadType, []byte{0}},
		{"type 6", header(19, 6), MaxLen, SubBadType, []byte{6}},
		{"marker", marker, MaxLen, SubNotSynchronized, nil},
		{"cut short", marker[:18], MaxLen, SubBadLength, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			typ, length, err := ParseHeader(c.b, c.maxLen)
			if c.subcode == 0 {
				if err != nil || typ != c.b[18] || length != int(binary.BigEndian.Uint16(c.b[16:])) {
					t.Errorf("type %d, length %d, %v", typ, length, err)
				}
				return
			}
			if err == nil || err.Code != CodeHeader || err.Subcode != c.subcode || !bytes.Equal(err.Data, c.data) {
				t.Errorf("%v, want 1/%d with % x", err, c.subcode, c.data)
			}
		})
	}
}

func TestSmallMessages(t *testing.T) {
	refresh, _ := gobgp.NewBGPRouteRefreshMessage(2, 1, 1).Serialize()
	notification, _ := gobgp.NewBGPNotificationMessage(6, 2, []byte{2, 'o', 'k'}).Serialize()
	for name, pair := range map[string][2][]byte{
		"KEEPALIVE":     {AppendKeepalive(nil), header(19, 4)},
		"ROUTE-REFRESH": {AppendRouteRefresh(nil, bgp.IPv6, RefreshBegin), refresh},
		"NOTIFICATION":  {AppendNotification(nil, &Error{Code: 6, Subcode: 2, Data: ShutdownCommunication("ok")}), notification},
	} {
		if !bytes.Equal(pair[0], pair[1]) {
			t.Errorf("%s: % x, want % x", name, pair[0], pair[1])
		}
	}
}

func TestParseRouteRefresh(t *testing.T) {
	for _, c := range []struct {
		name   string
		body   []byte
		family bgp.Family
		known  bool
		bad    *Error
	}{
		{"IPv4", []byte{0, 1, 0, 1}, bgp.IPv4, true, nil},
		{"IPv6, BoRR", []byte{0, 2, 1, 1}, bgp.IPv6, true, nil},
		{"IPv6, EoRR", []byte{0, 2, 2, 1}, bgp.IPv6, true, nil},
		{"with ORF entries (RFC 5291)", []byte{0, 1, 0, 1, 1, 64, 0, 0}, bgp.IPv4, true, nil},
		{"VPN", []byte{0, 1, 0, 128}, 0, false, nil},
		{"AFI 0", []byte{0, 0, 0, 1}, 0, false, nil},
		{"subtype 3", []byte{0, 1, 3, 1}, bgp.IPv4, false, nil},
		{"BoRR of 5 octets", []byte{0, 1, 1, 1, 0}, 0, false, &Error{Code: CodeRouteRefresh, Subcode: SubBadRefreshLength}},
		{"cut short", []byte{0, 1, 0}, 0, false, &Error{Code: CodeHeader, Subcode: SubBadLength}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, known, subtype, err := ParseRouteRefresh(c.body)
			if c.bad != nil {
				if err == nil || err.Code != c.bad.Code || err.Subcode != c.bad.Subcode {
					t.Errorf("%v, want %d/%d", err, c.bad.Code, c.bad.Subcode)
				}
				return
			}
			if err != nil || known != c.known || known && f != c.family || subtype != c.body[2] {
				t.Errorf("%v %v %d %v", f, known, subtype, err)
			}
		})
	}
}

func TestNotificationText(t *testing.T) {
	say := func(text string) []byte { return append([]byte{byte(len(text))}, text...) }
	for _, c := range []struct {
		body []byte
		want string
	}{
		{nil, "error 0/0"},
		{[]byte{6}, "error 0/0"},
		{[]byte{6, 0}, "Cease"},
		{[]byte{6, 2}, "Cease/Administrative Shutdown"},
		{append([]byte{6, 2}, say("[TICKET-1] back at 20:00 — sorry")...), "Cease/Administrative Shutdown: [TICKET-1] back at 20:00 — sorry"},
		{append([]byte{6, 4}, say("a\x1b[2J\r\nb\u202ec\xff")...), "Cease/Administrative Reset: a [2J  b c\ufffd"},
		{append([]byte{6, 2}, 9, 'a'), "Cease/Administrative Shutdown: 0961"},
		{append([]byte{6, 2}, 0), "Cease/Administrative Shutdown"},
		{append([]byte{6, 2}, 2, 'o', 'k', 'n', 'o'), "Cease/Administrative Shutdown: ok"},
		{[]byte{6, 1, 0, 1, 1, 0, 0, 0, 100}, "Cease/Maximum Number of Prefixes Reached: AFI 1, SAFI 1, limit 100"},
		{[]byte{6, 9, 6, 2, 2, 'h', 'i'}, "Cease/Hard Reset: Cease/Administrative Shutdown: hi"},
		{[]byte{6, 9}, "Cease/Hard Reset"},
		{[]byte{6, 9, 6, 9, 6, 9}, "Cease/Hard Reset: 06090609"},
		{[]byte{6, 10}, "Cease/BFD Down"},
		{[]byte{2, 1, 0, 4}, "OPEN Message Error/Unsupported Version Number: supports version 4"},
		{[]byte{2, 7, 9, 1, 0, 69, 4, 0, 1, 1, 1}, "OPEN Message Error/Unsupported Capability: capability codes [9 69]"},
		{[]byte{2, 11}, "OPEN Message Error/Role Mismatch"},
		{[]byte{2, 99}, "OPEN Message Error/99"},
		{[]byte{2, 8}, "OPEN Message Error/8"},
		{[]byte{4, 0}, "Hold Timer Expired"},
		{[]byte{5, 3}, "Finite State Machine Error/Unexpected Message in Established"},
		{[]byte{200, 3}, "error 200/3"},
		{append([]byte{3, 9}, make([]byte, 40)...), "UPDATE Message Error/Optional Attribute Error: " + strings.Repeat("00", 32) + "..."},
	} {
		if got := ParseNotification(c.body).Text(); got != c.want {
			t.Errorf("% x: %q, want %q", c.body, got, c.want)
		}
	}
}

func TestHardReset(t *testing.T) {
	shutdown := &Error{Code: CodeCease, Subcode: SubAdminShutdown, Data: ShutdownCommunication("bye")}
	n := ParseNotification(AppendNotification(nil, HardReset(shutdown))[HeaderLen:])
	if inner, ok := n.HardReset(); !ok || inner.Code != CodeCease || inner.Subcode != SubAdminShutdown || inner.Text() != "Cease/Administrative Shutdown: bye" {
		t.Errorf("%v %v", inner, ok)
	}
	if _, ok := (Notification{Code: CodeCease, Subcode: SubAdminReset}).HardReset(); ok {
		t.Error("an administrative reset is no Hard Reset by itself")
	}
	if inner, ok := (Notification{Code: CodeCease, Subcode: SubHardReset, Data: []byte{1}}).HardReset(); !ok || inner.Code != 0 {
		t.Error("a Hard Reset that is cut short is one all the same")
	}
}

func TestShutdownCommunication(t *testing.T) {
	for _, text := range []string{"", "bye", strings.Repeat("x", 300), strings.Repeat("é", 200), "x" + strings.Repeat("é", 200), "a\xffb"} {
		b := ShutdownCommunication(text)
		if int(b[0]) != len(b)-1 || !utf8.Valid(b[1:]) || len(b) > 256 {
			t.Errorf("%q: length octet %d of %d bytes, valid %v", text, b[0], len(b)-1, utf8.Valid(b[1:]))
		}
	}
	if b := ShutdownCommunication(strings.Repeat("é", 200)); len(b) != 255 {
		t.Errorf("a character was cut, or room wasted: %d bytes", len(b))
	}
}

func TestNotificationIsCut(t *testing.T) {
	message := AppendNotification(nil, &Error{Code: 3, Subcode: 1, Data: make([]byte, 60000)})
	if len(message) != MaxLen {
		t.Errorf("%d bytes", len(message))
	}
}

func TestUnsupportedCapabilities(t *testing.T) {
	n := Notification{Code: CodeOpen, Subcode: SubUnsupportedCapability, Data: []byte{9, 1, 0, 69, 4, 0, 1, 1, 1, 64, 9}}
	if got := n.UnsupportedCapabilities(); !reflect.DeepEqual(got, []uint8{9, 69}) {
		t.Errorf("%v", got)
	}
	if got := (Notification{Code: CodeOpen, Data: []byte{9, 0}}).UnsupportedCapabilities(); got != nil {
		t.Errorf("%v of another error", got)
	}
}

func TestErrorText(t *testing.T) {
	err := &Error{Code: CodeOpen, Subcode: SubBadPeerAS, Reason: "AS 0 (RFC 7607)"}
	if got, want := err.Error(), "OPEN Message Error/Bad Peer AS (2/2): AS 0 (RFC 7607)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
