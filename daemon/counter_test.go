package daemon

import (
	"testing"
	"time"
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

// severity is that of the one incident that is open.
func (w *world) severity(want string) {
	w.t.Helper()
	for _, r := range w.engine.book.Records() {
		if r.Notice.Type == "new_more_specific" && r.Notice.Severity.String() != want {
			w.t.Fatalf("it is told as %s, want %s", r.Notice.Severity, want)
		}
	}
}
