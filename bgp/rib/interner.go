package rib

import (
	"hash/maphash"

	"peervane/bgp"
)

// ID names an attribute block in an Interner.
type ID uint32

// None stands for no attributes: a route of which only the presence is kept.
const None ID = 0

// Interner keeps each attribute block once, under the bytes that identify it, and at most one decoded form of it.
// Blocks are counted by reference: what nobody holds is forgotten, and its ID is used again.
// The zero value is ready. It belongs to one goroutine at a time.
type Interner struct {
	entries []block // by ID; the first is None
	free    []ID
	index   []ID // open addressing; a power of two in size
	used    int
	seed    maphash.Seed
}

type block struct {
	key   string
	attrs *bgp.Attrs
	hash  uint32
	refs  uint32
}

const minIndex = 16

// Intern gives the ID of the block with this key, with one reference for the caller, who gives it back by Release.
// The key is copied when it is new.
func (in *Interner) Intern(key []byte) ID {
	if 4*(in.used+1) > 3*len(in.index) {
		in.resize(max(minIndex, 2*len(in.index)))
	}
	h := uint32(maphash.Bytes(in.seed, key))
	mask := len(in.index) - 1
	i := int(h) & mask
	for ; in.index[i] != None; i = (i + 1) & mask {
		if b := &in.entries[in.index[i]]; b.hash == h && b.key == string(key) {
			b.refs++
			return in.index[i]
		}
	}
	id := in.allocate()
	in.entries[id] = block{key: string(key), hash: h, refs: 1}
	in.index[i] = id
	in.used++
	return id
}

func (in *Interner) allocate() ID {
	if n := len(in.free); n > 0 {
		id := in.free[n-1]
		in.free = in.free[:n-1]
		return id
	}
	in.entries = append(in.entries, block{})
	return ID(len(in.entries) - 1)
}

func (in *Interner) resize(n int) {
	if in.index == nil {
		in.seed = maphash.MakeSeed()
		in.entries = make([]block, 1, minIndex)
	}
	old := in.index
	in.index = make([]ID, n)
	for _, id := range old {
		if id == None {
			continue
		}
		i := int(in.entries[id].hash) & (n - 1)
		for in.index[i] != None {
			i = (i + 1) & (n - 1)
		}
		in.index[i] = id
	}
}

// Retain adds a reference.
func (in *Interner) Retain(id ID) {
	if id != None {
		in.entries[id].refs++
	}
}

// Release gives a reference back; the last one frees the block.
func (in *Interner) Release(id ID) {
	if id == None {
		return
	}
	b := &in.entries[id]
	if b.refs--; b.refs == 0 {
		in.forget(id)
	}
}

// forget takes a block out of the index, closing the gap, and frees everything once the last has gone.
func (in *Interner) forget(id ID) {
	mask := len(in.index) - 1
	i := int(in.entries[id].hash) & mask
	for in.index[i] != id {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; in.index[j] != None; j = (j + 1) & mask {
		if home := int(in.entries[in.index[j]].hash) & mask; !between(i, home, j) {
			in.index[i] = in.index[j]
			i = j
		}
	}
	in.index[i] = None
	in.entries[id] = block{}
	in.free = append(in.free, id)
	if in.used--; in.used == 0 {
		*in = Interner{}
	}
}

// Attrs gives the decoded form of a block, nil if nobody has set it.
func (in *Interner) Attrs(id ID) *bgp.Attrs {
	if id == None {
		return nil
	}
	return in.entries[id].attrs
}

// SetAttrs keeps the decoded form of a block.
func (in *Interner) SetAttrs(id ID, a *bgp.Attrs) { in.entries[id].attrs = a }

// Key gives the bytes that identify a block.
func (in *Interner) Key(id ID) string {
	if id == None {
		return ""
	}
	return in.entries[id].key
}

// Span is one more than the highest ID in use.
func (in *Interner) Span() ID { return ID(len(in.entries)) }

// Len is the number of blocks held.
func (in *Interner) Len() int { return in.used }
