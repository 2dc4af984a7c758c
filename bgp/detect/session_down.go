package detect

import (
	"fmt"
	"time"

	"peervane/bgp"
)

const (
	sessionHold   = 30 * time.Second // a peer that is not Established for so long is down
	dynamicMemory = 24 * time.Hour   // a dynamic neighbour is forgotten after so long
)

// sessionDown: a peer that is enabled should be Established, and is not.
func sessionDown(p *Peer, now time.Time) (f *bgp.Finding, recheck time.Time) {
	if p.Foreign || !p.Enabled || p.Established || !p.WasUp && (!p.Active || p.Dynamic) {
		return nil, time.Time{}
	}
	if p.Dynamic {
		recheck = p.Since.Add(dynamicMemory)
		if !now.Before(recheck) {
			return nil, time.Time{}
		}
	}
	if p.unanswered() {
		recheck = now.Add(sessionHold) // by then it is known why
	}
	return &bgp.Finding{
		Type: "session_down", Severity: failure, Since: p.Since, Hold: sessionHold, Summary: p.downSummary(now),
	}, recheck
}

// downSummary names the peer and, after the colon, the reason and how long it has lasted.
func (p *Peer) downSummary(now time.Time) string {
	state := "down"
	if !p.WasUp {
		state = "not established since the start"
	}
	reason := p.Reason
	switch {
	case p.unanswered():
		reason = "the neighbour has not answered yet"
	case reason == "":
		reason = "for no known reason"
	}
	return fmt.Sprintf("%s %s: %s, for %s now", p, state, reason, now.Sub(p.Since).Round(time.Second))
}

// unanswered says that our first attempt to connect has not come to an end yet.
func (p *Peer) unanswered() bool { return p.Active && !p.WasUp && p.Reason == "" }
