package daemon

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

// mrt writes MRT files.
type mrt struct {
	b  []byte
	at time.Time
}

var collected = netip.MustParseAddr("192.0.2.1")

func (m *mrt) record(typ, subtype uint16, body []byte) *mrt {
	m.b = binary.BigEndian.AppendUint32(m.b, uint32(m.at.Unix()))
	m.b = binary.BigEndian.AppendUint16(m.b, typ)
	m.b = binary.BigEndian.AppendUint16(m.b, subtype)
	m.b = binary.BigEndian.AppendUint32(m.b, uint32(len(body)))
	m.b = append(m.b, body...)
	return m
}

func mrtEnds(asn uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, asn)
	b = append(b, 0, 0, 0xfc, 0, 0, 0, 0, 1)
	return append(append(b, collected.AsSlice()...), 192, 0, 2, 254)
}

func (m *mrt) update(peer uint32, announced, withdrawn string, path ...uint32) *mrt {
	return m.record(16, 4, append(mrtEnds(peer), updateOf(announced, withdrawn, path...)...))
}

// rib writes a dump of one peer with one route.
func (m *mrt) rib(peer uint32, prefix string, path ...uint32) *mrt {
	index := append([]byte{192, 0, 2, 254, 0, 0, 0, 1, 2, 0, 0, 0, 0}, collected.AsSlice()...)
	m.record(13, 1, binary.BigEndian.AppendUint32(index, peer))
	p := netip.MustParsePrefix(prefix)
	attrs := []byte{0x40, 1, 1, 0, 0x40, 2, byte(2 + 4*len(path)), 2, byte(len(path))}
	for _, asn := range path {
		attrs = binary.BigEndian.AppendUint32(attrs, asn)
	}
	attrs = append(attrs, 0x40, 3, 4, 198, 51, 100, 1)
	b := append([]byte{0, 0, 0, 0, byte(p.Bits())}, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
	b = append(b, 0, 1, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(attrs)))
	return m.record(13, 2, append(b, attrs...))
}

func updateOf(announced, withdrawn string, path ...uint32) []byte {
	nlri := func(s string) []wire.NLRI {
		if s == "" {
			return nil
		}
		return []wire.NLRI{{Prefix: netip.MustParsePrefix(s)}}
	}
	a := &bgp.Attrs{Path: bgp.Sequence(path...), NextHop: netip.MustParseAddr("198.51.100.1")}
	p := wire.Params{AS4: true, Extended: true, Families: [bgp.NumFamilies]bool{true, true}}
	return wire.AppendUpdate(nil, p, a, nlri(announced), nlri(withdrawn))
}

// put renames the file into place.
func (m *mrt) put(t *testing.T, dir, name string) {
	t.Helper()
	hidden := filepath.Join(dir, "."+name)
	if err := os.WriteFile(hidden, m.b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(hidden, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
