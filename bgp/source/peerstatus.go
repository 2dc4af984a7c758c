package source

import (
	"context"
	"iter"
	"net/netip"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/session"
)

// PeerCounts count since the peer was made.
type PeerCounts struct {
	Updates   uint64 // messages
	Announced uint64 // routes
	Withdrawn uint64 // routes, those of a malformed UPDATE included (RFC 7606)
	Faults    FaultCounts
}

// PeerStatus is what a peer looked like at one moment. It is a copy.
type PeerStatus struct {
	PeerCounts
	Session       session.Status
	Routes        [bgp.NumFamilies]int // held; every path of a prefix counts
	Stale         [bgp.NumFamilies]int
	Spoken        [bgp.NumFamilies]bool // agreed on with the neighbour in this session
	Synced        [bgp.NumFamilies]bool // End-of-RIB has come since the session came up
	Attributes    int                   // different attribute blocks held
	LimitExceeded bool
	Leaked        int // routes of a full table, outside what is watched
}

// Status may be called from any goroutine.
func (p *Peer) Status() PeerStatus {
	s := PeerStatus{Session: p.session.State()}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.PeerCounts, s.LimitExceeded, s.Attributes = p.counts, p.exceeded, p.interner.Len()
	s.Leaked = p.leaks.total
	s.Faults = p.counts.Faults.clone()
	for _, f := range bgp.Families {
		s.Spoken[f] = p.families[f].up
		s.Routes[f], s.Stale[f], s.Synced[f] = p.table.Len(f), p.table.StaleLen(f), p.families[f].synced
	}
	return s
}

// Mode says which routes a Query asks for.
type Mode uint8

// The modes.
const (
	Longest Mode = iota // of the longest prefix that is or covers the one asked for
	Exact
	Covering // of the prefix and all that cover it, the longest first
	Within   // of the prefix and all inside it
)

// maxQuery is how many routes a Query gives at most: the lock is held meanwhile.
const maxQuery = 10_000

// Query gives routes that the peer holds; more says that there are others. A peer that keeps only watched routes knows of
// no others. It may be called from any goroutine. Ingestion waits meanwhile, for the milliseconds of a walk.
func (p *Peer) Query(ctx context.Context, prefix netip.Prefix, mode Mode) (routes []bgp.Seen, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil || !prefix.IsValid() {
		return nil, false
	}
	for r := range p.lookup(prefix.Masked(), mode) {
		if r.ID == rib.None {
			continue
		}
		if len(routes) == maxQuery {
			return routes, true
		}
		routes = append(routes, bgp.Seen{
			Vantage: p.cfg.Vantage, Prefix: r.Prefix, PathID: r.PathID, Attrs: r.Attrs, Since: r.Since,
		})
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
	}
	return p.table.Longest(prefix)
}
