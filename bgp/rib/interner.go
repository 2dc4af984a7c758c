package rib

import (
	"hash/maphash"

	"peervane/bgp"
)

// ID names an attribute block in an Interner.
type ID uint32

// None stands for no attributes: a route of which only the presence is kept.
const None ID = 0

// Interner keeps each attribute block once, as the bytes that identify it. Blocks are counted by reference: what nobody
// holds is forgotten, and its ID is used again. Nothing is decoded here: whoever needs a block decoded does it from its
// bytes, and may leave the result here for the next one.
//
// The zero value is ready, and keeps all on the Go heap. It belongs to one goroutine at a time.
type Interner struct {
	Memory Memory // set before the first use

	entries block[entry] // by ID; the first is None
	next    ID           // the first entry that was never used
	free    ID           // entries to be used again, each naming the next in size
	index   index
	keys    arena
	decoded decoded
	seed    maphash.Seed
}

// entry is one block.
type entry struct {
	at   place  // of the key
	refs uint32 // 0: free, and size is the next free one
	note uint32
	size uint32 // of the key
}

const minEntries = 64

// Intern gives the ID of the block with this key, with one reference for the caller, who gives it back by Release. The key is
// copied when it is new, as new then says.
func (in *Interner) Intern(key []byte) (id ID, isNew bool) { return in.InternKey(in.hashed(key)) }

// Key is a key with its hash, by which its block is found.
type Key struct {
	bytes []byte
	hash  uint32
}

// Touch asks for the memory that InternKey will need, without waiting for it. The Key is valid as long as the bytes.
func (in *Interner) Touch(key []byte) Key {
	k := in.hashed(key)
	in.index.touch(k.hash)
	return k
}

func (in *Interner) hashed(key []byte) Key {
	if in.next == 0 {
		in.seed, in.next = maphash.MakeSeed(), 1
		in.index.mem, in.keys.mem = in.Memory, in.Memory
	}
	return Key{key, uint32(maphash.Bytes(in.seed, key))}
}

// InternKey is Intern of a key that was touched, since nothing was released.
func (in *Interner) InternKey(k Key) (id ID, isNew bool) {
	key, h := k.bytes, k.hash
	for id = range in.index.all(h) {
		if e := &in.entries.v[id]; string(in.keys.bytes(e.at, e.size)) == string(key) {
			e.refs++
			return id, false
		}
	}
	id = in.allocate()
	in.entries.v[id] = entry{at: in.keys.add(key), refs: 1, size: uint32(len(key))}
	in.index.add(h, id)
	return id, true
}

func (in *Interner) allocate() ID {
	if id := in.free; id != None {
		in.free = ID(in.entries.v[id].size)
		return id
	}
	if n := len(in.entries.v); int(in.next) >= n {
		in.entries.grow(in.Memory, grown(n, minEntries))
	}
	in.next++
	return in.next - 1
}

// Retain adds a reference.
func (in *Interner) Retain(id ID) {
	if id != None {
		in.entries.v[id].refs++
	}
}

// Release gives a reference back; the last one frees the block.
func (in *Interner) Release(id ID) {
	if id == None {
		return
	}
	e := &in.entries.v[id]
	if e.refs--; e.refs == 0 {
		in.forget(id, e)
	}
}

// forget frees a block, and everything once the last has gone.
func (in *Interner) forget(id ID, e *entry) {
	key := in.keys.bytes(e.at, e.size)
	in.index.remove(uint32(maphash.Bytes(in.seed, key)), id)
	if in.index.used == 0 {
		in.drop()
		return
	}
	in.keys.remove(e.at, e.size)
	in.decoded.remove(id)
	*e = entry{size: uint32(in.free)}
	in.free = id
	if in.keys.sparse() {
		in.compact()
	}
}

// compact moves the keys together, after many have gone.
func (in *Interner) compact() {
	was := in.keys
	in.keys = arena{mem: in.Memory}
	for i := range in.entries.v[:in.next] {
		if e := &in.entries.v[i]; e.refs > 0 {
			e.at = in.keys.add(was.bytes(e.at, e.size))
		}
	}
	was.drop()
}

func (in *Interner) drop() {
	in.entries.free(in.Memory)
	in.index.drop()
	in.keys.drop()
	*in = Interner{Memory: in.Memory}
}

// Attrs gives the decoded form of a block, nil if nobody has set it.
func (in *Interner) Attrs(id ID) *bgp.Attrs { return in.decoded.get(id) }

// SetAttrs keeps the decoded form of a block as long as the block.
func (in *Interner) SetAttrs(id ID, a *bgp.Attrs) { in.decoded.set(id, a) }

// Note gives the number that was noted of a block; 0 at first.
func (in *Interner) Note(id ID) uint32 {
	if int(id) >= len(in.entries.v) {
		return 0
	}
	return in.entries.v[id].note
}

// SetNote notes a number of a block.
func (in *Interner) SetNote(id ID, note uint32) { in.entries.v[id].note = note }

// Key gives the bytes that identify a block, which are valid as long as nothing is interned or released.
func (in *Interner) Key(id ID) []byte {
	if !in.Holds(id) {
		return nil
	}
	e := &in.entries.v[id]
	return in.keys.bytes(e.at, e.size)
}

// Holds says whether a block has this ID.
func (in *Interner) Holds(id ID) bool { return id != None && id < in.next && in.entries.v[id].refs > 0 }

// Span is one more than the highest ID in use.
func (in *Interner) Span() ID { return in.next }

// Len is the number of blocks held.
func (in *Interner) Len() int { return in.index.used }
