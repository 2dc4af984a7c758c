package rib

import (
	"iter"
	"net/netip"
)

// slots is a hash table with open addressing and linear probing. Routes of one prefix (ADD-PATH) share a home and so
// stand near each other: finding a route costs a walk over the paths of its prefix. Removing shifts the followers back,
// so that churn leaves no tombstones.
type slots[K comparable] struct {
	slot   []slot[K]
	path   []uint32 // path identifiers, beside slot; nil as long as all are 0
	used   int
	seed   uint64
	hash   func(seed uint64, k K, length uint8) uint32
	prefix func(k K, length uint8) netip.Prefix
}

// slot is one route. Its zero value is free.
type slot[K comparable] struct {
	key   K
	attrs ID
	meta  meta
}

// meta packs the length of the prefix, the stale mark, and the second in which the route came.
type meta uint32

const (
	lengthMask meta = 0xff // length + 1, so that no slot in use is 0
	staleBit   meta = 1 << 8
	secondBits      = 23
	maxSecond       = 1<<secondBits - 1
)

func newMeta(length uint8, second uint32) meta {
	return meta(length) + 1 | meta(second)<<(32-secondBits)
}

func (m meta) length() uint8  { return uint8(m&lengthMask) - 1 }
func (m meta) stale() bool    { return m&staleBit != 0 }
func (m meta) second() uint32 { return uint32(m >> (32 - secondBits)) }

func (m meta) withSecond(second uint32) meta {
	return m&(lengthMask|staleBit) | meta(second)<<(32-secondBits)
}

const minSlots = 16

// home is where the search for a prefix begins: its hash scaled to the size, which may be any (Lemire's reduction).
func (s *slots[K]) home(k K, length uint8) int {
	return int(uint64(s.hash(s.seed, k, length)) * uint64(len(s.slot)) >> 32)
}

func (s *slots[K]) pathAt(i int) uint32 {
	if s.path == nil {
		return 0
	}
	return s.path[i]
}

// find gives the slot of a route, or the free one where it would go; -1 if there is none at all.
func (s *slots[K]) find(k K, length uint8, path uint32) (i int, found bool) {
	if len(s.slot) == 0 {
		return -1, false
	}
	for i = s.home(k, length); s.slot[i].meta != 0; i = s.next(i) {
		if sl := &s.slot[i]; sl.key == k && sl.meta.length() == length && s.pathAt(i) == path {
			return i, true
		}
	}
	return i, false
}

func (s *slots[K]) next(i int) int {
	if i++; i == len(s.slot) {
		return 0
	}
	return i
}

// insert adds a route that find did not find.
func (s *slots[K]) insert(sl slot[K], path uint32) {
	if 4*(s.used+1) > 3*len(s.slot) {
		s.resize(max(minSlots, len(s.slot)+len(s.slot)/2))
	}
	if path != 0 && s.path == nil {
		s.path = make([]uint32, len(s.slot))
	}
	s.place(sl, path)
	s.used++
}

// place puts a route into the first free slot behind its home.
func (s *slots[K]) place(sl slot[K], path uint32) {
	i := s.home(sl.key, sl.meta.length())
	for s.slot[i].meta != 0 {
		i = s.next(i)
	}
	s.slot[i] = sl
	if s.path != nil {
		s.path[i] = path
	}
}

func (s *slots[K]) resize(n int) {
	old, paths := s.slot, s.path
	s.slot = make([]slot[K], n)
	if paths != nil {
		s.path = make([]uint32, n)
	}
	for i, sl := range old {
		if sl.meta == 0 {
			continue
		}
		path := uint32(0)
		if paths != nil {
			path = paths[i]
		}
		s.place(sl, path)
	}
}

// remove frees slot i and closes the gap: every follower that the gap parts from its home moves up.
func (s *slots[K]) remove(i int) {
	for j := s.next(i); s.slot[j].meta != 0; j = s.next(j) {
		home := s.home(s.slot[j].key, s.slot[j].meta.length())
		if between(i, home, j) {
			continue
		}
		s.slot[i] = s.slot[j]
		if s.path != nil {
			s.path[i] = s.path[j]
		}
		i = j
	}
	s.slot[i] = slot[K]{}
	s.used--
}

// between says whether home lies behind i and not behind j, going round.
func between(i, home, j int) bool {
	if i <= j {
		return i < home && home <= j
	}
	return home > i || home <= j
}

// shrink gives memory back once little of it is used. It moves every route, so nobody may be walking.
func (s *slots[K]) shrink() {
	switch {
	case s.used == 0:
		s.slot, s.path = nil, nil
	case len(s.slot) > 8*minSlots && s.used < len(s.slot)/8:
		s.resize(2 * s.used)
	}
}

// same yields the slots of all paths of one prefix.
func (s *slots[K]) same(k K, length uint8) iter.Seq[int] {
	return func(yield func(int) bool) {
		if len(s.slot) == 0 {
			return
		}
		for i := s.home(k, length); s.slot[i].meta != 0; i = s.next(i) {
			if s.slot[i].key == k && s.slot[i].meta.length() == length && !yield(i) {
				return
			}
		}
	}
}

// all yields every slot in use.
func (s *slots[K]) all(yield func(int) bool) {
	for i := range s.slot {
		if s.slot[i].meta != 0 && !yield(i) {
			return
		}
	}
}
