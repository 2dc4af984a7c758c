package config

import (
	"net/netip"
	"time"
)

// Config is a whole configuration, checked, with every default applied. It is
// plain data: after Load nothing changes it, so it may be shared freely, and
// any item can be compared with the same item of another load by
// reflect.DeepEqual to find out what a reload touches.
type Config struct {
	Daemon      Daemon
	Log         Log
	Peers       []Peer
	Feeds       []Feed
	Neighbours  []Neighbour
	Connections []Connection
	Prefixes    []Registration // from [[prefix]], prefixes and prefix_file, in that order
	ASNs        []ASNWatch
	Detect      Detect
	Severity    map[string]string // only the types that the file names
	RPKI        RPKI
	POPs        []POP
	Probe       Probe
	Retention   Retention
	Channels    []Channel

	// NotInEffect names each key that is set, and checked, but whose effect
	// this version does not have yet.
	NotInEffect []Problem

	plain *plainMemory // for the next load
}

// Daemon is [daemon].
type Daemon struct {
	ASN      uint32
	RouterID netip.Addr       // an IPv4 address, not 0.0.0.0
	Listen   []netip.AddrPort // none = active sessions only
	HTTP     netip.AddrPort   // not valid = off
	StateDir string           // "" = $STATE_DIRECTORY, else ./state of the working folder
	Source   string           // "" = the host's name
}

// Log is [log].
type Log struct {
	Level  string // debug info warn error
	Format string // auto json console
}

// Relationships of a neighbour: what it is to us.
const (
	Provider    = "provider"
	PeerAS      = "peer"
	Customer    = "customer"
	RouteServer = "route-server"
	RSClient    = "rs-client"
	Internal    = "internal"
	Collector   = "collector"
)

// Peer is one [[peer]], with [defaults.peer] under it.
type Peer struct {
	Name              string
	Description       string
	Enabled           bool
	Address           netip.Addr   // not valid for dynamic neighbours
	Dynamic           netip.Prefix // valid where address was given as a prefix: passive, one session for each neighbour in it
	ASN               uint32
	LocalASN          uint32 // never 0: daemon.asn where the file has none
	Relationship      string
	Role              string // auto strict off
	Port              uint16
	LocalAddress      netip.Addr // not valid = the system's choice
	Interface         string
	Passive           bool
	TTL               int
	GTSMHops          int      // RFC 5082; 0 = off
	Families          []string // of "ipv4", "ipv6", each once, never empty
	AddPath           bool
	HoldTime          time.Duration // 0, or whole seconds from 3 to 65,535
	ConnectRetry      time.Duration
	Password          Secret        // of password_file; for TCP MD5, at most 80 bytes
	GracefulRestart   time.Duration // 0 = off
	Table             string        // watched full
	MaxPrefixes       int           // 0 = no limit
	MaxPrefixesAction string        // warn restart
	MaxPrefixesIdle   time.Duration
	Labels            map[string]string
}

// Feed is one [[feed]].
type Feed struct {
	Name   string
	Kind   string // ris-live bmp mrt-dir
	URL    string
	Listen netip.AddrPort
	Allow  []netip.Prefix
	Path   string
}

// Neighbour is one [[neighbour]]: an external ASN behind internal peers.
type Neighbour struct {
	ASN          uint32
	Relationship string
}

// Connection is one [[connection]]. Its registrations are in Config.Prefixes.
type Connection struct {
	Name        string
	Provider    string
	ProviderASN uint32
	Country     string
	State       string
	City        string
	Latitude    float64
	Longitude   float64
	Located     bool     // latitude and longitude were given
	Primary     []string // names of peers; none = every peer
	Backup      []string
	MinPrimary  int // at least 1
}

// Registration is one registered prefix. A million of them must fit, so all
// that many prefixes have in common stands in a shared policy. Across loads a
// registration is the same if its prefix is; it has changed if its connection or
// its policy differs. Pos is where it is written, and no part of what it says.
type Registration struct {
	Prefix     netip.Prefix // masked
	Policy     *PrefixPolicy
	Connection string // "" = none: every peer counts as primary, and min_primary is 1
	Pos        Pos
}

// MaxLength is the longest legitimate more-specific. A max_length of
// [defaults.prefix] that cannot apply to this prefix leaves its own length.
func (r Registration) MaxLength() int {
	if r.Policy.MaxLength < r.Prefix.Bits() || r.Policy.MaxLength > r.Prefix.Addr().BitLen() {
		return r.Prefix.Bits()
	}
	return r.Policy.MaxLength
}

// What is expected of a registered prefix.
const (
	ExpectAnnounced = "announced"
	ExpectOptional  = "optional"
	ExpectAbsent    = "absent"
)

// PrefixPolicy says what is legitimate for a registered prefix. Plain
// registrations share one for each distinct policy; it is never changed.
type PrefixPolicy struct {
	Description         string
	Origins             []uint32 // ascending
	AnyOrigin           bool
	Expect              string
	Upstreams           []uint32 // ascending; nil = any
	RequiredUpstreams   []uint32
	CoveringOrigins     []uint32
	MaxLength           int // 0 = the prefix's own length; ask Registration.MaxLength
	RequiredCommunities []Community
	MaxPathLength       int // 0 = no limit
	AllowPrivateASN     bool
	AllowPrepending     bool
	NoExport            bool
	MinVantages         int
	Ignore              bool
	Paths               []PathRule
	Labels              map[string]string

	disputed []uint32 // what other [[prefix]] tables of the same prefix give for Origins, ascending
}

// PathRule is one entry of paths. Its patterns have passed CompilePathPattern.
type PathRule struct {
	Match       string
	NotMatch    string
	Require     string
	MinLength   int // 0 = open
	MaxLength   int // 0 = open
	Description string
}

// ASNWatch is one [[asn]].
type ASNWatch struct {
	ASN         uint32
	Upstreams   []uint32 // nil = not checked; empty = none is legitimate
	Downstreams []uint32 // likewise
	Unlisted    bool
}

// Detect is [detect].
type Detect struct {
	Relationships  *Relationships // nil = none
	Siblings       [][]uint32
	RouteServers   []uint32
	Tier1          []uint32 // none = the built-in list
	Peerlock       []Peerlock
	Hold           time.Duration
	AbsenceHold    time.Duration
	PathChangeHold time.Duration
	PathSettle     time.Duration
	LeakCount      int
}

// Relationships is a file of AS relationships, as CAIDA infers them. It is
// never changed.
type Relationships struct {
	File  string
	Links []ASLink // by the lower ASN, then the higher one; each pair once
	IXPs  []uint32 // ASNs of exchanges, where the file names them; ascending
}

// ASLink says that A is a provider of B or, where Peers is set, that they are
// peers.
type ASLink struct {
	A, B  uint32
	Peers bool
}

// Peerlock protects an ASN: learnt from itself or AllowedUpstreams only.
type Peerlock struct {
	ASN              uint32
	AllowedUpstreams []uint32
}

// RPKI is [rpki].
type RPKI struct {
	RTR        []string // tcp:// or tls:// with host and port, in order of preference
	File       string
	SLURM      string
	StaleAfter time.Duration
}

// POP is one [[pop]], with [defaults.pop] under it.
type POP struct {
	Name      string
	Service   string
	Address   netip.Addr // not valid where Host is given
	Host      string     // a name to resolve
	ICMP      bool
	TCP       []uint16
	City      string
	Latitude  float64
	Longitude float64
	Located   bool // latitude and longitude were given
}

// Probe is [probe].
type Probe struct {
	Interval  time.Duration
	Packets   int
	Spacing   time.Duration
	Timeout   time.Duration
	Sources   []netip.Addr
	Interface string
	DSCP      int
	Burst     bool
	Latitude  float64
	Longitude float64
	Located   bool // latitude and longitude were given

	TraceInterval time.Duration // 0: no way is traced
}

// Retention is [retention].
type Retention struct {
	Events  time.Duration
	Latency time.Duration
	Size    int64 // bytes
}

// Channel is one [[channel]]. Its files have been read: a changed file is a
// changed channel.
type Channel struct {
	Name         string
	Kind         string
	URL          URL
	Secrets      []Secret // webhook: decoded signing keys, newest first; pagerduty: the integration key; email: the password
	From         string   // RFC 5322 mailboxes, as they stand in a header
	To           []string
	StartTLS     bool
	Facility     int    // RFC 5424, table 1
	CA           string // PEM: trusted instead of the system's; "" = the system's
	Certificate  string // PEM: shown to the server, with Key; "" = none
	Key          Secret // PEM
	MinSeverity  string
	Types        []string // none = all
	Labels       map[string]string
	Connections  []string // none = all
	Resolve      bool
	KeepFiring   time.Duration
	Heartbeat    time.Duration // 0 = none
	Template     string        // has passed CompileTemplate; "" = none
	AllowPrivate bool
}
