package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/config"
)

// withDynamic has a hijack shown by a dynamic neighbour alone, which is lost, and the daemon restarted.
func withDynamic(t *testing.T) *world {
	cfg := twoPeers(registered(judged, 64496))
	w := newWorld(t, cfg)
	both := *cfg
	both.Peers = append(both.Peers[:2:2], config.Peer{Name: "dyn", ASN: 64503, Enabled: true, Dynamic: netip.MustParsePrefix("10.0.0.0/24")})
	w.engine.reload(&both)
	w.announce("edge1", judged, 64500, 64496)
	w.announce("edge2", judged, 64501, 64496)
	dynamic(w)
	w.want(w.announce("dyn/10.0.0.1", judged, 64503, 64510), "firing:origin_change:203.0.113.0/24:64510")
	w.down("dyn/10.0.0.1")
	w.pass(time.Minute)
	k := w.kept()
	w.engine.cfg = cfg // whose sessions are there from the start
	next := w.anew()
	next.engine.reload(&both)
	if err := next.engine.restore(k); err != nil {
		t.Fatal(err)
	}
	next.tell()
	for peer, asn := range map[string]uint32{"edge1": 64500, "edge2": 64501} {
		next.up(peer)
		next.announce(peer, judged, asn, 64496)
		next.endOfRIB(peer)
	}
	return next
}

// dynamic has the neighbour connect.
func dynamic(w *world) {
	v := &bgp.Vantage{Name: "dyn/10.0.0.1", ASN: 64503, LocalASN: 64512, Relationship: bgp.Provider}
	w.peers[v.Name] = v
	w.engine.expect(v, config.Peer{Name: "dyn", ASN: 64503, Enabled: true, Dynamic: netip.MustParsePrefix("10.0.0.0/24")}, w.now)
	w.up(v.Name)
}

// A dynamic neighbour that does not return after a restart is forgotten as one is that this run has seen.
func TestADynamicNeighbourOfAnEarlierRunIsForgotten(t *testing.T) {
	w := withDynamic(t)
	before := w.pass(22 * time.Hour)
	if strings.Contains(before, "resolved:session_down") || w.ids() == "" {
		t.Errorf("it was forgotten early: %s", before)
	}
	after := w.pass(3 * time.Hour)
	if !strings.Contains(after, "resolved:session_down:dyn/10.0.0.1") || w.ids() != "" {
		t.Errorf("told %q, and %s are open", after, w.ids())
	}
}

func TestADynamicNeighbourOfAnEarlierRunReturns(t *testing.T) {
	w := withDynamic(t)
	w.pass(time.Hour)
	dynamic(w)
	w.announce("dyn/10.0.0.1", judged, 64503, 64510)
	w.endOfRIB("dyn/10.0.0.1")
	if got := w.pass(48 * time.Hour); strings.Contains(got, "resolved:origin_change") {
		t.Errorf("told %s", got)
	}
	w.want(w.announce("dyn/10.0.0.1", judged, 64503, 64496), "resolved:origin_change:203.0.113.0/24:64510")
}
