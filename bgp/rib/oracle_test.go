package rib

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peervane/bgp"
	"pgregory.net/rapid"
)

// oracle is the slow, obvious table.
type oracle map[oracleKey]oracleRoute

type oracleKey struct {
	prefix netip.Prefix
	pathID uint32
}

type oracleRoute struct {
	block string
	since time.Time
	stale bool
}

func (o oracle) announce(k oracleKey, block string, at time.Time) {
	since := at
	if old, ok := o[k]; ok && old.block == block {
		since = old.since
	}
	o[k] = oracleRoute{block, since, false}
}

func (o oracle) markStale(f bgp.Family) {
	for k, r := range o {
		if bgp.FamilyOf(k.prefix) == f {
			r.stale = true
			o[k] = r
		}
	}
}

// remove gives what it took away.
func (o oracle) remove(gone func(oracleKey, oracleRoute) bool) oracle {
	taken := oracle{}
	for k, r := range o {
		if gone(k, r) {
			taken[k] = r
			delete(o, k)
		}
	}
	return taken
}

func (o oracle) where(want func(netip.Prefix) bool) oracle {
	return o.copyIf(func(k oracleKey, _ oracleRoute) bool { return want(k.prefix) })
}

func (o oracle) copyIf(want func(oracleKey, oracleRoute) bool) oracle {
	out := oracle{}
	for k, r := range o {
		if want(k, r) {
			out[k] = r
		}
	}
	return out
}

// longest is the routes of the longest prefix that covers p.
func (o oracle) longest(p netip.Prefix) oracle {
	best := -1
	for k := range o {
		if covers(k.prefix, p) {
			best = max(best, k.prefix.Bits())
		}
	}
	return o.where(func(q netip.Prefix) bool { return covers(q, p) && q.Bits() == best })
}

func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// Prefixes are drawn from few addresses, so that they nest and meet again.
func drawPrefix(t *rapid.T) netip.Prefix {
	pick := rapid.IntRange(0, 7).Draw(t, "net")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(pick), byte(pick * 37)}), rapid.IntRange(0, 32).Draw(t, "bits")).Masked()
	case 1:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(pick)}), rapid.IntRange(24, 32).Draw(t, "bits")).Masked()
	case 2:
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(pick)}), rapid.IntRange(0, 64).Draw(t, "bits")).Masked()
	}
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(pick)}), rapid.IntRange(60, 128).Draw(t, "bits")).Masked()
}

// machine drives a table and the oracle alike.
type machine struct {
	in     Interner
	table  *Table
	oracle oracle
	now    time.Time
}

func drawFamily(t *rapid.T) bgp.Family { return rapid.SampledFrom(bgp.Families[:]).Draw(t, "family") }

func drawKey(t *rapid.T) oracleKey {
	return oracleKey{drawPrefix(t), rapid.SampledFrom([]uint32{0, 0, 1, 2, 1 << 31}).Draw(t, "path")}
}

func (m *machine) Announce(t *rapid.T) {
	k := drawKey(t)
	block := rapid.SampledFrom([]string{"a", "b", "c", "dd", ""}).Draw(t, "block")
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "seconds")) * time.Second)
	was, had := m.oracle[k]
	id, _ := m.in.Intern([]byte(block))
	old, replaced := m.table.Announce(k.prefix, k.pathID, id, m.now)
	if replaced != had {
		t.Fatalf("announce %v: replaced %v, want %v", k, replaced, had)
	}
	if had && string(m.in.Key(old)) != was.block {
		t.Fatalf("announce %v: the attributes of the old route are gone", k)
	}
	m.in.Release(old)
	m.in.Release(id)
	m.oracle.announce(k, block, m.now)
}

func (m *machine) Withdraw(t *rapid.T) {
	k := drawKey(t)
	was, had := m.oracle[k]
	delete(m.oracle, k)
	old, found := m.table.Withdraw(k.prefix, k.pathID)
	if found != had || had && (old.Prefix != k.prefix || old.PathID != k.pathID || old.Stale != was.stale) {
		t.Fatalf("withdraw %v: %+v %v, want %+v %v", k, old, found, was, had)
	}
	m.in.Release(old.ID)
}

func (m *machine) MarkStale(t *rapid.T) {
	f := drawFamily(t)
	m.table.MarkStale(f)
	m.oracle.markStale(f)
}

func (m *machine) Sweep(t *rapid.T) {
	f := drawFamily(t)
	want := m.oracle.remove(func(k oracleKey, r oracleRoute) bool { return r.stale && bgp.FamilyOf(k.prefix) == f })
	got := map[oracleKey]bool{}
	m.table.Sweep(f, func(r Route) { got[oracleKey{r.Prefix, r.PathID}] = true })
	if len(got) != len(want) {
		t.Fatalf("swept %d, want %d", len(got), len(want))
	}
	for k := range want {
		if !got[k] {
			t.Fatalf("%v was not swept", k)
		}
	}
}

func (m *machine) LoseSession(t *rapid.T) {
	f := drawFamily(t)
	m.table.Clear(f)
	m.oracle.remove(func(k oracleKey, _ oracleRoute) bool { return bgp.FamilyOf(k.prefix) == f })
}

func (m *machine) Remove(t *rapid.T) {
	f, in := drawFamily(t), drawPrefix(t)
	m.table.Remove(f, func(r Route) bool { return covers(in, r.Prefix) })
	m.oracle.remove(func(k oracleKey, _ oracleRoute) bool { return bgp.FamilyOf(k.prefix) == f && covers(in, k.prefix) })
}

func (m *machine) Lookups(t *rapid.T) {
	p := drawPrefix(t)
	m.same(t, "exact", slices.Collect(m.table.Exact(p)), m.oracle.where(func(q netip.Prefix) bool { return q == p }))
	m.same(t, "within", slices.Collect(m.table.Within(p)), m.oracle.where(func(q netip.Prefix) bool { return covers(p, q) }))
	m.same(t, "within, in parts", m.inParts(p), m.oracle.where(func(q netip.Prefix) bool { return covers(p, q) }))
	m.same(t, "longest", slices.Collect(m.table.Longest(p)), m.oracle.longest(p))
	covering := slices.Collect(m.table.Covering(p))
	m.same(t, "covering", covering, m.oracle.where(func(q netip.Prefix) bool { return covers(q, p) }))
	if !slices.IsSortedFunc(covering, func(a, b Route) int { return cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()) }) {
		t.Fatalf("covering routes of %v are not sorted: %v", p, covering)
	}
}

func (m *machine) inParts(p netip.Prefix) (out []Route) {
	var at Cursor
	for more := true; more; {
		at, more = m.table.WithinPart(p, at, func(r Route) { out = append(out, r) })
	}
	return out
}

// Check is run after every step.
func (m *machine) Check(t *rapid.T) {
	blocks := map[string]bool{}
	for _, r := range m.oracle {
		blocks[r.block] = true
	}
	if m.in.Len() != len(blocks) {
		t.Fatalf("%d blocks interned, want %d", m.in.Len(), len(blocks))
	}
	for _, f := range bgp.Families {
		want := m.oracle.where(func(p netip.Prefix) bool { return bgp.FamilyOf(p) == f })
		m.same(t, "walk", slices.Collect(m.table.Walk(f)), want)
		stale := len(want.copyIf(func(_ oracleKey, r oracleRoute) bool { return r.stale }))
		if m.table.Len(f) != len(want) || m.table.StaleLen(f) != stale {
			t.Fatalf("%v: %d routes, %d stale; want %d, %d", f, m.table.Len(f), m.table.StaleLen(f), len(want), stale)
		}
	}
}

func (m *machine) same(t *rapid.T, what string, got []Route, want oracle) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d routes, want %d:\n%v\n%v", what, len(got), len(want), got, want)
	}
	for _, r := range got {
		w, ok := want[oracleKey{r.Prefix, r.PathID}]
		if !ok || string(m.in.Key(r.ID)) != w.block || r.Stale != w.stale || !r.Since.Equal(w.since) {
			t.Fatalf("%s: %+v (%q), want %+v %v", what, r, m.in.Key(r.ID), w, ok)
		}
	}
}

// spoiling is a Memory that moves what grows, and spoils what was given back, so that nobody reads it unnoticed.
type spoiling struct{}

func (spoiling) Allocate(n int) []byte { return make([]byte, n) }

func (m spoiling) Grow(b []byte, n int) []byte {
	more := append(m.Allocate(n)[:0], b...)
	m.Free(b)
	return more[:n]
}

func (spoiling) Free(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}

func TestTableAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{oracle: oracle{}, now: time.Unix(1_700_000_000, 0)}
		if rapid.Bool().Draw(t, "memory") {
			m.in.Memory = spoiling{}
		}
		m.table = NewTable(&m.in, rapid.Uint64().Draw(t, "seed"))
		t.Repeat(map[string]func(*rapid.T){
			"announce": m.Announce, "again": m.Announce, "more": m.Announce, "withdraw": m.Withdraw, "markStale": m.MarkStale,
			"sweep": m.Sweep, "lose": m.LoseSession, "remove": m.Remove, "lookups": m.Lookups, "": m.Check,
		})
	})
}
