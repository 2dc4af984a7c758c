package api

import (
	"net/netip"
	"time"

	"peervane/daemon/notice"
)

// Snapshot is the daemon at one moment. It is immutable: readers share it.
type Snapshot struct {
	Status    Status
	Peers     []Peer
	Incidents []Incident // the open ones that no group tells of, latest first
	Counts    []Count
	POPs      []POP

	LocalDrops uint64        // probes that this host dropped itself
	Interval   time.Duration // between two batches of probes
	Made       time.Time     // with the monotonic clock; zero: nothing is known yet
}

// Status is the daemon as a whole.
type Status struct {
	Version       string      `json:"version"`
	Source        string      `json:"source"`
	StartedAt     notice.Time `json:"started_at"`
	ReloadedAt    notice.Time `json:"reloaded_at"`  // null: never
	ReloadError   string      `json:"reload_error"` // why the latest reload was refused; "" when it was not
	At            notice.Time `json:"at"`           // when this was true
	Ready         bool        `json:"ready"`
	PeersUp       int         `json:"peers_up"`
	Peers         int         `json:"peers"`
	Prefixes      int         `json:"prefixes"`
	OpenIncidents int         `json:"open_incidents"`
	Channels      []Channel   `json:"channels"`     // in the order of the configuration
	Feeds         []Feed      `json:"feeds"`        // likewise
	Silences      int         `json:"silences"`     // that hold
	HeldBack      int         `json:"held_back"`    // open incidents of which nothing is told just now
	Acknowledged  int         `json:"acknowledged"` // open incidents at which somebody works

	Store string `json:"store"` // "ok", or what is wrong with it

	RPKI          *RPKI          `json:"rpki"`          // null: no source is configured
	Relationships *Relationships `json:"relationships"` // null: no file of them is configured
}

// RPKI is the validated data that is in force.
type RPKI struct {
	VRPs   RPKIData `json:"vrps"`
	ASPAs  RPKIData `json:"aspas"`
	Errors []string `json:"errors"` // of caches and files that serve nothing new, each with its name
}

// RPKIData is one kind of it.
type RPKIData struct {
	Records int         `json:"records"`
	Source  string      `json:"source"` // "" while none is held
	At      notice.Time `json:"at"`     // when it was confirmed last, or made, as far as that is known
}

// Relationships is how much of the paths that were seen the file of relationships knows: of so many pairs of neighbours so many.
type Relationships struct {
	Links int `json:"links"` // in the file
	Pairs int `json:"pairs"`
	Known int `json:"known"`
}

// Channel is how one channel is.
type Channel struct {
	Name        string      `json:"name"`
	State       string      `json:"state"` // ok; failing; disabled, where nothing is sent until its configuration changes; unknown, before its first look at the outbox
	Since       notice.Time `json:"since"` // when it began to fail; null: it does not, or that is not known
	LastError   string      `json:"last_error"`
	LastErrorAt notice.Time `json:"last_error_at"` // null: none, or one of an earlier run
	DeadLetters int         `json:"dead_letters"`
	Waiting     int         `json:"waiting"` // deliveries that are not finished
}

// Feed is how one source of outside vantages is.
type Feed struct {
	Name        string      `json:"name"`
	Kind        string      `json:"kind"`
	State       string      `json:"state"` // starting; waiting, for somebody to connect or a first file; up; down
	Since       notice.Time `json:"since"`
	LastError   string      `json:"last_error"`
	LastErrorAt notice.Time `json:"last_error_at"` // null: none
	LastRead    notice.Time `json:"last_read"`     // null: nothing yet
	Vantages    int         `json:"vantages"`      // that are known
	VantagesUp  int         `json:"vantages_up"`
	Routes      int         `json:"routes"`  // that they hold of what is watched
	Records     uint64      `json:"records"` // that were read
	Bad         uint64      `json:"bad"`     // of them, those that could not be
}

// Complains says whether something went wrong since the feed is as it is.
func (f *Feed) Complains() bool { return f.LastError != "" && f.LastErrorAt.After(f.Since.Time) }

// Peer is one of our own sessions.
type Peer struct {
	Name         string            `json:"name"`
	Address      netip.Addr        `json:"address"`
	ASN          uint32            `json:"asn"`
	Relationship string            `json:"relationship"`
	State        string            `json:"state"` // of the FSM: Idle Connect Active OpenSent OpenConfirm Established
	Since        notice.Time       `json:"since"`
	LastError    string            `json:"last_error"`
	LastErrorAt  notice.Time       `json:"last_error_at"` // null: none
	Spoken       map[string]bool   `json:"spoken"`        // by family: agreed on with the neighbour in this session
	InSync       map[string]bool   `json:"in_sync"`       // by family
	Routes       map[string]int    `json:"routes"`        // by family
	Leaked       int               `json:"leaked"`        // routes of a full table outside what is registered
	Updates      uint64            `json:"updates"`
	Labels       map[string]string `json:"labels"`
}

// Prefix is one registered prefix.
type Prefix struct {
	Prefix     netip.Prefix `json:"prefix"`
	Connection string       `json:"connection"`
	Origins    []uint32     `json:"origins"`
	State      string       `json:"state"`     // verified, pending, warning, failed or invalid
	Reasons    []string     `json:"reasons"`   // why it is not verified
	Vantages   int          `json:"vantages"`  // that hold a route of it
	Incidents  []string     `json:"incidents"` // ids of the open ones
}

// Revalidated is what became of a prefix that was judged anew by hand.
type Revalidated struct {
	Prefix Prefix   `json:"prefix"`
	Asked  []string `json:"asked"` // the sessions that were asked for their routes again
}

// Event is one line of the events log.
type Event struct {
	At       notice.Time     `json:"at"`
	Type     string          `json:"type"`
	Severity notice.Severity `json:"severity"`
	Prefix   netip.Prefix    `json:"prefix"`
	Peer     string          `json:"peer"`
	POP      string          `json:"pop"`
	Detail   string          `json:"detail"`
}

// DeadLetter is a notice that could not be delivered to a channel, as the control socket lists it.
type DeadLetter struct {
	Number    int64           `json:"number"`
	Delivery  string          `json:"delivery"`
	Channel   string          `json:"channel"`
	Incident  string          `json:"incident"`
	Type      string          `json:"type"`
	Status    notice.Status   `json:"status"`
	Severity  notice.Severity `json:"severity"`
	Summary   string          `json:"summary"`
	CreatedAt notice.Time     `json:"created_at"`
	Attempts  int             `json:"attempts"`
	Error     string          `json:"error"`
}

// Route is a route that a vantage holds.
type Route struct {
	Vantage     string       `json:"vantage"`
	Prefix      netip.Prefix `json:"prefix"`
	PathID      uint32       `json:"path_id"`
	ASPath      string       `json:"as_path"`
	Origin      string       `json:"origin"` // IGP, EGP, INCOMPLETE
	NextHop     netip.Addr   `json:"next_hop"`
	MED         *uint32      `json:"med"`
	LocalPref   *uint32      `json:"local_pref"`
	Communities []string     `json:"communities"`
	Since       notice.Time  `json:"since"`
	Stale       bool         `json:"stale"`
}

// LettersChanged says what was done to how many dead letters.
type LettersChanged struct {
	Done        string `json:"done"`
	DeadLetters int    `json:"dead_letters"`
	Left        int    `json:"left,omitempty"` // that were asked for, and whose channel takes none
}

// Tried says how a test notice and its end went, each in a sentence.
type Tried struct {
	Channel string   `json:"channel"`
	Told    []string `json:"told"`
}
