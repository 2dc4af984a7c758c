package daemon

import (
	"testing"
	"time"

	"peervane/bgp"
)

// upMany has a session rise on which a prefix may have several paths.
func (w *world) upMany(peer string, promised bool) string {
	w.engine.input(bgp.SessionUp{
		Vantage: w.peers[peer], At: w.now, Families: bgp.Families[:], AddPath: [bgp.NumFamilies]bool{true, true}, EndOfRIBDue: promised,
	})
	return w.tell()
}

func (w *world) path(peer, prefix string, id uint32, asns ...uint32) string {
	c := w.change(peer, prefix, asns...)
	c.PathID, c.Cause = id, bgp.Initial
	if len(asns) == 0 {
		c.Attrs, c.Announced, c.Withdrawn, c.Cause = nil, 0, 1, bgp.Updated
	}
	w.engine.input(c)
	return w.tell()
}

// With ADD-PATH the good path of a prefix may come long before the bad one: that an incident has ended is known when the first table
// is whole, and not before.
func TestTheFirstOfSeveralPathsEndsNothing(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.want(w.down("edge1"), "")
	w.want(w.upMany("edge1", true), "")
	w.want(w.path("edge1", "203.0.113.0/24", 1, 64500, 64496), "")
	w.want(w.path("edge1", "203.0.113.0/24", 2, 64500, 39999), "firing:origin_change:203.0.113.0/24:39999")
	w.want(w.endOfRIB("edge1"), "")
	for range 3 {
		w.pass(time.Minute)
		w.want(w.down("edge1"), "updated:origin_change:203.0.113.0/24:39999")
		w.pass(10 * time.Second)
		w.want(w.upMany("edge1", true), "")
		w.want(w.path("edge1", "203.0.113.0/24", 1, 64500, 64496), "")
		w.want(w.pass(5*time.Second), "")
		w.path("edge1", "203.0.113.0/24", 2, 64500, 39999)
		w.want(w.endOfRIB("edge1"), "")
		w.pass(20 * time.Minute)
	}
	w.down("edge1")
	w.upMany("edge1", true)
	w.want(w.path("edge1", "203.0.113.0/24", 1, 64500, 64496), "")
	w.want(w.endOfRIB("edge1"), "resolved:origin_change:203.0.113.0/24:39999")
}

// A session that was away for longer than it speaks for its last routes is believed when it has shown its first table, too: what it shows
// before is no other vantage that shows the prefix good.
func TestTheFirstOfSeveralPathsAfterAnHour(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.Peers = cfg.Peers[:1]
	w := newWorld(t, cfg)
	w.upMany("edge1", true)
	w.path("edge1", "203.0.113.0/24", 1, 64500, 64496)
	w.want(w.path("edge1", "203.0.113.0/24", 2, 64500, 39999), "firing:origin_change:203.0.113.0/24:39999")
	w.endOfRIB("edge1")
	w.down("edge1")
	w.pass(2 * time.Hour)
	w.upMany("edge1", true)
	w.want(w.path("edge1", "203.0.113.0/24", 1, 64500, 64496), "")
	w.want(w.pass(2*time.Second), "")
	w.want(w.path("edge1", "203.0.113.0/24", 2, 64500, 39999), "")
	w.want(w.endOfRIB("edge1"), "")
	w.want(w.path("edge1", "203.0.113.0/24", 2), "resolved:origin_change:203.0.113.0/24:39999")
}

// A path that a session has shown and withdraws is gone at once, also before its first table is whole; and a table whose promised end never comes is not waited for
// for ever.
func TestSeveralPathsAndTheirEnd(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.down("edge1")
	w.upMany("edge1", true)
	w.path("edge1", "203.0.113.0/24", 1, 64500, 64496)
	w.path("edge1", "203.0.113.0/24", 2, 64500, 39999)
	w.want(w.path("edge1", "203.0.113.0/24", 2), "resolved:origin_change:203.0.113.0/24:39999")
	w.want(w.path("edge1", "203.0.113.0/24", 2, 64500, 39999), "firing:origin_change:203.0.113.0/24:39999")
	w.down("edge1")
	w.upMany("edge1", true)
	w.path("edge1", "203.0.113.0/24", 1, 64500, 64496)
	if got := w.pass(9 * time.Minute); got != "" {
		t.Errorf("told %q", got)
	}
	if got := w.pass(3 * time.Hour); got != "firing:feed_stale:edge1:0 resolved:origin_change:203.0.113.0/24:39999" {
		t.Errorf("told %q", got)
	}
}
