package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"peervane/bgp"
)

// frame is one packet, and the connection that it belongs to: 0 where the link is not understood.
type frame struct {
	data       []byte
	connection uint64
}

// packetReader is what pcap and pcapng readers have in common.
type packetReader interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	LinkType() layers.LinkType
}

func openCapture(t *testing.T, path string) packetReader {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := pcapgo.NewReader(bytes.NewReader(b)); err == nil {
		return r
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return r
}

// frames reads the packets of a pcap or pcapng file, some of which are cut on purpose.
func frames(t *testing.T, path string) (list []frame) {
	r := openCapture(t, path)
	for {
		data, _, err := r.ReadPacketData()
		if err != nil {
			return list
		}
		f := frame{data: data}
		p := gopacket.NewPacket(data, r.LinkType(), gopacket.NoCopy)
		if n, t := p.NetworkLayer(), p.TransportLayer(); n != nil && t != nil {
			f.connection = n.NetworkFlow().FastHash() ^ t.TransportFlow().FastHash()
		}
		list = append(list, f)
	}
}

// captured is one message of a capture, with what its session had agreed upon.
type captured struct {
	typ    uint8
	body   []byte
	params Params
}

// readCapture finds the whole messages that begin in each packet, whatever link and addresses it has.
func readCapture(t *testing.T, path string, old bool) (list []captured) {
	marker := bytes.Repeat([]byte{0xff}, 16)
	talks := make(map[uint64]*talk)
	for _, f := range frames(t, path) {
		if talks[f.connection] == nil {
			talks[f.connection] = &talk{params: Params{IBGP: true, Families: [bgp.NumFamilies]bool{true, true}, AS4: !old}}
		}
		at := bytes.Index(f.data, marker)
		for at >= 0 && at+HeaderLen <= len(f.data) {
			typ, length, err := ParseHeader(f.data[at:], MaxExtendedLen)
			if err != nil || at+length > len(f.data) {
				break
			}
			m := captured{typ: typ, body: f.data[at+HeaderLen : at+length]}
			talks[f.connection].hear(m)
			m.params = talks[f.connection].params
			list = append(list, m)
			at += length
		}
	}
	return list
}

// talk follows the two OPENs of a connection.
type talk struct {
	last   *Open
	params Params
}

func (s *talk) hear(m captured) {
	if m.typ != TypeOpen {
		return
	}
	o, err := ParseOpen(m.body)
	if err != nil {
		return
	}
	if s.last != nil {
		a, b := s.last.Caps, o.Caps
		s.params.AS4 = a.AS4 && b.AS4
		for _, f := range bgp.Families {
			s.params.AddPath[f] = a.AddPath[f]&AddPathSend != 0 && b.AddPath[f]&AddPathReceive != 0 ||
				b.AddPath[f]&AddPathSend != 0 && a.AddPath[f]&AddPathReceive != 0
		}
	}
	s.last = o
}

var (
	// oldCaptures are of 2-octet sessions whose OPENs are not in them.
	oldCaptures = []string{"4-byte_AS_numbers_Mixed_Scenario.cap", "BGP_soft_reset.cap", "bgp-aigp-2.pcap", "bgp-rt-prefix.pcap",
		"mpbgp-linklocal-nexthop.pcap", "bgp-addpath.pcap", "bgp_vpn_attrset.pcap"}
	// badCaptures are broken, on purpose or by BGPsec (RFC 8205), which has no AS_PATH.
	badCaptures = map[string]Verdict{
		"bgp-addpath.pcap":                           SessionReset, // MP_REACH_NLRI well-known
		"bgp_pmsi_tunnel-oobr.pcap":                  SessionReset,
		"bgp_vpn_rt-oobr.pcap":                       SessionReset,
		"bgp-bgpsec.pcap":                            TreatAsWithdraw,
		"bgpsec_invalid_signature_block_length.pcap": TreatAsWithdraw,
	}
)

func captures(t *testing.T) (paths []string) {
	all, err := filepath.Glob(filepath.Join(testData(t, "pcap"), "*"))
	if err != nil || len(all) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	return slices.DeleteFunc(all, func(path string) bool { return !strings.Contains(filepath.Ext(path), "cap") })
}

// TestCaptures holds that what real routers say is sound, and what is broken is judged.
func TestCaptures(t *testing.T) {
	total := 0
	for _, path := range captures(t) {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			list := readCapture(t, path, slices.Contains(oldCaptures, name))
			total += len(list)
			worst := OK
			for i, m := range list {
				v, why := judge(m)
				if v > badCaptures[name] {
					t.Errorf("message %d, type %d: %v", i, m.typ, why)
				}
				worst = max(worst, v)
			}
			if worst != badCaptures[name] {
				t.Errorf("the worst was %v, want %v", worst, badCaptures[name])
			}
		})
	}
	if total < 200 {
		t.Errorf("only %d messages were found", total)
	}
}

func judge(m captured) (v Verdict, why any) {
	var err *Error
	switch m.typ {
	case TypeUpdate:
		var u Update
		v = m.params.Scan(m.body, &u)
		return v, u.Faults()
	case TypeOpen:
		_, err = ParseOpen(m.body)
	case TypeRouteRefresh:
		_, _, _, err = ParseRouteRefresh(m.body)
	}
	if err != nil {
		return SessionReset, err
	}
	return OK, nil
}
