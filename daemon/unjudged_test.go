package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/rpki"
	"peervane/config"
)

const judged = "203.0.113.0/24"

func (w *world) first(peer string, asns ...uint32) string {
	c := w.change(peer, judged, asns...)
	c.Cause = bgp.Initial
	w.engine.input(c)
	return w.tell()
}

// A session that comes up ends no incident that its first table decides on, before that is whole.
func TestMissingUpstreamStandsWhileAnybodyLoads(t *testing.T) {
	reg := registered(judged, 64496)
	reg.Policy.RequiredUpstreams = []uint32{64999}
	w := newWorld(t, twoPeers(reg))
	w.announce("edge1", judged, 64500, 64496)
	w.announce("edge2", judged, 64501, 64496)
	w.want(w.pass(time.Minute), "firing:missing_upstream:203.0.113.0/24:64999")
	for range 2 {
		w.want(w.down("edge2"), "updated:missing_upstream:203.0.113.0/24:64999")
		w.want(w.up("edge2"), "")
		w.want(w.first("edge2", 64501, 64496), "")
		w.want(w.endOfRIB("edge2"), "")
		w.want(w.pass(20*time.Minute), "")
	}
	w.down("edge2")
	w.up("edge2")
	w.want(w.first("edge2", 64501, 64999, 64496), "")
	w.want(w.endOfRIB("edge2"), "resolved:missing_upstream:203.0.113.0/24:64999")
}

func TestPathChangeStandsWhileItsSessionLoads(t *testing.T) {
	w := newWorld(t, twoPeers(registered(judged, 64496)))
	w.announce("edge1", judged, 64500, 64496)
	w.announce("edge2", judged, 64501, 64496)
	w.pass(2 * time.Minute)
	w.announce("edge1", judged, 64500, 64505, 64496)
	w.want(w.pass(2*time.Minute), "firing:path_change:203.0.113.0/24:0")
	w.want(w.down("edge1"), "updated:path_change:203.0.113.0/24:0")
	w.want(w.up("edge1"), "")
	w.want(w.first("edge1", 64500, 64505, 64496), "")
	w.want(w.endOfRIB("edge1"), "")
	w.want(w.pass(20*time.Minute), "")
	w.down("edge1")
	w.up("edge1")
	w.want(w.first("edge1", 64500, 64496), "")
	w.want(w.endOfRIB("edge1"), "resolved:path_change:203.0.113.0/24:0")
}

func TestVisibilityStandsWhenAViewerIsLost(t *testing.T) {
	cfg := twoPeers(registered(judged, 64496))
	cfg.Feeds = []config.Feed{{Name: "ris"}}
	w := newWorld(t, cfg)
	w.announce("edge1", judged, 64500, 64496)
	w.announce("edge2", judged, 64501, 64496)
	for i := range 10 {
		name := fmt.Sprint("ris/", i)
		w.peers[name] = &bgp.Vantage{Name: name, Collector: "ris", ASN: uint32(65000 + i)}
		w.engine.input(bgp.SessionUp{Vantage: w.peers[name], At: w.now, Families: bgp.Families[:], Recorded: true})
		w.announce(name, judged, uint32(65000+i), 64496)
	}
	w.pass(2 * time.Hour)
	for i := range 6 {
		w.withdraw(fmt.Sprint("ris/", i), judged)
	}
	w.want(w.pass(2*time.Minute), "firing:visibility:203.0.113.0/24:0")
	w.want(w.down("ris/9"), "")
	w.up("ris/9")
	w.want(w.announce("ris/9", judged, 65009, 64496), "")
	var told string
	for i := range 6 {
		told += w.announce(fmt.Sprint("ris/", i), judged, uint32(65000+i), 64496)
	}
	w.want(told, "resolved:visibility:203.0.113.0/24:0")
}

// What a peer showed that was taken out of the configuration while nobody ran counts no more.
func TestRequiredUpstreamOfAPeerThatIsRemoved(t *testing.T) {
	reg := registered(judged, 64496)
	reg.Policy.RequiredUpstreams = []uint32{64500}
	w := newWorld(t, twoPeers(reg))
	w.announce("edge1", judged, 64500, 64496)
	w.announce("edge2", judged, 64501, 64496)
	w.pass(time.Minute)
	cfg := *w.engine.cfg
	cfg.Peers = cfg.Peers[1:]
	w.engine.cfg = &cfg
	w = w.restart()
	w.up("edge2")
	w.announce("edge2", judged, 64501, 64496)
	w.endOfRIB("edge2")
	w.want(w.pass(time.Hour), "firing:missing_upstream:203.0.113.0/24:64500")
}

// A passive peer that a reload has connect is missed from then on.
func TestPassivePeerThatBecomesActive(t *testing.T) {
	w := newWorld(t, twoPeers(registered(judged, 64496)))
	w.announce("edge1", judged, 64500, 64496)
	p := config.Peer{Name: "edge3", ASN: 64502, Enabled: true, Passive: true}
	v := bgp.Vantage{Name: "edge3", ASN: 64502, LocalASN: 64512, Relationship: bgp.Provider}
	w.engine.expect(&v, p, w.now)
	w.pass(72 * time.Hour)
	p.Passive = false
	again := v
	w.engine.expect(&again, p, w.now)
	w.want(w.pass(29*time.Second), "")
	w.want(w.pass(2*time.Second), "firing:session_down:edge3:0")
}

// Without any source of RPKI data nobody can tell that a ROA is lost.
func TestROALostEndsWithItsSource(t *testing.T) {
	cfg := twoPeers(registered(judged, 64496))
	cfg.RPKI.File, cfg.RPKI.StaleAfter = "x", 1000*time.Hour
	w := newWorld(t, cfg)
	w.announce("edge1", judged, 64500, 64496)
	w.engine.validated(vrps(64496, start, judged))
	w.tell()
	w.engine.validated(vrps(64496, start, "198.51.100.0/24"))
	w.want(w.tell(), "firing:roa_lost:203.0.113.0/24:0")
	next := *w.engine.cfg
	next.RPKI = config.RPKI{}
	w.engine.reload(&next)
	w.engine.validated(&rpki.Set{})
	w.want(w.tell(), "resolved:roa_lost:203.0.113.0/24:0")
}

// Traffic that has left a primary for the backup is there still when the session of that primary is lost.
func TestFailoverStandsWhenThePrimaryIsLost(t *testing.T) {
	cfg := twoPeers(registered(judged, 64496))
	cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1"}, Backup: []string{"edge2"}, MinPrimary: 1}}
	cfg.Prefixes[0].Connection = "paris-1"
	w := newWorld(t, cfg)
	w.announce("edge1", judged, 64500, 64496)
	w.announce("edge2", judged, 64501, 64496)
	w.pass(2 * time.Minute)
	w.withdraw("edge1", judged)
	if got := w.pass(2 * time.Minute); !strings.Contains(got, "firing:path_change") {
		t.Fatalf("told %s", got)
	}
	stands := func(what, told string) {
		t.Helper()
		if strings.Contains(told, "path_change") {
			t.Errorf("%s: told %s", what, told)
		}
	}
	stands("its session is lost", w.down("edge1")+w.pass(10*time.Minute))
	stands("its session is back", w.up("edge1")+w.endOfRIB("edge1")+w.pass(10*time.Minute))
	w = w.restart()
	stands("after a restart", w.up("edge2")+w.first("edge2", 64501, 64496)+w.endOfRIB("edge2")+w.pass(10*time.Minute)+w.up("edge1")+w.endOfRIB("edge1"))
	if got := w.announce("edge1", judged, 64500, 64496) + w.pass(time.Minute); !strings.Contains(got, "resolved:path_change") {
		t.Errorf("in the end: told %s", got)
	}
}
