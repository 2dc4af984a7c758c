package detect

import (
	"fmt"
	"net/netip"
	"time"

	"peervane/bgp"
)

// Peer is the session of a vantage, as it stands now: one of our own, or of a collector's peer.
type Peer struct {
	Name        string
	Addr        netip.Addr
	ASN         uint32
	Foreign     bool // a collector's peer: what its session does is no concern of ours, but that it is blind
	Enabled     bool
	Active      bool // configured, and not passive: it is expected from the start
	Dynamic     bool // known only since it connected
	Established bool
	WasUp       bool      // was Established at some time since the start
	Since       time.Time // Established, or not, since
	Reason      string    // why it is not; empty when nothing is known

	Limit  Limit
	Leaked Leaked
	Drops  [bgp.NumFamilies]Drop

	PathSettle time.Duration // what has held so long is the new normal
	Due        []bgp.Family  // whose End-of-RIB the neighbour has promised (RFC 4724), and not sent since the session came up
	Activity   Activity
	FeedLast   time.Time // Foreign: when any peer of the feed last changed something
}

// sessionDetectors lists every detector of sessions, each with what it finds and when time alone may change that.
var sessionDetectors = []func(p *Peer, now time.Time) (f *bgp.Finding, recheck time.Time){
	sessionDown, prefixLimit, tableDrop, leakedTable, feedStale,
}

// Sessions gives what is wrong with sessions, in the order given.
func Sessions(peers []Peer, now time.Time) (findings []bgp.Finding, recheck time.Time) {
	for i := range peers {
		for _, detect := range sessionDetectors {
			f, again := detect(&peers[i], now)
			if f != nil {
				f.Peer = peers[i].Name
				findings = append(findings, *f)
			}
			recheck = sooner(recheck, again)
		}
	}
	return findings, recheck
}

// String is how a sentence names the session.
func (p *Peer) String() string { return fmt.Sprintf("session %s (%s, %s)", p.Name, p.Addr, asn(p.ASN)) }
