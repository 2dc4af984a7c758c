package detect

import (
	"net/netip"
	"time"

	"peervane/bgp"
	"peervane/bgp/rpki"
)

// What is expected of a registered prefix.
const (
	Announced = "announced"
	Optional  = "optional" // absence is fine
	Absent    = "absent"   // any exact route or more-specific is wrong, whatever its origin
)

// Policy says what is legitimate for a registered prefix. Many registrations share one; it is never changed.
type Policy struct {
	Origins         []uint32
	Disputed        []uint32 // origins that the same prefix is registered with elsewhere
	AnyOrigin       bool
	Expect          string   // Announced, Optional or Absent
	Upstreams       []uint32 // nil = any
	Required        []uint32 // required_upstreams
	CoveringOrigins []uint32
	MaxLength       int // 0 = the prefix's own length
	MinVantages     int // 0 and 1 = one is enough
	Ignore          bool
	Labels          map[string]string

	RequiredCommunities      []bgp.Community
	RequiredLargeCommunities []bgp.LargeCommunity
	MaxPathLength            int // 0 = no limit
	AllowPrivateASN          bool
	AllowPrepending          bool
	NoExport                 bool
	Paths                    []PathRule
}

// Connection is the site that a registration belongs to. Where a registration has none, every one of our own sessions
// is primary, and one that holds the prefix is enough.
type Connection struct {
	Name       string
	Provider   string
	Primary    []string // names of vantages; none = every one of our own sessions that is no backup
	Backup     []string
	MinPrimary int // 0 and 1 = one is enough
}

// Registration is one registered prefix.
type Registration struct {
	Prefix     netip.Prefix
	Policy     *Policy
	Connection *Connection // nil = none
}

// Settings are what all registrations have in common.
type Settings struct {
	OurASN     uint32
	Neighbours map[uint32]bgp.Relationship // external ASNs behind internal peers
	tier1s     *someASNs                   // nil, or what is in Tier1 and a little more
	servers    *someASNs                   // the same of RouteServers
	Siblings   map[uint32]uint32           // ASN -> the one that stands for its organisation; absent = itself

	RouteServers map[uint32]bool      // transparent ASNs
	ASNs         map[uint32]WatchedAS // ours, watched as such
	Ours         map[uint32]bool      // legitimate origins of any registered prefix

	// What tells leaks.
	Relationships *Relationships      // nil = nothing is known
	Tier1         map[uint32]Tier1AS  // as the function Tier1 gives it
	Peerlock      map[uint32][]uint32 // protected ASN -> the upstreams that may carry it too

	RPKI *rpki.Set // nil: none was read yet

	Hold           time.Duration // announcement types
	AbsenceHold    time.Duration // withdrawn, covering_change
	PathChangeHold time.Duration
	PathSettle     time.Duration

	Off    map[string]bool // types set to "off": not judged, and without precedence
	Replay bool            // every vantage is primary that is not relived; where none is, one that holds a prefix is enough
}

// Vantage is a vantage as it stands now.
type Vantage struct {
	*bgp.Vantage
	Up bool
	// InSync says that what it holds of the state's prefix is all that there is: its table of the family is whole, or a
	// route of this very prefix has been there since it came up. It decides on absence, and on what ends.
	InSync bool
	// Watching says that it has shown the registered prefix since it came up, so that it could show what is inside.
	Watching bool
	Mute     bool      // up, without this family: the neighbour did not agree to it
	Loading  bool      // its first table is still arriving: it may hold better paths than it has shown
	Since    time.Time // in sync since
}

// Held is a route that a vantage holds.
type Held struct {
	V int // index into State.Vantages
	bgp.Seen
	Stale bool // kept by graceful restart; counts as held
}

// State is one scope: a route prefix under its registration. The zero values of Routes, Covering and Memory are fine.
//
// A State is built for one judgement, Learn and then All, and not changed between them.
type State struct {
	Reg      *Registration
	Prefix   netip.Prefix // Reg.Prefix (the exact scope), or a more-specific of it; under Unlisted, any other
	Now      time.Time    // the time of the input, or of the clock, that led to this judgement
	Settings *Settings
	Vantages []Vantage
	Routes   []Held // of Prefix, in the order of Sort

	// Of a more-specific only, for evidence: routes of the registered prefix, and of the other half of what it is half of.
	Around []Held

	Hijacks *Hijacks // inside the registration: Memory.Hijacks, in every scope of it

	// Of the exact scope only: the longest less-specific routes of each vantage, default routes left out, in the
	// order of Sort; and what is remembered of the registration.
	Covering []Held
	Memory   *Memory

	// Changed is when the RPKI data or the configuration changed that this prefix is judged by, as long as what comes of that is not
	// told: what its routes do wrong by them they have not done for longer. Zero = they are as they were before.
	Changed time.Time

	Verdicts *Verdicts // on paths, kept between judgements; nil = none are

	Found []bgp.Finding // has room for what All finds; what is in it is lost; nil = none is kept

	// What Learn and All have in common, worked out once.
	best    []*Held // the best path of each vantage; nil = holds none
	claims  map[*Held]*claim
	traces  []*Trace // of each vantage; nil = nothing is remembered
	settled []string
	gone    []string
	recheck time.Time
	transit map[uint32]bool // ASNs on legitimate paths; nil = not asked for yet
}

// maxLength is the longest legitimate more-specific.
func (s *State) maxLength() int { return max(s.Reg.Policy.MaxLength, s.Reg.Prefix.Bits()) }

// exact says whether this is the scope of the registered prefix itself.
func (s *State) exact() bool { return s.Prefix == s.Reg.Prefix }
