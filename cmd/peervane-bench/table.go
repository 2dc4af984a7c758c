package main

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// table is what each peer sends: a full table as UPDATEs, one for each attribute set, as routers send them. All peers send
// the same prefixes; each puts its own ASN first in the paths.
type table struct {
	stream  []byte // whole messages, heads[i] bytes into it stands an ASN that is the peer's own
	heads   []int
	routes  [bgp.NumFamilies]int
	updates int
	sets    []set
	last    netip.Prefix // of the last UPDATE: who shows it has all
}

// set is one attribute set and the prefixes that share it.
type set struct {
	attrs    *bgp.Attrs
	prefixes []netip.Prefix
}

// marker stands for the peer's ASN until it is known. No path holds it otherwise.
const marker = 0xfade_d0d0

// speaks is what every session agrees on.
var speaks = wire.Params{AS4: true, Families: [bgp.NumFamilies]bool{true, true}}

var nextHops = [bgp.NumFamilies]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}

func newTable(sets []set, last netip.Prefix) *table {
	t := &table{last: last, sets: sets}
	for _, s := range sets {
		t.add(s)
	}
	t.add(set{&bgp.Attrs{Path: bgp.Sequence(marker, transits[0], firstASN)}, []netip.Prefix{last}})
	for _, f := range bgp.Families {
		t.stream = wire.AppendEndOfRIB(t.stream, f)
	}
	return t
}

func (t *table) add(s set) {
	family := bgp.FamilyOf(s.prefixes[0])
	s.attrs.NextHop = nextHops[family]
	nlri := make([]wire.NLRI, len(s.prefixes))
	for i, p := range s.prefixes {
		nlri[i].Prefix = p
	}
	from := len(t.stream)
	t.stream = wire.AppendUpdate(t.stream, speaks, s.attrs, nlri, nil)
	var mark [4]byte
	binary.BigEndian.PutUint32(mark[:], marker)
	for {
		at := bytes.Index(t.stream[from:], mark[:])
		if at < 0 {
			break
		}
		t.heads = append(t.heads, from+at)
		from += at + len(mark)
		t.updates++
	}
	t.routes[family] += len(s.prefixes)
}

// of is the stream of the peer with this ASN.
func (t *table) of(asn uint32) []byte {
	out := bytes.Clone(t.stream)
	for _, at := range t.heads {
		binary.BigEndian.PutUint32(out[at:], asn)
	}
	return out
}

func (t *table) total() int { return t.routes[bgp.IPv4] + t.routes[bgp.IPv6] }

// sample gives n prefixes of the table, evenly spread, and the last one.
func (t *table) sample(n int) []netip.Prefix {
	out := []netip.Prefix{t.last}
	for i := range n - 1 {
		out = append(out, t.sets[i*len(t.sets)/n].prefixes[0])
	}
	return out
}

// The ASNs: a few networks that carry most paths, and the many.
const (
	firstASN = 100_000
	manyASNs = 75_000
)

var transits = []uint32{3356, 1299, 174, 2914, 6453, 3257, 6762, 3491, 6461, 5511}

// lengths are the shares of the prefix lengths in the global tables, in tenths of a per cent.
var lengths = [bgp.NumFamilies]map[int]int{
	bgp.IPv4: {24: 595, 23: 100, 22: 112, 21: 52, 20: 45, 19: 26, 18: 15, 17: 9, 16: 14, 15: 2, 14: 1, 13: 1, 25: 10, 26: 8, 29: 10},
	bgp.IPv6: {48: 470, 32: 125, 44: 110, 40: 95, 36: 45, 29: 25, 33: 25, 34: 15, 35: 10, 42: 15, 46: 20, 47: 15, 45: 10, 30: 8, 38: 12},
}

// generate makes a realistic table: the prefix lengths of the global tables, paths of four to five hops over 75,000 ASNs,
// communities on 60 %, about five prefixes to an attribute set. The same seed gives the same table.
func generate(seed uint64, v4, v6 int) *table {
	g := &generator{rnd: rand.New(rand.NewPCG(seed, 4271)), seen: make(map[netip.Prefix]bool, v4+v6)}
	last := netip.MustParsePrefix("223.255.255.0/24")
	g.seen[last] = true
	sets := append(g.sets(bgp.IPv4, v4-1), g.sets(bgp.IPv6, v6)...)
	g.rnd.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
	return newTable(sets, last)
}

type generator struct {
	rnd  *rand.Rand
	seen map[netip.Prefix]bool
}

func (g *generator) sets(f bgp.Family, n int) (out []set) {
	var mix []int
	for bits := range f.Bits() {
		for range lengths[f][bits] {
			mix = append(mix, bits)
		}
	}
	for n > 0 {
		size := min(n, 1+int(g.rnd.ExpFloat64()*4.7))
		s := set{attrs: g.attrs()}
		for len(s.prefixes) < size {
			if p := g.prefix(f, mix[g.rnd.IntN(len(mix))]); !g.seen[p] {
				g.seen[p] = true
				s.prefixes = append(s.prefixes, p)
			}
		}
		out, n = append(out, s), n-size
	}
	return out
}

func (g *generator) prefix(f bgp.Family, bits int) netip.Prefix {
	if f == bgp.IPv4 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], g.rnd.Uint32())
		switch a[0] = 1 + a[0]%222; a[0] {
		case 127: // nobody takes routes of the loopback network
			a[0] = 128
		case registered.Addr().As4()[0]: // thousands of hijacks by a table would be what the latency is measured of
			a[0]++
		}
		return netip.PrefixFrom(netip.AddrFrom4(a), bits).Masked()
	}
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], g.rnd.Uint64())
	a[0] = 0x20 | a[0]&0x1f
	return netip.PrefixFrom(netip.AddrFrom16(a), bits).Masked()
}

func (g *generator) attrs() *bgp.Attrs {
	path := []uint32{marker, transits[g.rnd.IntN(len(transits))]}
	for range 2 + g.rnd.IntN(2) + g.rnd.IntN(5)/4 {
		path = append(path, firstASN+g.rnd.Uint32N(manyASNs))
	}
	a := &bgp.Attrs{Path: bgp.Sequence(path...)}
	if g.rnd.IntN(10) < 6 {
		for range 1 + g.rnd.IntN(6) {
			a.Communities = append(a.Communities, bgp.Community(path[1]<<16|g.rnd.Uint32N(3000)))
		}
	}
	return a
}
