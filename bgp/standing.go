package bgp

import (
	"net/netip"
	"time"
)

// What a recording of our own sessions tells beside what they told themselves. No live session tells these.

// Registered says of what prefixes the vantages told all that is inside or covers them. Born counts the configurations: what came with a later
// one than a vantage has shown whole is not known there yet.
type Registered struct {
	Born     int
	Prefixes []netip.Prefix
}

// Standing says how a vantage stood when the recording began.
type Standing struct {
	Vantage     *Vantage
	At          time.Time // when the recording began
	Active      bool      // configured, and connecting to its neighbour: it is missed from the start
	Dynamic     bool      // known only since it connected
	Up          bool
	WasUp       bool // at some time since the daemon started
	EndOfRIBDue bool // see SessionUp
	Recorded    bool // likewise
	Since       time.Time
	Reason      string // why it is down
	Families    [NumFamilies]StandingFamily
	Held        []Held
	More        bool // other vantages follow, and nothing can be judged before the last of them
}

// StandingFamily is how far what a vantage holds of a family could be trusted.
type StandingFamily struct {
	Spoken  bool      // negotiated
	Synced  bool      // see EndOfRIB
	Since   time.Time // when it was in sync first since it came up; zero: never
	Whole   int       // what was registered by then it has shown whole, see Registered
	AddPath bool      // a prefix may come with several paths (RFC 7911)
	Kept    bool      // the session was lost, the routes are held as stale (RFC 4724)
}

// Held is one route that a vantage held. Without attributes it is the memory that one was withdrawn since the vantage came
// up: absence that was seen.
type Held struct {
	Prefix netip.Prefix
	PathID uint32
	Attrs  *Attrs
	Since  time.Time // since when this AS path is held, or gone
}

// Awaited says that one of our own sessions is to be known from now on: it was configured, or it is a dynamic neighbour
// that connected. A vantage of the same name that was known before is replaced by it.
type Awaited struct {
	Vantage *Vantage
	At      time.Time
	Active  bool // see Standing
	Dynamic bool // likewise
}

// When implements Input.
func (s Standing) When() time.Time { return s.At }

// Of implements Input.
func (s Standing) Of() *Vantage { return s.Vantage }

// When implements Input.
func (a Awaited) When() time.Time { return a.At }

// Of implements Input.
func (a Awaited) Of() *Vantage { return a.Vantage }

func (Standing) input() {}
func (Awaited) input()  {}
