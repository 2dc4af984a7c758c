package source

import (
	"peervane/bgp"
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
