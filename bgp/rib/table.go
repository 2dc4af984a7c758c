package rib

import (
	"net/netip"
	"time"

	"peervane/bgp"
)

// Table is the Adj-RIB-In of one vantage: every route that it announced and has not withdrawn, with path identifiers
// (RFC 7911) where it sends them, and a stale mark on each for graceful restart (RFC 4724) and enhanced route refresh
// (RFC 7313). It belongs to one goroutine at a time, together with its Interner.
type Table struct {
	in      *Interner
	epoch   int64 // the Unix second that meta counts from
	v4      slots[uint32]
	v6      slots[uint64]    // up to /64
	long    slots[[2]uint64] // beyond /64
	lengths [bgp.NumFamilies][129]uint32
	routes  [bgp.NumFamilies]int
	stale   [bgp.NumFamilies]int
}

// Route is one entry of a table.
type Route struct {
	Prefix netip.Prefix
	PathID uint32
	ID     ID         // None where only the presence is kept
	Attrs  *bgp.Attrs // nil unless decoded, see Interner.SetAttrs
	Since  time.Time  // when it came with these attributes, to the second; see Announce
	Stale  bool
}

// NewTable makes an empty table whose attributes are kept in in, which several tables may share. A random seed keeps
// a neighbour from choosing prefixes that collide; the order of walks depends on it.
func NewTable(in *Interner, seed uint64) *Table {
	return &Table{
		in:   in,
		v4:   slots[uint32]{seed: seed, hash: hash4, prefix: prefix4},
		v6:   slots[uint64]{seed: seed, hash: hash6, prefix: prefix6},
		long: slots[[2]uint64]{seed: seed, hash: hashLong, prefix: prefixLong},
	}
}

// Announce sets the route of a prefix (masked) and path identifier, adding a reference to id, and gives the route
// that it replaced. A route that comes again with the same attributes keeps its time; a stale mark goes.
// Times older than 48 days may be shown as younger, but never as younger than that.
func (t *Table) Announce(p netip.Prefix, pathID uint32, id ID, at time.Time) (old Route, replaced bool) {
	switch {
	case p.Addr().Is4():
		return announce(t, &t.v4, bgp.IPv4, key4(p), p.Bits(), pathID, id, at)
	case isLong(p):
		return announce(t, &t.long, bgp.IPv6, keyLong(p), p.Bits(), pathID, id, at)
	}
	return announce(t, &t.v6, bgp.IPv6, key6(p), p.Bits(), pathID, id, at)
}

func announce[K comparable](t *Table, s *slots[K], f bgp.Family, k K, bits int, pathID uint32, id ID, at time.Time) (old Route, replaced bool) {
	second := t.second(at)
	i, found := s.find(k, uint8(bits), pathID)
	if !found {
		t.in.Retain(id)
		s.insert(slot[K]{k, id, newMeta(uint8(bits), second)}, pathID)
		t.lengths[f][bits]++
		t.routes[f]++
		return Route{}, false
	}
	sl := &s.slot[i]
	old = route(t, s, i)
	if old.Stale {
		sl.meta &^= staleBit
		t.stale[f]--
	}
	if sl.attrs != id {
		t.in.Retain(id)
		t.in.Release(sl.attrs)
		sl.attrs, sl.meta = id, sl.meta.withSecond(second)
	}
	return old, true
}

// Withdraw takes a route away and gives what it was.
func (t *Table) Withdraw(p netip.Prefix, pathID uint32) (old Route, found bool) {
	switch {
	case p.Addr().Is4():
		return withdraw(t, &t.v4, bgp.IPv4, key4(p), p.Bits(), pathID)
	case isLong(p):
		return withdraw(t, &t.long, bgp.IPv6, keyLong(p), p.Bits(), pathID)
	}
	return withdraw(t, &t.v6, bgp.IPv6, key6(p), p.Bits(), pathID)
}

func withdraw[K comparable](t *Table, s *slots[K], f bgp.Family, k K, bits int, pathID uint32) (old Route, found bool) {
	i, found := s.find(k, uint8(bits), pathID)
	if !found {
		return Route{}, false
	}
	old = route(t, s, i)
	drop(t, s, f, i)
	s.shrink()
	return old, true
}

// drop takes the route in slot i away.
func drop[K comparable](t *Table, s *slots[K], f bgp.Family, i int) {
	sl := s.slot[i]
	t.in.Release(sl.attrs)
	t.lengths[f][sl.meta.length()]--
	t.routes[f]--
	if sl.meta.stale() {
		t.stale[f]--
	}
	s.remove(i)
}

func route[K comparable](t *Table, s *slots[K], i int) Route {
	sl := &s.slot[i]
	return Route{
		Prefix: s.prefix(sl.key, sl.meta.length()),
		PathID: s.pathAt(i),
		ID:     sl.attrs,
		Attrs:  t.in.Attrs(sl.attrs),
		Since:  time.Unix(t.epoch+int64(sl.meta.second()), 0).UTC(),
		Stale:  sl.meta.stale(),
	}
}

// Len is the number of routes of a family; each path of a prefix counts.
func (t *Table) Len(f bgp.Family) int { return t.routes[f] }

// StaleLen is the number of those that are stale.
func (t *Table) StaleLen(f bgp.Family) int { return t.stale[f] }

// second packs a time. When the range is used up, the epoch moves on, so that half of it is free again.
func (t *Table) second(at time.Time) uint32 {
	if t.routes[bgp.IPv4]+t.routes[bgp.IPv6] == 0 {
		t.epoch = at.Unix()
	}
	if over := at.Unix() - t.epoch - maxSecond; over > 0 {
		t.moveEpoch(over + maxSecond/2)
	}
	return uint32(max(0, at.Unix()-t.epoch))
}

func (t *Table) moveEpoch(by int64) {
	t.epoch += by
	moveSeconds(&t.v4, by)
	moveSeconds(&t.v6, by)
	moveSeconds(&t.long, by)
}

func moveSeconds[K comparable](s *slots[K], by int64) {
	for i := range s.all {
		m := s.slot[i].meta
		s.slot[i].meta = m.withSecond(uint32(max(0, int64(m.second())-by)))
	}
}
