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
		Type: "session_down", Severity: failure, Since: p.Since, Hold: sessionHold, Summary: p.downSummary(),
	}, recheck
}

// downSummary names the peer and, after the colon, the reason and since when. How long that is would be wrong as soon as somebody
// reads it later.
func (p *Peer) downSummary() string {
	state, since := "down", "since "+clock(p.Since)
	if !p.WasUp {
		state, since = "not established", "since the start at "+clock(p.Since)
	}
	reason := p.Reason
	switch {
	case p.unanswered():
		reason = "the neighbour has not answered yet"
	case reason == "":
		reason = "for no known reason"
	}
	return fmt.Sprintf("%s %s: %s, %s", p, state, reason, since)
}

// unanswered says that our first attempt to connect has not come to an end yet. One that was up in an earlier run has none
// behind it in this one.
func (p *Peer) unanswered() bool { return p.Active && p.Reason == "" }
