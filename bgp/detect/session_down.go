package detect

import (
	"fmt"
	"net/netip"
	"time"

	"peervane/bgp"
)

const (
	sessionHold   = 30 * time.Second // SPEC: a peer that is not Established for so long is down
	dynamicMemory = 24 * time.Hour   // a dynamic neighbour is forgotten after so long
)

// Peer is the session of one of our own peers, as it stands now.
type Peer struct {
	Name        string
	Addr        netip.Addr
	ASN         uint32
	Enabled     bool
	Active      bool // configured, and not passive: it is expected from the start
	Dynamic     bool // known only since it connected
	Established bool
	WasUp       bool      // was Established at some time since the start
	Since       time.Time // not Established since
	Reason      string    // why; empty when nothing is known
}

// Sessions gives session_down for each peer that should be Established and is not, in the order given.
func Sessions(peers []Peer, now time.Time) (findings []bgp.Finding, recheck time.Time) {
	for _, p := range peers {
		if !p.Enabled || p.Established || !p.WasUp && (!p.Active || p.Dynamic) {
			continue
		}
		if p.Dynamic {
			forgotten := p.Since.Add(dynamicMemory)
			if !now.Before(forgotten) {
				continue
			}
			recheck = sooner(recheck, forgotten)
		}
		findings = append(findings, bgp.Finding{
			Type: "session_down", Severity: failure,
			Peer: p.Name, Since: p.Since, Hold: sessionHold, Summary: p.summary(now),
		})
	}
	return findings, recheck
}

// summary names the peer and, after the colon, the reason and how long it has lasted.
func (p *Peer) summary(now time.Time) string {
	state := "down"
	if !p.WasUp {
		state = "not established since the start"
	}
	reason := p.Reason
	if reason == "" {
		reason = "for no known reason"
	}
	return fmt.Sprintf("session %s (%s, %s) %s: %s, for %s now", p.Name, p.Addr, asn(p.ASN), state, reason, now.Sub(p.Since).Round(time.Second))
}
