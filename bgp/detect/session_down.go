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

func (p *Peer) summary(now time.Time) string {
	lasted := now.Sub(p.Since).Round(time.Second)
	state := "is down for"
	if !p.WasUp {
		state = "has not come up for"
	}
	reason := p.Reason
	if reason == "" {
		reason = "no reason was given"
	}
	return fmt.Sprintf("session %s (%s, %s) %s %s: %s", p.Name, p.Addr, asn(p.ASN), state, lasted, reason)
}
