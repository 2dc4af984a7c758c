package rib

import (
	"iter"
	"unsafe"
)

// index finds IDs by the hash of their keys: open addressing with linear probing. Each place holds the hash beside the ID, so
// that nearly every probe that is none is seen to be none at once. The zero value is ready.
type index struct {
	mem   Memory
	place block[hashed]
	used  int
}

// hashed is one place; without an ID it is free.
type hashed struct {
	hash uint32
	id   ID
}

// home is where the search for a hash begins.
func (x *index) home(h uint32) int { return int(uint64(h) * uint64(len(x.place.v)) >> 32) }

// touch asks for the memory in which a hash is searched, without waiting for it.
func (x *index) touch(h uint32) {
	if x.used > 0 {
		prefetch(unsafe.Pointer(&x.place.v[x.home(h)]))
	}
}

func (x *index) next(i int) int {
	if i++; i == len(x.place.v) {
		return 0
	}
	return i
}

// all yields the IDs with this hash.
func (x *index) all(h uint32) iter.Seq[ID] {
	return func(yield func(ID) bool) {
		if x.used == 0 {
			return
		}
		for i := x.home(h); x.place.v[i].id != None; i = x.next(i) {
			if p := x.place.v[i]; p.hash == h && !yield(p.id) {
				return
			}
		}
	}
}

func (x *index) add(h uint32, id ID) {
	if n := len(x.place.v); 5*(x.used+1) > 4*n {
		was := x.place
		x.place = allocate[hashed](x.mem, grown(n, minEntries))
		for _, p := range was.v {
			if p.id != None {
				x.put(p)
			}
		}
		was.free(x.mem)
	}
	x.put(hashed{h, id})
	x.used++
}

func (x *index) put(p hashed) {
	i := x.home(p.hash)
	for x.place.v[i].id != None {
		i = x.next(i)
	}
	x.place.v[i] = p
}

// remove takes an ID out and closes the gap: every follower that the gap parts from its home moves up.
func (x *index) remove(h uint32, id ID) {
	v, i := x.place.v, x.home(h)
	for v[i].id != id {
		i = x.next(i)
	}
	for j := x.next(i); v[j].id != None; j = x.next(j) {
		if !between(i, x.home(v[j].hash), j) {
			v[i] = v[j]
			i = j
		}
	}
	v[i] = hashed{}
	x.used--
}

// between says whether home lies behind i and not behind j, going round.
func between(i, home, j int) bool {
	if i <= j {
		return i < home && home <= j
	}
	return home > i || home <= j
}

func (x *index) drop() { x.place.free(x.mem) }
