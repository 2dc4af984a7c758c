package source

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/session"
	"peervane/bgp/wire"
)

// fullTable makes the UPDATEs of a table: one for each attribute set, five prefixes each, one in six IPv6.
func fullTable(p wire.Params, updates int) (messages [][]byte, routes int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range updates {
		path := make([]uint32, 3+rnd.IntN(4))
		for j := range path {
			path[j] = 1 + rnd.Uint32N(75_000)
		}
		v6 := i%6 == 0
		a := &bgp.Attrs{Path: bgp.Sequence(path...), NextHop: netip.MustParseAddr("198.51.100.1")}
		if v6 {
			a.NextHop = netip.MustParseAddr("2001:db8::1")
		}
		nlri := make([]wire.NLRI, 5)
		for j := range nlri {
			nlri[j].Prefix = randomPrefix(rnd, v6)
		}
		b := wire.AppendUpdate(nil, p, a, nlri, nil)
		messages = append(messages, b[wire.HeaderLen:])
		routes += len(nlri)
	}
	return messages, routes
}

func randomPrefix(rnd *rand.Rand, v6 bool) netip.Prefix {
	if v6 {
		a := [16]byte{0x20, 1}
		binary.BigEndian.PutUint32(a[2:], rnd.Uint32())
		return netip.PrefixFrom(netip.AddrFrom16(a), 29+rnd.IntN(20)).Masked()
	}
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], rnd.Uint32())
	return netip.PrefixFrom(netip.AddrFrom4(a), 16+rnd.IntN(9)).Masked()
}

func benchmarkPeer(b *testing.B, full bool) {
	neg := session.Negotiated{Params: wire.Params{AS4: true, PeerASN: 64500, LocalASN: 64512, Families: [bgp.NumFamilies]bool{true, true}}}
	messages, routes := fullTable(neg.Params, 240_000)
	var before, after runtime.MemStats
	var mapped int64
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		p := newPeer(PeerConfig{
			Vantage: &bgp.Vantage{Name: "bench"}, Full: full, Watched: rib.NewWatched(watchedNets, nil),
		}, nil, nil, zap.NewNop())
		p.SetLeakJudge(leaksOf(1), 50)
		p.judgeAgain(t0)
		p.Established(neg, t0)
		for _, body := range messages {
			if err := p.Update(body, t0.Add(time.Second)); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		mapped = p.pages.mapped.Load()
		p.release()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(routes), "ns/route")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc+uint64(mapped))/1e6, "MB")
}

func BenchmarkPeerFull(b *testing.B)    { benchmarkPeer(b, true) }
func BenchmarkPeerWatched(b *testing.B) { benchmarkPeer(b, false) }
