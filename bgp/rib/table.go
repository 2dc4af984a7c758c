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
	mixer   mixer
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
	ID     ID        // None where only the presence is kept
	Since  time.Time // when it came with these attributes, to the second; see Announce
	Stale  bool
}

// NewTable makes an empty table whose attributes are kept in in, which several tables may share; the routes are kept in its
// Memory. A random seed keeps a neighbour from choosing prefixes that collide; the order of walks depends on it.
func NewTable(in *Interner, seed uint64) *Table {
	t := &Table{in: in, mixer: newMixer(seed)}
	t.v4 = slots[uint32]{mem: in.Memory, prefix: t.mixer.prefix4}
	t.v6 = slots[uint64]{mem: in.Memory, prefix: t.mixer.prefix6}
	t.long = slots[[2]uint64]{mem: in.Memory, prefix: t.mixer.prefixLong}
	return t
}

// Touch asks for the memory that Announce of a prefix will need, without waiting for it. Called for all prefixes of an UPDATE
// before the first is announced, it has them fetched at once, where one Announce after the other would wait for each.
func (t *Table) Touch(p netip.Prefix) {
	switch {
	case p.Addr().Is4():
		t.v4.touch(t.mixer.key4(p))
	case isLong(p):
		t.long.touch(t.mixer.keyLong(p))
	default:
		t.v6.touch(t.mixer.key6(p))
	}
}

// Announce sets the route of a prefix (masked) and path identifier, adding a reference to id, and gives the attributes of
// the route that it replaced, which are still there until the caller releases the reference that comes with them: see
// Interner.Release. A route that comes again with the same attributes keeps its time; a stale mark goes.
// Times older than 48 days may be shown as younger, but never as younger than that.
func (t *Table) Announce(p netip.Prefix, pathID uint32, id ID, at time.Time) (old ID, replaced bool) {
	switch {
	case p.Addr().Is4():
		return announce(t, &t.v4, bgp.IPv4, t.mixer.key4(p), lengthOf(p), pathID, id, at)
	case isLong(p):
		return announce(t, &t.long, bgp.IPv6, t.mixer.keyLong(p), lengthOf(p), pathID, id, at)
	}
	return announce(t, &t.v6, bgp.IPv6, t.mixer.key6(p), lengthOf(p), pathID, id, at)
}

func announce[K comparable](t *Table, s *slots[K], f bgp.Family, k K, length uint8, pathID uint32, id ID, at time.Time) (old ID, replaced bool) {
	second := t.second(at)
	i, found := s.find(k, length, pathID)
	t.in.Retain(id)
	if !found {
		s.insert(slot[K]{k, id, newMeta(length, second)}, pathID)
		t.lengths[f][length]++
		t.routes[f]++
		return None, false
	}
	sl := s.at(i)
	if sl.meta.stale() {
		sl.meta &^= staleBit
		t.stale[f]--
	}
	if old = sl.attrs; old != id {
		sl.attrs, sl.meta = id, sl.meta.withSecond(second)
	}
	return old, true
}

// Withdraw takes a route away and gives what it was. As with Announce, the caller releases its attributes.
func (t *Table) Withdraw(p netip.Prefix, pathID uint32) (old Route, found bool) {
	switch {
	case p.Addr().Is4():
		return withdraw(t, &t.v4, bgp.IPv4, t.mixer.key4(p), p, pathID)
	case isLong(p):
		return withdraw(t, &t.long, bgp.IPv6, t.mixer.keyLong(p), p, pathID)
	}
	return withdraw(t, &t.v6, bgp.IPv6, t.mixer.key6(p), p, pathID)
}

func withdraw[K comparable](t *Table, s *slots[K], f bgp.Family, k K, p netip.Prefix, pathID uint32) (old Route, found bool) {
	i, found := s.find(k, lengthOf(p), pathID)
	if !found {
		return Route{}, false
	}
	old = t.route(s.at(i).attrs, s.at(i).meta, p, pathID)
	drop(t, s, f, i)
	s.shrink()
	return old, true
}

// drop takes the route in slot i away. Its reference is the caller's.
func drop[K comparable](t *Table, s *slots[K], f bgp.Family, i int) {
	m := s.at(i).meta
	t.lengths[f][m.length()]--
	t.routes[f]--
	if m.stale() {
		t.stale[f]--
	}
	s.remove(i)
}

func (t *Table) route(id ID, m meta, p netip.Prefix, pathID uint32) Route {
	return Route{Prefix: p, PathID: pathID, ID: id, Since: time.Unix(t.epoch+int64(m.second()), 0).UTC(), Stale: m.stale()}
}

func route[K comparable](t *Table, s *slots[K], i int) Route {
	sl := s.at(i)
	return t.route(sl.attrs, sl.meta, s.prefix(sl.key, sl.meta.length()), s.pathAt(i))
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
		m := s.at(i).meta
		s.at(i).meta = m.withSecond(uint32(max(0, int64(m.second())-by)))
	}
}
