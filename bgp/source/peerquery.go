package source

import (
	"context"
	"iter"
	"net/netip"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// Mode says which routes a Query asks for.
type Mode uint8

// The modes.
const (
	Longest Mode = iota // of the longest prefix that is or covers the one asked for
	Exact
	Covering // of the prefix and all that cover it, the longest first
	Within   // of the prefix and all inside it
	Related  // Covering and Within
)

// MaxQuery is how many routes a Query gives at most.
const MaxQuery = 10_000

// Held is a route that a peer holds.
type Held struct {
	bgp.Seen
	Stale bool
}

// Query gives routes that the peer holds; more says that there are others. A peer that keeps only watched routes knows of
// no others. It may be called from any goroutine. A walk through the table is done in parts of less than a millisecond, between
// which the peer goes on reading.
func (p *Peer) Query(ctx context.Context, prefix netip.Prefix, mode Mode) (routes []Held, more bool) {
	if !prefix.IsValid() {
		return nil, false
	}
	q := query{peer: p, prefix: prefix.Masked(), seen: map[bgp.NLRI]bool{}}
	if mode != Within {
		p.mu.Lock()
		for r := range p.lookup(q.prefix, mode) {
			q.add(r)
		}
		p.mu.Unlock()
	}
	if mode == Within || mode == Related {
		q.walk(ctx)
	}
	return q.routes, q.more
}

// query is one question under way.
type query struct {
	peer   *Peer
	prefix netip.Prefix
	seen   map[bgp.NLRI]bool
	routes []Held
	more   bool
}

// add takes a route in; the peer's lock is held.
func (q *query) add(r rib.Route) {
	key := bgp.NLRI{Prefix: r.Prefix, PathID: r.PathID}
	switch {
	case r.ID == rib.None || q.seen[key]:
	case len(q.routes) == MaxQuery:
		q.more = true
	default:
		q.seen[key] = true
		q.routes = append(q.routes, Held{bgp.Seen{
			Vantage: q.peer.cfg.Vantage, Prefix: r.Prefix, PathID: r.PathID, Attrs: q.peer.shown(r.ID), Since: r.Since,
		}, r.Stale})
	}
}

// walk looks for what is inside the prefix.
func (q *query) walk(ctx context.Context) {
	var at rib.Cursor
	for left := true; left && !q.more && ctx.Err() == nil; {
		q.peer.mu.Lock()
		at, left = q.peer.table.WithinPart(q.prefix, at, q.add)
		q.peer.mu.Unlock()
	}
}

// shown decodes the attributes of a block, but does not keep what nobody else may ask for.
func (p *Peer) shown(id rib.ID) *bgp.Attrs {
	if a := p.interner.Attrs(id); a != nil {
		return a
	}
	return wire.AttrsOf(p.interner.Key(id))
}

func (p *Peer) lookup(prefix netip.Prefix, mode Mode) iter.Seq[rib.Route] {
	switch mode {
	case Exact:
		return p.table.Exact(prefix)
	case Covering, Related:
		return p.table.Covering(prefix)
	}
	return p.table.Longest(prefix)
}
