package rib

import (
	"iter"
	"net/netip"
	"unsafe"
)

// slots is a hash table of buckets, each in one cache line (of longer keys, in two): finding out that a route is not there,
// which is what a full table is loaded with, touches one line. The home of a route is the bucket at its mixed key, scaled to the
// size; where that is full the route goes into the next one that is not. Each bucket counts the routes that had to pass it by,
// so that a search knows when to end, and removing needs no tombstones. The buckets are in the order of the keys, so that
// growing is one pass from front to back. Routes of one prefix (ADD-PATH) have one home.
type slots[K comparable] struct {
	mem    Memory
	lines  block[line]
	path   block[uint32] // path identifiers, by slot; empty as long as all are 0
	homes  int           // buckets; behind them stands a tail, into which the last routes may pass
	tail   int
	used   int
	prefix func(k K, length uint8) netip.Prefix
}

// line is a cache line, aligned for what is in it.
type line [lineLen / 8]uint64

const lineLen = 64

// trailer ends each bucket.
type trailer struct {
	fill   uint8  // slots in use: the first ones
	passed uint16 // routes that passed by; at its highest value it stays
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

const (
	minHomes = 4
	minTail  = 8
	manyPass = 1<<16 - 1
)

// The table grows by half when it is fuller than five of six.
func (s *slots[K]) full() bool    { return 6*(s.used+1) > 5*s.homes*perBucket[K]() }
func grown(n, least int) int      { return max(least, n+n/2) }
func (s *slots[K]) buckets() int  { return s.homes + s.tail }
func (s *slots[K]) capacity() int { return s.buckets() * perBucket[K]() }

// linesOf and perBucket are constants for each kind of key: 5 slots of 12 bytes in one line, 7 of 16 or 5 of 24 in two.
func linesOf[K comparable]() int {
	if unsafe.Sizeof(*new(K)) > 4 {
		return 2
	}
	return 1
}

func perBucket[K comparable]() int {
	return (linesOf[K]()*lineLen - int(unsafe.Sizeof(trailer{}))) / int(unsafe.Sizeof(slot[K]{}))
}

// home is the bucket at which the search for a key begins (Lemire's reduction).
func (s *slots[K]) home(k K) int { return int(order(k) >> 32 * uint64(s.homes) >> 32) }

// bucket gives the slots of a bucket, and what ends it.
func (s *slots[K]) bucket(j int) ([]slot[K], *trailer) {
	lines := linesOf[K]()
	first := unsafe.Pointer(&s.lines.v[j*lines])
	return unsafe.Slice((*slot[K])(first), perBucket[K]()),
		(*trailer)(unsafe.Add(first, lines*lineLen-int(unsafe.Sizeof(trailer{}))))
}

// at gives a slot by its number.
func (s *slots[K]) at(i int) *slot[K] {
	b, _ := s.bucket(i / perBucket[K]())
	return &b[i%perBucket[K]()]
}

func (s *slots[K]) pathAt(i int) uint32 {
	if s.path.v == nil {
		return 0
	}
	return s.path.v[i]
}

// find gives the slot of a route.
func (s *slots[K]) find(k K, length uint8, path uint32) (i int, found bool) {
	if s.homes == 0 {
		return 0, false
	}
	for j := s.home(k); j < s.buckets(); j++ {
		b, end := s.bucket(j)
		for n := range b[:end.fill] {
			if b[n].key == k && b[n].meta.length() == length && s.pathAt(j*perBucket[K]()+n) == path {
				return j*perBucket[K]() + n, true
			}
		}
		if end.passed == 0 {
			break
		}
	}
	return 0, false
}

// same yields the slots of all paths of one prefix.
func (s *slots[K]) same(k K, length uint8) iter.Seq[int] {
	return func(yield func(int) bool) {
		if s.homes == 0 {
			return
		}
		for j := s.home(k); j < s.buckets(); j++ {
			b, end := s.bucket(j)
			for n := range b[:end.fill] {
				if b[n].key == k && b[n].meta.length() == length && !yield(j*perBucket[K]()+n) {
					return
				}
			}
			if end.passed == 0 {
				return
			}
		}
	}
}

// touch asks for the memory in which a key stands, without waiting for it.
func (s *slots[K]) touch(k K) {
	if s.homes > 0 {
		prefetch(unsafe.Pointer(&s.lines.v[s.home(k)*linesOf[K]()]))
	}
}

// insert adds a route that find did not find.
func (s *slots[K]) insert(sl slot[K], path uint32) {
	if s.full() {
		s.enlarge(grown(s.homes, minHomes))
	}
	if path != 0 && s.path.v == nil {
		s.path = allocate[uint32](s.mem, s.capacity())
	}
	for !s.put(sl, path) {
		s.lengthen()
	}
	s.used++
}

// put places a route, unless everything from its home on is full.
func (s *slots[K]) put(sl slot[K], path uint32) bool {
	home := s.home(sl.key)
	for j := home; j < s.buckets(); j++ {
		b, end := s.bucket(j)
		n := int(end.fill)
		if n == len(b) {
			continue
		}
		b[n] = sl
		end.fill++
		if s.path.v != nil {
			s.path.v[j*perBucket[K]()+n] = path
		}
		s.pass(home, j, 1)
		return true
	}
	return false
}

// pass counts a route that has its home in one bucket and stands in another.
func (s *slots[K]) pass(home, j int, by int) {
	for ; home < j; home++ {
		if _, end := s.bucket(home); end.passed < manyPass {
			end.passed = uint16(int(end.passed) + by)
		}
	}
}

// enlarge gives the routes more buckets, where they stand. From back to front each bucket is emptied, and its routes go to their new homes,
// which lie in the same order, so that all behind them are in place already. One that had passed by buckets may have its
// home before those that are still to be emptied: it waits until all are.
func (s *slots[K]) enlarge(homes int) {
	if s.homes == 0 || s.path.v != nil {
		s.resize(homes)
		return
	}
	last := s.buckets() - 1
	s.homes = homes
	s.lines.grow(s.mem, s.buckets()*linesOf[K]())
	var moving, waiting []slot[K]
	for j := last; j >= 0; j-- {
		b, end := s.bucket(j)
		moving = append(moving[:0], b[:end.fill]...)
		*end = trailer{}
		for _, sl := range moving {
			if s.home(sl.key) < j || !s.put(sl, 0) {
				waiting = append(waiting, sl)
			}
		}
	}
	for _, sl := range waiting {
		for !s.put(sl, 0) {
			s.lengthen()
		}
	}
}

func (s *slots[K]) resize(homes int) { s.rebuild(homes, minTail) }

// lengthen gives the last routes more room: a prefix may have any number of paths.
func (s *slots[K]) lengthen() { s.rebuild(s.homes, 2*s.tail) }

// rebuild moves all routes, in their order, to new buckets.
func (s *slots[K]) rebuild(homes, tail int) {
	was := *s
	s.allocate(homes, tail)
	for j := range was.buckets() {
		b, end := was.bucket(j)
		for n := range b[:end.fill] {
			if !s.put(b[n], was.pathAt(j*perBucket[K]()+n)) {
				s.free()
				*s = was
				s.rebuild(homes, 2*tail)
				return
			}
		}
	}
	was.free()
}

func (s *slots[K]) allocate(homes, tail int) {
	s.homes, s.tail = homes, tail
	s.lines = allocate[line](s.mem, s.buckets()*linesOf[K]())
	if s.path.v != nil {
		s.path = allocate[uint32](s.mem, s.capacity())
	}
}

func (s *slots[K]) free() {
	s.lines.free(s.mem)
	s.path.free(s.mem)
}

// remove frees slot i, into which the last one of its bucket moves.
func (s *slots[K]) remove(i int) {
	j := i / perBucket[K]()
	b, end := s.bucket(j)
	s.pass(s.home(s.at(i).key), j, -1)
	end.fill--
	n := int(end.fill)
	*s.at(i) = b[n]
	if s.path.v != nil {
		s.path.v[i] = s.path.v[j*perBucket[K]()+n]
	}
	s.used--
}

// shrink gives memory back once little of it is used. It moves every route, so nobody may be walking.
func (s *slots[K]) shrink() {
	switch {
	case s.used == 0:
		s.clear()
	case s.homes > 8*minHomes && 4*s.used < s.homes*perBucket[K]():
		s.resize(max(minHomes, s.homes/2))
	}
}

// clear drops all routes and gives their memory back.
func (s *slots[K]) clear() {
	s.free()
	s.homes, s.tail, s.used = 0, 0, 0
}

// all yields every slot in use, the last of each bucket first, so that what is yielded may be removed.
func (s *slots[K]) all(yield func(int) bool) { s.from(0, s.buckets(), yield) }

// from yields the slots in use of some buckets.
func (s *slots[K]) from(first, end int, yield func(int) bool) {
	for j := first; j < end; j++ {
		_, last := s.bucket(j)
		for n := int(last.fill) - 1; n >= 0; n-- {
			if !yield(j*perBucket[K]() + n) {
				return
			}
		}
	}
}
