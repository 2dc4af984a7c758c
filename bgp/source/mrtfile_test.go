package source

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// mrtFile builds an MRT file.
type mrtFile struct {
	bytes []byte
	at    time.Time // of the next record; zero is t0
}

func (m *mrtFile) record(typ, subtype uint16, body []byte) {
	if m.at.IsZero() {
		m.at = t0
	}
	if typ == mrtBGP4MPET {
		body = append(binary.BigEndian.AppendUint32(nil, uint32(m.at.Nanosecond()/1000)), body...)
	}
	b := binary.BigEndian.AppendUint32(m.bytes, uint32(m.at.Unix()))
	b = binary.BigEndian.AppendUint16(b, typ)
	b = binary.BigEndian.AppendUint16(b, subtype)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	m.bytes = append(b, body...)
}

func (m *mrtFile) peerIndex(addr string, asn uint32) {
	a := netip.MustParseAddr(addr)
	b := []byte{192, 0, 2, 254, 0, 0, 0, 1}
	kind := byte(peerHas4OctetASN)
	if a.Is6() {
		kind |= peerIsIPv6
	}
	b = append(append(b, kind, 0, 0, 0, 0), a.AsSlice()...)
	m.record(mrtTableDumpV2, subPeerIndexTable, binary.BigEndian.AppendUint32(b, asn))
}

func (m *mrtFile) rib(prefix string, path ...uint32) {
	p := netip.MustParsePrefix(prefix)
	attrs := ribAttrs(path)
	sub := uint16(subIPv4Unicast)
	if p.Addr().Is6() {
		sub = subIPv6Unicast
	}
	b := append([]byte{0, 0, 0, 0, byte(p.Bits())}, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
	b = append(b, 0, 1, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(attrs)))
	m.record(mrtTableDumpV2, sub, append(b, attrs...))
}

func (m *mrtFile) ribIPv6(prefix string) { m.rib(prefix, 64500) }

func ribAttrs(path []uint32) []byte {
	b := []byte{0x40, 1, 1, 0, 0x40, 2, byte(2 + 4*len(path)), 2, byte(len(path))}
	for _, asn := range path {
		b = binary.BigEndian.AppendUint32(b, asn)
	}
	return append(b, 0x40, 3, 4, 198, 51, 100, 1)
}

var recordedPeer = mrtPeer{netip.MustParseAddr("192.0.2.1"), 64500}

// ends is what stands before a message or a state of BGP4MP.
func ends(peer mrtPeer) []byte {
	b := binary.BigEndian.AppendUint32(nil, peer.asn)
	b = append(b, 0, 0, 0xfc, 0, 0, 0, 0, 1)
	return append(append(b, peer.addr.AsSlice()...), 192, 0, 2, 254)
}

func (m *mrtFile) update(announced, withdrawn string, path ...uint32) {
	m.message(recordedPeer, update(announced, withdrawn, path...))
}

func (m *mrtFile) message(peer mrtPeer, message []byte) {
	m.record(mrtBGP4MPET, subMessageAS4, append(ends(peer), message...))
}

func (m *mrtFile) state(from, to uint16) {
	b := binary.BigEndian.AppendUint16(ends(recordedPeer), from)
	m.record(mrtBGP4MP, subStateChangeAS4, binary.BigEndian.AppendUint16(b, to))
}

func update(announced, withdrawn string, path ...uint32) []byte {
	nlri := func(s string) []wire.NLRI {
		if s == "" {
			return nil
		}
		return []wire.NLRI{{Prefix: netip.MustParsePrefix(s)}}
	}
	a := &bgp.Attrs{Path: bgp.Sequence(path...), NextHop: netip.MustParseAddr("198.51.100.1")}
	return wire.AppendUpdate(nil, recordedParams(true, false, recordedPeer), a, nlri(announced), nlri(withdrawn))
}

// write puts the file under a name of its own folder.
func (m *mrtFile) write(t testing.TB, name string) string {
	return writeFile(t, name, m.bytes)
}

func writeFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
