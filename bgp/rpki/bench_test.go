package rpki

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// manyVRPs makes as many as the RPKI holds today, with a like spread.
func manyVRPs(n int) []VRP {
	out := make([]VRP, n)
	for i := range out {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(i)*5003<<8)
		p := netip.PrefixFrom(netip.AddrFrom4(b), 20+i%5).Masked()
		out[i] = VRP{p, uint8(p.Bits() + i%3), uint32(64496 + i/3)}
	}
	return sortVRPs(out)
}

const today = 700_000

func BenchmarkNewSet(b *testing.B) {
	vrps := manyVRPs(today)
	b.ReportAllocs()
	for b.Loop() {
		NewSet(vrps, nil)
	}
}

func BenchmarkCompare(b *testing.B) {
	vrps := manyVRPs(today)
	before, after := NewSet(vrps, nil), NewSet(slices.Concat(vrps[:1000], vrps[2000:]), nil)
	for b.Loop() {
		Compare(before, after)
	}
}

func BenchmarkVerifyOrigin(b *testing.B) {
	set, p := NewSet(manyVRPs(today), nil), netip.MustParsePrefix("10.20.30.0/24")
	for b.Loop() {
		set.VerifyOrigin(p, 64496)
	}
}

func BenchmarkLoad(b *testing.B) {
	var records [][]byte
	for _, v := range manyVRPs(today) {
		records = append(records, encodeVRP(2, v, true))
	}
	stream := load(2, 7, 1, records...)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		in, talk := newPDUReader(bytes.NewReader(stream)), conversation{version: 2}
		talk.query()
		for talk.held == nil {
			p, err := in.next()
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := talk.receive(&p, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
