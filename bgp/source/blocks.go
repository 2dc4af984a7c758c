package source

import (
	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// blocks interns the attributes of one UPDATE, once for each family and only when a route needs them.
type blocks struct {
	in  *rib.Interner
	new func(rib.ID) // told of each block that was not held, unless nil
	ids [bgp.NumFamilies]rib.ID

	touched bool // key is that of a family, whose memory was asked for
	family  bgp.Family
	key     rib.Key
}

// touch asks for the memory that interning the attributes of a family needs.
func (b *blocks) touch(u *wire.Update, f bgp.Family) {
	b.touched, b.family, b.key = true, f, b.in.Touch(u.Key(f))
}

// id is valid until done; whoever keeps it longer must retain it.
func (b *blocks) id(u *wire.Update, f bgp.Family) rib.ID {
	if b.ids[f] != rib.None {
		return b.ids[f]
	}
	if !b.touched || b.family != f {
		b.touch(u, f)
	}
	id, isNew := b.in.InternKey(b.key)
	if isNew && b.new != nil {
		b.new(id)
	}
	b.ids[f] = id
	return id
}

// decoded gives the attributes of a block, decoded for the first who asks. None has none.
func decoded(in *rib.Interner, id rib.ID) *bgp.Attrs {
	if id == rib.None {
		return nil
	}
	a := in.Attrs(id)
	if a == nil {
		a = wire.AttrsOf(in.Key(id))
		in.SetAttrs(id, a)
	}
	return a
}

func (b *blocks) done() {
	for f, id := range b.ids {
		b.in.Release(id)
		b.ids[f] = rib.None
	}
}

// samePath says whether two routes have the same AS path as received.
func samePath(a, b *bgp.Attrs) bool {
	return a == b || a != nil && b != nil && a.Path.String() == b.Path.String()
}
