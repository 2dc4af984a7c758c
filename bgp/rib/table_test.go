package rib

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peervane/bgp"
)

var t0 = time.Unix(1_700_000_000, 0).UTC()

// Many prefixes grow and shrink the table, and its memory goes when the last route does.
func TestTableGrowsAndShrinks(t *testing.T) {
	var in Interner
	table := NewTable(&in, 1)
	id, _ := in.Intern([]byte("block"))
	prefixes := randomPrefixes(20_000)
	for _, p := range prefixes {
		table.Announce(p, 0, id, t0)
	}
	in.Release(id)
	for i, p := range prefixes {
		old, found := table.Withdraw(p, 0)
		if !found {
			t.Fatalf("route %d of %v is lost", i, p)
		}
		in.Release(old.ID)
		if i == len(prefixes)-100 && table.v4.capacity() > 16*100 {
			t.Errorf("%d slots for 100 routes", table.v4.capacity())
		}
	}
	if table.v4.lines.v != nil || table.v6.lines.v != nil || in.Len() != 0 || in.entries.v != nil {
		t.Error("an empty table holds memory")
	}
}

// Routes that had to pass by full buckets find their place when the table grows, in whatever memory.
func TestTableGrowsWhereItStands(t *testing.T) {
	for seed := range uint64(200) {
		in := Interner{Memory: spoiling{}}
		table := NewTable(&in, seed)
		prefixes := randomPrefixes(2000)
		for i, p := range prefixes {
			table.Announce(p, 0, None, t0)
			if i%100 != 0 {
				continue
			}
			for _, p := range prefixes[:i+1] {
				if n := len(slices.Collect(table.Exact(p))); n != 1 {
					t.Fatalf("seed %d: after %d routes %v is there %d times", seed, i+1, p, n)
				}
			}
		}
		if n := len(slices.Collect(table.Walk(bgp.IPv4))) + len(slices.Collect(table.Walk(bgp.IPv6))); n != len(prefixes) {
			t.Fatalf("seed %d: %d routes, want %d", seed, n, len(prefixes))
		}
	}
}

func TestTableKeepsPathsWithoutIdentifierOnceOnesCome(t *testing.T) {
	var in Interner
	table := NewTable(&in, 0)
	p := netip.MustParsePrefix("192.0.2.0/24")
	table.Announce(p, 0, None, t0)
	table.Announce(p, 7, None, t0)
	ids := map[uint32]bool{}
	for r := range table.Exact(p) {
		ids[r.PathID] = true
	}
	if len(ids) != 2 || !ids[0] || !ids[7] {
		t.Errorf("paths %v, want 0 and 7", ids)
	}
}

// The time of a route is exact for 48 days, and at least that old afterwards.
func TestTableSinceOverMonths(t *testing.T) {
	var in Interner
	table := NewTable(&in, 0)
	first, second := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")
	table.Announce(first, 0, None, t0)
	later := t0.AddDate(1, 0, 0)
	table.Announce(second, 0, None, later)
	for r := range table.Walk(bgp.IPv4) {
		age := later.Sub(r.Since)
		if r.Prefix == second && age != 0 || r.Prefix == first && (age < 48*24*time.Hour || r.Since.Before(t0)) {
			t.Errorf("%v: since %v", r.Prefix, r.Since)
		}
	}
}

func TestTableAllocatesNothingForKnownRoutes(t *testing.T) {
	var in Interner
	table := NewTable(&in, 1)
	prefixes := randomPrefixes(1000)
	key := []byte("block")
	load := func() {
		id, _ := in.Intern(key)
		for _, p := range prefixes {
			old, _ := table.Announce(p, 0, id, t0)
			in.Release(old)
		}
		in.Release(id)
	}
	load()
	if n := testing.AllocsPerRun(10, load); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// randomPrefixes are different, three of four IPv4.
func randomPrefixes(n int) []netip.Prefix {
	rnd := rand.New(rand.NewPCG(1, 2))
	seen := map[netip.Prefix]bool{}
	var out []netip.Prefix
	for len(out) < n {
		var p netip.Prefix
		if rnd.IntN(4) > 0 {
			var a [4]byte
			binary.BigEndian.PutUint32(a[:], rnd.Uint32())
			p = netip.PrefixFrom(netip.AddrFrom4(a), 8+rnd.IntN(17)).Masked()
		} else {
			a := [16]byte{0x20, 1}
			binary.BigEndian.PutUint32(a[2:], rnd.Uint32())
			p = netip.PrefixFrom(netip.AddrFrom16(a), 20+rnd.IntN(29)).Masked()
		}
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

func TestInternerKeepsDecodedForm(t *testing.T) {
	var in Interner
	intern := func(key string) ID {
		id, _ := in.Intern([]byte(key))
		return id
	}
	a := intern("a")
	in.SetAttrs(a, &bgp.Attrs{MED: 1})
	in.SetNote(a, 7)
	if again, isNew := in.Intern([]byte("a")); again != a || isNew || in.Attrs(again).MED != 1 || in.Note(again) != 7 {
		t.Error("the same bytes gave another block")
	}
	b := intern("b")
	in.Release(a)
	in.Release(a)
	if c := intern("c"); c != a || in.Attrs(c) != nil || in.Note(c) != 0 {
		t.Errorf("a freed ID was not used again, or kept its attributes")
	}
	if in.Attrs(None) != nil || in.Key(None) != nil || string(in.Key(b)) != "b" || in.Note(None) != 0 {
		t.Error("keys are mixed up")
	}
}

func BenchmarkInsert(b *testing.B) {
	prefixes := randomPrefixes(1_000_000)
	for b.Loop() {
		var in Interner
		table := NewTable(&in, 1)
		for _, p := range prefixes {
			table.Announce(p, 0, None, t0)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/route")
}

func BenchmarkReplace(b *testing.B) {
	prefixes := randomPrefixes(1_000_000)
	var in Interner
	table := NewTable(&in, 1)
	var blocks [2]ID
	for i := range blocks {
		blocks[i], _ = in.Intern([]byte{byte(i)})
	}
	for i := 0; b.Loop(); i++ {
		old, _ := table.Announce(prefixes[i%len(prefixes)], 0, blocks[i/len(prefixes)%2], t0)
		in.Release(old)
	}
}
