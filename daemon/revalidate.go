package daemon

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"peervane/bgp"
	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// askAgainAfter is how often a neighbour may be asked for all its routes again by hand.
const askAgainAfter = time.Minute

// revalidate judges a registered prefix anew, and asks the sessions for its routes again.
func (d *Daemon) revalidate(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("prefix")
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix.Masked() != prefix {
		http.Error(w, fmt.Sprintf("%.60q is no prefix: write one such as 203.0.113.0/24", text), http.StatusBadRequest)
		return
	}
	answer, found := api.Revalidated{Asked: []string{}}, false
	alive := d.call(r.Context(), func() {
		now := time.Now()
		reg := d.engine.regs.exact(prefix)
		if reg == nil {
			return
		}
		d.engine.judgeScope(scope{prefix, prefix}, now)
		shown := d.engine.picturePrefixes(nil, []*registration{reg}, d.engine.openByPrefix(), now)
		if found = len(shown) == 1; found {
			answer.Prefix = shown[0]
			answer.Asked = append(answer.Asked, d.peers.askAgain(bgp.FamilyOf(prefix), now)...)
			d.engine.record(event{at: now, typ: "revalidate", severity: notice.Info, prefix: prefix, detail: "its state: " + answer.Prefix.State})
		}
	})
	switch {
	case !alive:
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
	case !found:
		http.Error(w, fmt.Sprintf("%s is not registered: see 'peervane prefixes'", prefix), http.StatusNotFound)
	default:
		writeJSON(w, answer)
	}
}

// askAgain asks every session for the routes of a family again, and names those that were asked.
func (ps *peers) askAgain(f bgp.Family, now time.Time) (asked []string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, name := range ps.order {
		p := ps.byName[name]
		if now.Sub(p.askedAgain) >= askAgainAfter && p.AskAgain(f, now) {
			p.askedAgain = now
			asked = append(asked, name)
		}
	}
	return asked
}
