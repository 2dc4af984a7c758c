package rib

import (
	"net/netip"

	"github.com/gaissmai/bart"

	"peervane/bgp"
)

// Watched says which routes concern us: those inside or covering a watched prefix, and those whose path holds a
// watched ASN. It is immutable. The nil set watches nothing.
//
// There may be a million registered prefixes, so a set that differs from another in a few of them shares the rest with
// it, and knows in which; the addresses of POPs stand apart, since they change whenever a host name is resolved.
type Watched struct {
	prefixes *bart.Lite // registered
	hosts    *bart.Lite // nil: none
	near     *nearby    // where prefixes are, or were before Change
	nearHost *nearby
	asns     map[uint32]struct{}

	made, from     *lineage
	added, removed *bart.Lite // what tells prefixes from those of from; nil: nothing
}

// lineage is the identity of a set of registered prefixes.
type lineage struct{ _ byte }

// NewWatched makes the set of some registered prefixes and ASNs.
func NewWatched(prefixes []netip.Prefix, asns []uint32) *Watched {
	w := &Watched{prefixes: &bart.Lite{}, near: nearbyOf(prefixes), made: &lineage{}}
	for _, p := range prefixes {
		w.prefixes.Insert(p.Masked())
	}
	return w.With(nil, asns)
}

// persistent is up to how many changes the nodes on the way to each are copied; beyond it, the whole trie is.
const persistent = 1000

// Change makes the set that has some registered prefixes more and others less. It costs what they are, unless they are
// very many.
func (w *Watched) Change(added, removed []netip.Prefix) *Watched {
	if len(added)+len(removed) == 0 {
		return w
	}
	n := *w
	n.near = w.near.with(added)
	n.made, n.from, n.added, n.removed = &lineage{}, nil, nil, nil
	if len(added)+len(removed) <= max(persistent, w.prefixes.Size()/4) { // what is larger is not worth keeping
		n.from, n.added, n.removed = w.made, liteOf(added), liteOf(removed)
	}
	if len(added)+len(removed) <= persistent {
		for _, p := range removed {
			n.prefixes = n.prefixes.DeletePersist(p.Masked())
		}
		for _, p := range added {
			n.prefixes = n.prefixes.InsertPersist(p.Masked())
		}
		return &n
	}
	n.prefixes = n.prefixes.Clone()
	for _, p := range removed {
		n.prefixes.Delete(p.Masked())
	}
	for _, p := range added {
		n.prefixes.Insert(p.Masked())
	}
	return &n
}

// With makes the set of the same registered prefixes, with these hosts and ASNs. A host route stands for a single
// address, as of a POP.
func (w *Watched) With(hosts []netip.Prefix, asns []uint32) *Watched {
	n := *w
	n.hosts, n.nearHost, n.asns = liteOf(hosts), nearbyOf(hosts), make(map[uint32]struct{}, len(asns))
	for _, asn := range asns {
		n.asns[asn] = struct{}{}
	}
	return &n
}

// liteOf is nil where there are none.
func liteOf(prefixes []netip.Prefix) *bart.Lite {
	if len(prefixes) == 0 {
		return nil
	}
	l := &bart.Lite{}
	for _, p := range prefixes {
		l.Insert(p.Masked())
	}
	return l
}

// Match says whether p lies inside a watched prefix or covers one. It costs a look at one bit for most that do not, and
// else one walk down the trie; it allocates nothing.
func (w *Watched) Match(p netip.Prefix) bool {
	return w != nil && (w.near.may(p) && w.prefixes.OverlapsPrefix(p) || w.hosts != nil && w.nearHost.may(p) && w.hosts.OverlapsPrefix(p))
}

// Near says, of a prefix in wire form, whether Match may be true; it is quicker, and what it says no to is not matched. It implements
// wire.Near.
func (w *Watched) Near(f bgp.Family, octets []byte, bits int) bool {
	return w != nil && (w.near.near(f, octets, bits) || w.hosts != nil && w.nearHost.near(f, octets, bits))
}

// MatchPath says whether the path holds a watched ASN.
func (w *Watched) MatchPath(p *bgp.Path) bool {
	if w == nil || len(w.asns) == 0 {
		return false
	}
	for _, s := range p.Segments {
		for _, asn := range s.ASNs {
			if _, ok := w.asns[asn]; ok {
				return true
			}
		}
	}
	return false
}

// ByPath says whether any ASN is watched, so that paths must be looked at.
func (w *Watched) ByPath() bool { return w != nil && len(w.asns) > 0 }

// Len is the number of watched prefixes.
func (w *Watched) Len() int {
	if w == nil {
		return 0
	}
	n := w.prefixes.Size()
	if w.hosts != nil {
		n += w.hosts.Size()
	}
	return n
}
