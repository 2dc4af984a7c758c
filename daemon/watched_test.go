package daemon

import (
	"testing"
	"time"

	"peervane/bgp"
	"peervane/config"
)

func TestWatchedASN(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.ASNs = []config.ASNWatch{{ASN: 64496, Upstreams: []uint32{64500, 64501}, Unlisted: true}}
	w := newWorld(t, cfg)
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.want(w.announce("edge1", "198.51.100.0/24", 64500, 64496), "firing:unlisted_prefix:198.51.100.0/24:64496")
	w.want(w.announce("edge2", "192.0.2.0/24", 64501, 64510, 64496, 64499), "firing:new_upstream:192.0.2.0/24:64510")
	w.want(w.withdraw("edge2", "192.0.2.0/24"), "resolved:new_upstream:192.0.2.0/24:64510")
	w.want(w.announce("edge2", "203.0.113.0/24", 64501, 64510, 64496), "firing:new_upstream:203.0.113.0/24:64510")
	w.want(w.down("edge2"), "updated:new_upstream:203.0.113.0/24:64510")
	w.want(w.up("edge2")+w.endOfRIB("edge2"), "resolved:new_upstream:203.0.113.0/24:64510")

	more := twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496))
	more.ASNs = cfg.ASNs
	w.engine.reload(more)
	w.want(w.tell(), "resolved:unlisted_prefix:198.51.100.0/24:64496")
}

// What is watched no more is forgotten: nobody tells when it goes, so it must not be found again when it is watched anew.
func TestForgetUnwatched(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.ASNs = []config.ASNWatch{{ASN: 64496, Unlisted: true}}
	w := newWorld(t, cfg)
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge1", "203.0.112.0/22", 64500, 64499)
	w.want(w.announce("edge1", "198.51.100.0/24", 64500, 64496), "firing:unlisted_prefix:198.51.100.0/24:64496")
	w.engine.reload(twoPeers(cfg.Prefixes...))
	w.want(w.tell(), "resolved:unlisted_prefix:198.51.100.0/24:64496")
	w.engine.reload(cfg)
	w.want(w.pass(time.Minute), "")
	if n := w.engine.table.byPrefix.Size(); n != 2 {
		t.Errorf("%d prefixes are kept, want the registered one and what covers it", n)
	}
}

func TestWatchedSetHoldsASNs(t *testing.T) {
	cfg := twoPeers()
	cfg.ASNs = []config.ASNWatch{{ASN: 64496}}
	w := newWorld(t, cfg)
	if !w.engine.watchedSet().MatchPath(bgp.Sequence(64500, 64496)) {
		t.Error("routes through a watched ASN are not asked for")
	}
}
