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

// Status may be called from any goroutine, and never waits: while the peer is busy with many routes at once, as when a full
// table is dropped, it shows the table as it was before.
func (p *Peer) Status() PeerStatus {
	if p.lockSoon() {
		p.show()
		p.mu.Unlock()
	}
	s := *p.last.Load()
	s.Session = p.session.State()
	return s
}

// lockTries last for some microseconds: longer than an UPDATE takes.
const lockTries = 300

// lockSoon takes the lock, unless somebody holds it for long.
func (p *Peer) lockSoon() bool {
	for range lockTries {
		if p.mu.TryLock() {
			return true
		}
	}
	return false
}

// show notes what Status shows, all but the session. The lock is held, or nobody else knows p.
func (p *Peer) show() {
	s := &PeerStatus{PeerCounts: p.counts, LimitExceeded: p.exceeded, Attributes: p.interner.Len(), Leaked: p.leaks.total}
	s.Faults = p.counts.Faults.clone()
	for _, f := range bgp.Families {
		s.Spoken[f] = p.families[f].up
		s.Routes[f], s.Stale[f], s.Synced[f] = p.table.Len(f), p.table.StaleLen(f), p.families[f].synced
	}
	p.last.Store(s)
}
