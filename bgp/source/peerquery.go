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
// no others. It may be called from any goroutine. Ingestion waits meanwhile, for the milliseconds of a walk.
func (p *Peer) Query(ctx context.Context, prefix netip.Prefix, mode Mode) (routes []Held, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil || !prefix.IsValid() {
		return nil, false
	}
	for r := range p.lookup(prefix.Masked(), mode) {
		if r.ID == rib.None {
			continue
		}
		if len(routes) == MaxQuery {
			return routes, true
		}
		routes = append(routes, Held{bgp.Seen{
			Vantage: p.cfg.Vantage, Prefix: r.Prefix, PathID: r.PathID, Attrs: wire.AttrsOf(p.interner.Key(r.ID)), Since: r.Since,
		}, r.Stale})
	}
	return routes, false
}

func (p *Peer) lookup(prefix netip.Prefix, mode Mode) iter.Seq[rib.Route] {
	switch mode {
	case Exact:
		return p.table.Exact(prefix)
	case Covering:
		return p.table.Covering(prefix)
	case Within:
		return p.table.Within(prefix)
	case Related:
		return func(yield func(rib.Route) bool) {
			for r := range p.table.Covering(prefix) {
				if !yield(r) {
					return
				}
			}
			for r := range p.table.Within(prefix) {
				if r.Prefix != prefix && !yield(r) {
					return
				}
			}
		}
	}
	return p.table.Longest(prefix)
}
