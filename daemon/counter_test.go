package daemon

import (
	"net/netip"
	"testing"
	"time"

	"peervane/daemon/store"
)

// What the legitimate origin announces against a hijack is told for information, until an hour after.
func TestCounterAnnouncement(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.112.0/22", 64496)))
	w.announce("edge1", "203.0.112.0/22", 64500, 64496)
	w.announce("edge2", "203.0.112.0/22", 64501, 64496)
	w.want(w.announce("edge2", "203.0.113.0/24", 64501, 64510), "firing:subprefix:203.0.113.0/24:64510")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "firing:new_more_specific:203.0.113.0/24:64496")
	w.severity("info")
	w.want(w.withdraw("edge2", "203.0.113.0/24"), "resolved:subprefix:203.0.113.0/24:64510")
	w.want(w.pass(time.Hour-time.Second), "")
	w.want(w.pass(time.Second), "updated:new_more_specific:203.0.113.0/24:64496")
	w.severity("warning")
	w.want(w.withdraw("edge1", "203.0.113.0/24"), "resolved:new_more_specific:203.0.113.0/24:64496")
}

// So it is after a restart, of a hijack that stands and of one that has ended: the incidents tell of them, the memory does not.
func TestCounterAnnouncementAfterARestart(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.112.0/22", 64496)))
	w.announce("edge1", "203.0.112.0/22", 64500, 64496)
	w.announce("edge2", "203.0.112.0/22", 64501, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64510)
	w = w.restart()
	w.back()
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "firing:new_more_specific:203.0.113.0/24:64496")
	w.severity("info")

	w = newWorld(t, twoPeers(registered("203.0.112.0/22", 64496)))
	ended := store.Ended{Prefix: netip.MustParsePrefix("203.0.112.0/22"), Offending: netip.MustParsePrefix("203.0.113.0/24"), Culprit: 64510, At: w.now}
	w.engine.rememberHijacks([]store.Ended{ended, {}}, nil)
	w.pass(time.Hour - 2*time.Second)
	w.announce("edge1", "203.0.112.0/22", 64500, 64496)
	w.announce("edge2", "203.0.112.0/22", 64501, 64496)
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.severity("info")
	w.want(w.pass(2*time.Second), "updated:new_more_specific:203.0.113.0/24:64496")
	w.severity("warning")
}

// back has both sessions come up again with the registered route, and edge2 with the hijack.
func (w *world) back() {
	w.t.Helper()
	for peer, asn := range map[string]uint32{"edge1": 64500, "edge2": 64501} {
		w.up(peer)
		w.announce(peer, "203.0.112.0/22", asn, 64496)
		if peer == "edge2" {
			w.announce(peer, "203.0.113.0/24", asn, 64510)
		}
		w.endOfRIB(peer)
	}
}

// severity is that of the one incident that is open.
func (w *world) severity(want string) {
	w.t.Helper()
	for _, r := range w.engine.book.Records() {
		if r.Notice.Type == "new_more_specific" && r.Notice.Severity.String() != want {
			w.t.Fatalf("it is told as %s, want %s", r.Notice.Severity, want)
		}
	}
}
