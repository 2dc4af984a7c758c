package config

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"net/netip"
)

// registrations reads connections and everything that registers prefixes.
func (l *loading) registrations() {
	sites, items := readEach(l, &connectionSchema, connectionSchema.builtin())
	names := make([]string, len(sites))
	for i, s := range sites {
		l.cfg.Connections = append(l.cfg.Connections, s.Connection)
		names[i] = s.Name
	}
	l.unique("connection", items, names)

	base := prefixSchema.base(l, l.tables.defaults["prefix"])
	entries, items := readEach(l, &prefixSchema, base)
	tables := disputes{}
	for i, e := range entries {
		if !e.prefix.IsValid() {
			continue
		}
		policy := e.PrefixPolicy
		reg := Registration{e.prefix, &policy, e.connection, items[i].at("prefix")}
		if !tables.settle(l, &reg) {
			l.cfg.Prefixes = append(l.cfg.Prefixes, reg)
		}
	}
	lists := newPlainLists(l, base)
	for _, name := range []string{"prefixes", "prefix_file"} {
		for _, v := range l.tables.plain[name] {
			lists.add(v, base.connection)
		}
	}
	for _, s := range sites {
		for _, v := range s.lists {
			lists.add(v, s.Name)
		}
	}
	l.duplicates()
}

// duplicates reports prefixes that are registered twice, be it under two
// connections: a route is judged under one registration.
func (l *loading) duplicates() {
	all := l.cfg.Prefixes
	first := make(map[netip.Prefix]int32)
	for i := range suspects(all, l.kept) {
		r := &all[i]
		if j, ok := first[r.Prefix]; ok {
			l.fail(r.Pos, "%s is registered at %s already; keep one, with the origins and the peers of both", r.Prefix, all[j].Pos)
			continue
		}
		first[r.Prefix] = int32(i)
	}
}

// sieve is a set of hashes, of which it keeps a few bits.
type sieve struct {
	seen []uint64
	mask uint64
}

// newSieve has room for n hashes, of which some 1 in 32 meets another by chance.
func newSieve(n int) sieve {
	size := uint64(1) << bits.Len(uint(n*32))
	return sieve{make([]uint64, (size+63)/64), size - 1}
}

func (s sieve) has(h uint64) bool { return s.seen[h&s.mask/64]&(1<<(h%64)) != 0 }
func (s sieve) add(h uint64)      { s.seen[h&s.mask/64] |= 1 << (h % 64) }

// suspects yields, in order, the registrations whose prefix may stand twice, and
// few others: a map of a million prefixes would take longer than reading them.
// Of those that were kept none stands twice.
func suspects(all []Registration, keeps []kept) iter.Seq[int] {
	news, n := fresh(len(all), keeps)
	once, suspect := newSieve(n), newSieve(len(all)/32) // small enough for the cache, where little stands twice
	if len(keeps) > 0 {
		suspect = newSieve(n)
	}
	some := false
	for _, span := range news {
		for i := span.from; i < span.to; i++ {
			h := hashPrefix(all[i].Prefix)
			if len(keeps) > 0 || once.has(h) {
				suspect.add(h)
				some = true
			}
			once.add(h)
		}
	}
	return func(yield func(int) bool) {
		for i := range all {
			if some && suspect.has(hashPrefix(all[i].Prefix)) && !yield(i) {
				return
			}
		}
	}
}

// fresh gives what is between the kept ones, of all, and its number.
func fresh(all int, keeps []kept) (spans []kept, n int) {
	at := 0
	for _, k := range append(keeps, kept{all, all}) {
		spans = append(spans, kept{at, k.from})
		n += k.from - at
		at = k.to
	}
	return spans, n
}

// hashPrefix spreads a prefix over 64 bits, with the finisher of splitmix64.
func hashPrefix(p netip.Prefix) uint64 {
	a := p.Addr().As16()
	x := binary.BigEndian.Uint64(a[:])*0x9e3779b97f4a7c15 ^ binary.BigEndian.Uint64(a[8:]) + uint64(p.Bits())<<56
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
