package daemon

import (
	"math"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/config"
)

// What an announcement does wrong is judged on every path of a vantage (RFC 7911), whatever its identifier, until that very
// path has gone.
func TestEveryPathIsJudged(t *testing.T) {
	const prefix = "203.0.113.0/24"
	for _, id := range []uint32{0, 1, 2, 3, 255, 65536, math.MaxUint32} {
		w := newWorld(t, twoPeers(registered(prefix, 64496)))
		w.announce("edge2", prefix, 64501, 64496)
		other := id ^ 4
		path := func(id uint32) func(*bgp.Change) { return func(c *bgp.Change) { c.PathID = id } }
		w.hear("edge1", prefix, path(other), 64500, 64496)
		w.want(w.tell(), "")
		w.hear("edge1", prefix, path(id), 64500, 64502, 64510)
		w.want(w.tell(), "firing:origin_change:203.0.113.0/24:64510")
		w.hear("edge1", prefix, path(other), 64500, 64505, 64496)
		w.want(w.tell(), "")
		w.hear("edge1", prefix, path(other))
		w.want(w.tell(), "")
		w.hear("edge1", prefix, path(id))
		w.want(w.tell(), "resolved:origin_change:203.0.113.0/24:64510")
	}
}

// Routes that graceful restart keeps count as held, and are unknown once they are given up: what was wrong with them stands
// until the session is back in sync without them.
func TestStaleRoutesAreGivenUp(t *testing.T) {
	const prefix = "203.0.113.0/24"
	w := newWorld(t, twoPeers(registered(prefix, 64496)))
	w.announce("edge2", prefix, 64501, 64496)
	w.want(w.announce("edge1", prefix, 64500, 64510), "firing:origin_change:203.0.113.0/24:64510")
	w.engine.input(bgp.SessionDown{Vantage: w.peers["edge1"], At: w.now, Reason: "reset", Kept: bgp.Families[:]})
	w.want(w.tell(), "")
	for _, f := range bgp.Families {
		w.engine.input(bgp.StaleLost{Vantage: w.peers["edge1"], Family: f, At: w.now})
	}
	w.want(w.tell(), "updated:origin_change:203.0.113.0/24:64510")
	w.want(w.pass(time.Minute), "firing:session_down:edge1:0")
	w.want(w.up("edge1"), "resolved:session_down:edge1:0")
	w.want(w.endOfRIB("edge1"), "resolved:origin_change:203.0.113.0/24:64510")
}

// The loss of a session that never showed a prefix concerns it too: from then on it is unknown whether it would.
func TestLossOfASilentSession(t *testing.T) {
	reg := registered("203.0.113.0/24", 64496)
	reg.Connection = "paris-1"
	cfg := twoPeers(reg)
	cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1", "edge2"}, MinPrimary: 2}}
	w := newWorld(t, cfg)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.want(w.pass(time.Minute), "firing:withdrawn:203.0.113.0/24:0")
	w.want(w.down("edge1"), "updated:withdrawn:203.0.113.0/24:0")
	w.up("edge1")
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	if left := w.ids(); left != "" {
		t.Errorf("open: %s", left)
	}
}
