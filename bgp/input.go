package bgp

import (
	"net/netip"
	"time"
)

// Input is what a source tells the engine about a vantage: a Change, or one of the session events below.
// Inputs of one vantage come in order.
type Input interface {
	// When is the time of the record, or of the read from the socket.
	When() time.Time
	// Of is the vantage that it is about.
	Of() *Vantage
	input()
}

// Cause says why a change came, since initial tables, refreshes and losses do not count as instability.
type Cause uint8

// The causes of a change.
const (
	Updated   Cause = iota // an UPDATE of a session in sync
	Initial                // part of the first table after a session came up, or of a RIB dump
	Refreshed              // part of a route refresh, or swept at its end
	Swept                  // stale after a graceful restart and not announced again
)

// Change is one route that was announced or withdrawn at a vantage. Where the engine lagged, it is the last of several
// and carries their counts.
type Change struct {
	Vantage *Vantage
	Prefix  netip.Prefix
	PathID  uint32 // RFC 7911; 0 without ADD-PATH
	Attrs   *Attrs // nil: withdrawn
	At      time.Time
	Cause   Cause

	First       time.Time // the first of the coalesced changes; equal to At for one
	Announced   uint32    // how many announcements this stands for
	Withdrawn   uint32    // how many withdrawals
	PathChanges uint32    // how many of the announcements brought another AS path
}

// Coalesced says whether the change stands for more than one.
func (c Change) Coalesced() bool { return c.Announced+c.Withdrawn > 1 }

// SessionUp says that a vantage came up. Whatever was known of it is unknown until it is in sync, except routes that it
// kept by graceful restart.
type SessionUp struct {
	Vantage     *Vantage
	At          time.Time
	Families    []Family
	AddPath     [NumFamilies]bool // a prefix may come with several paths (RFC 7911)
	EndOfRIBDue bool              // the neighbour advertised graceful restart, so End-of-RIB will come (RFC 4724)
	Recorded    bool              // a recording or a feed: in sync for a prefix once it was announced there, or a RIB dump listed the peer
}

// SessionDown says that a vantage was lost. Routes of the Kept families are held as stale (RFC 4724).
type SessionDown struct {
	Vantage *Vantage
	At      time.Time
	Reason  string
	Kept    []Family
}

// StaleLost says that stale routes of a family were given up: the timer ran out, or the neighbour returned without them.
// What the vantage held of that family is unknown from now on.
type StaleLost struct {
	Vantage *Vantage
	Family  Family
	At      time.Time
}

// EndOfRIB says that a vantage has shown all routes of a family since it came up: by the marker of RFC 4724, at the end of
// a RIB dump, or, where none is due, because no new route has come for 30 s. It comes again when all routes have been
// told that are newly watched.
type EndOfRIB struct {
	Vantage *Vantage
	Family  Family
	At      time.Time
}

// Gone says that a vantage was forgotten: a peer taken out of the configuration, or a dynamic neighbour after its time.
type Gone struct {
	Vantage *Vantage
	At      time.Time
}

// LimitExceeded says that a peer sends more prefixes than max_prefixes allows, or (Exceeded false) no longer does.
type LimitExceeded struct {
	Vantage  *Vantage
	At       time.Time
	Exceeded bool
	Prefixes int
	Limit    int
}

// TableDropped says that a full table of a family fell by over a fifth within a minute, or (Dropped false) is back. The end
// of the session ends it, too.
type TableDropped struct {
	Vantage *Vantage
	Family  Family
	At      time.Time
	Dropped bool
	Before  int // routes, from which it fell
	Routes  int // left
}

// When implements Input.
func (c Change) When() time.Time { return c.At }

// Of implements Input.
func (c Change) Of() *Vantage { return c.Vantage }

// When implements Input.
func (s SessionUp) When() time.Time { return s.At }

// Of implements Input.
func (s SessionUp) Of() *Vantage { return s.Vantage }

// When implements Input.
func (s SessionDown) When() time.Time { return s.At }

// Of implements Input.
func (s SessionDown) Of() *Vantage { return s.Vantage }

// When implements Input.
func (s StaleLost) When() time.Time { return s.At }

// Of implements Input.
func (s StaleLost) Of() *Vantage { return s.Vantage }

// When implements Input.
func (e EndOfRIB) When() time.Time { return e.At }

// Of implements Input.
func (e EndOfRIB) Of() *Vantage { return e.Vantage }

// When implements Input.
func (g Gone) When() time.Time { return g.At }

// Of implements Input.
func (g Gone) Of() *Vantage { return g.Vantage }

// When implements Input.
func (l LimitExceeded) When() time.Time { return l.At }

// Of implements Input.
func (l LimitExceeded) Of() *Vantage { return l.Vantage }

// When implements Input.
func (d TableDropped) When() time.Time { return d.At }

// Of implements Input.
func (d TableDropped) Of() *Vantage { return d.Vantage }

func (Change) input()        {}
func (SessionUp) input()     {}
func (SessionDown) input()   {}
func (StaleLost) input()     {}
func (EndOfRIB) input()      {}
func (Gone) input()          {}
func (LimitExceeded) input() {}
func (TableDropped) input()  {}
