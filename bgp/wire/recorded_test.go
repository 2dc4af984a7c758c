package wire

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"peervane/bgp"
)

// unpack reads a file, unpacked.
func unpack(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(b)
	switch filepath.Ext(path) {
	case ".gz":
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	case ".bz2":
		r = bzip2.NewReader(r)
	}
	b, _ = io.ReadAll(r) // some are torn on purpose
	return b
}

// The MRT types and subtypes that hold BGP messages (RFC 6396 section 4.4, RFC 8050).
const (
	mrtBGP4MP   = 16
	mrtBGP4MPET = 17
)

// mrtMessages yields the UPDATEs of a recording: enough of MRT for that, and no more.
func mrtMessages(b []byte, yield func(p Params, body []byte)) {
	for len(b) >= 12 {
		typ, subtype, size := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]), int(binary.BigEndian.Uint32(b[8:]))
		if size > len(b)-12 {
			return
		}
		record := b[12 : 12+size]
		b = b[12+size:]
		if typ == mrtBGP4MPET && size >= 4 {
			record = record[4:]
		} else if typ != mrtBGP4MP {
			continue
		}
		p := Params{IBGP: true, Families: [bgp.NumFamilies]bool{true, true}, Extended: true}
		width := 2
		switch subtype {
		case 4, 7, 9, 11: // _AS4
			p.AS4, width = true, 4
		case 1, 6, 8, 10:
		default:
			continue
		}
		if subtype >= 8 { // RFC 8050
			p.AddPath = [bgp.NumFamilies]bool{true, true}
		}
		if message, ok := cutPeers(record, width); ok && len(message) >= HeaderLen {
			if typ, length, err := ParseHeader(message, MaxExtendedLen); err == nil && typ == TypeUpdate && length <= len(message) {
				yield(p, message[HeaderLen:length])
			}
		}
	}
}

// cutPeers skips what stands before the message: two ASNs, interface, AFI, two addresses.
func cutPeers(record []byte, width int) ([]byte, bool) {
	head := 2*width + 4
	if len(record) < head {
		return nil, false
	}
	size := 4
	if binary.BigEndian.Uint16(record[head-2:]) == bgp.IPv6.AFI() {
		size = 16
	}
	if head+2*size > len(record) {
		return nil, false
	}
	return record[head+2*size:], true
}

// badRecordings hold what is broken: a path with AS 0, and NLRI that end too early.
var badRecordings = map[string]Verdict{
	"updates.et-header.2015.gz":          TreatAsWithdraw,
	"updates.nlri_mask_trailing_bits.gz": SessionReset,
}

// TestRecorded reads what the Internet has really said, from 2002 to 2026, and holds it against gobgp's parser.
func TestRecorded(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join(testData(t, "mrt/updates"), "*"))
	var u Update
	total, discarded := 0, 0
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if info, err := os.Stat(path); testing.Short() && (err != nil || info.Size() > 100_000) {
				t.Skip("a long recording")
			}
			worst, want := OK, badRecordings[filepath.Base(path)]
			mrtMessages(unpack(t, path), func(p Params, b []byte) {
				total++
				v := p.Scan(b, &u)
				if v == AttributeDiscard {
					discarded++
				} else {
					worst = max(worst, v)
				}
				update, err := gobgpUpdate(p, b)
				agree(t, &u, v, update, err)
			})
			if worst != want {
				t.Errorf("the worst was %v, want %v", worst, want)
			}
		})
	}
	if total < 200000 && !testing.Short() || discarded > 10 {
		t.Errorf("%d messages, %d with discarded attributes", total, discarded)
	}
}
