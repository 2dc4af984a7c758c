package daemon

import (
	"testing"
	"time"
)

// detect.hold keeps a hijack back, and not the outage that goes with it: that has a hold of its own.
func TestHoldOfAHijackDelaysNoOutage(t *testing.T) {
	const prefix = "203.0.113.0/24"
	cfg := twoPeers(registered(prefix, 64496))
	cfg.Detect.Hold, cfg.Detect.PathChangeHold = 10*time.Minute, time.Hour
	w := newWorld(t, cfg)
	w.announce("edge1", prefix, 64500, 64496)
	w.announce("edge2", prefix, 64501, 64496)
	w.pass(time.Hour)
	w.announce("edge1", prefix, 64500, 64510)
	w.announce("edge2", prefix, 64501, 64510)
	w.want(w.pass(29*time.Second), "")
	w.want(w.pass(time.Second), "firing:withdrawn:203.0.113.0/24:0")
	w.want(w.pass(9*time.Minute+29*time.Second), "")
	w.want(w.pass(time.Second), "resolved:withdrawn:203.0.113.0/24:0 firing:origin_change:203.0.113.0/24:64510")
	w.announce("edge1", prefix, 64500, 64502, 64510)
	w.announce("edge2", prefix, 64501, 64502, 64510)
	w.want(w.pass(5*time.Minute), "") // it has been told, whatever its path
	w.want(w.withdraw("edge1", prefix)+w.withdraw("edge2", prefix), "resolved:origin_change:203.0.113.0/24:64510")
	w.want(w.pass(30*time.Second), "firing:withdrawn:203.0.113.0/24:0")
}

// A hold that is no longer than that of an absence has the hijack tell it all.
func TestShortHoldOfAHijack(t *testing.T) {
	const prefix = "203.0.113.0/24"
	cfg := twoPeers(registered(prefix, 64496))
	cfg.Detect.Hold = 10 * time.Second
	w := newWorld(t, cfg)
	w.announce("edge1", prefix, 64500, 64496)
	w.announce("edge2", prefix, 64501, 64496)
	w.announce("edge1", prefix, 64500, 64510)
	w.announce("edge2", prefix, 64501, 64510)
	w.want(w.pass(9*time.Second), "")
	w.want(w.pass(time.Hour), "firing:origin_change:203.0.113.0/24:64510")
}
