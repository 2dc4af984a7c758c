package daemon

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/probe"
	"peervane/probe/stats"
)

// A session that was up for weeks and whose configuration changes is not "down" at once.
func TestChangedSessionIsNotDownAtOnce(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	w := newWorld(t, cfg)
	w.pass(21 * 24 * time.Hour)
	again := *w.peers["edge1"]
	w.engine.reload(cfg)
	w.engine.expect(&again, cfg.Peers[0], w.now)
	w.tell()
	w.want(w.pass(29*time.Second), "")
	w.want(w.pass(2*time.Second), "firing:session_down:edge1:0")
}

// What waits for a time is bounded by what is judged, not by how often it changes.
func TestAgendaIsBounded(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	for i := range 5000 {
		w.now = w.now.Add(100 * time.Millisecond)
		w.announce("edge1", "203.0.113.0/24", 64500, uint32(65000+i%7), 64496)
	}
	if n := len(w.engine.agenda.timed); n > 100 {
		t.Errorf("%d times wait for %d scopes", n, len(w.engine.agenda.wanted))
	}
}

// A POP that was unreachable before a restart is so after it, until something reaches it.
func TestUnreachableOverRestart(t *testing.T) {
	cfg := twoPeers()
	addr := netip.MustParseAddr("198.51.100.1")
	cfg.POPs = []config.POP{{Name: "par1", Service: "edge", Address: addr, ICMP: true}}
	w := newWorld(t, cfg)
	batch := func(w *world, received int) string {
		w.now = w.now.Add(10 * time.Second)
		s := stats.Sample{Started: w.now.Add(-time.Second), Ended: w.now, Sent: 5, Received: received, Lost: 5 - received}
		for range received {
			s.RTTs = append(s.RTTs, 12*time.Millisecond)
		}
		w.engine.batch(probe.Batch{Target: probe.Target{POP: "par1", Service: "edge", Addr: addr, Method: "icmp"}, Sample: s})
		return w.tell()
	}
	w.want(batch(w, 0)+batch(w, 0)+batch(w, 0), "firing:pop_unreachable::0")
	next := &world{t: t, now: w.now, peers: w.peers}
	next.engine = newEngine(cfg, incident.Options{Source: "test", NewID: derivedID}, false, zap.NewNop())
	if err := next.engine.restore(kept{records: w.engine.book.Records()}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		next.want(batch(next, 0), "")
	}
	next.want(batch(next, 5), "resolved:pop_unreachable::0")
}

// What cannot be read of the last run costs that memory, not the start.
func TestBadMemoryIsPassedOver(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	bad := map[netip.Prefix][]byte{netip.MustParsePrefix("203.0.113.0/24"): []byte(`{"lack":3}`)}
	if err := w.engine.restore(kept{memories: bad}); err != nil {
		t.Error(err)
	}
}

// A dynamic neighbour that was forgotten counts as removed.
func TestForgottenDynamicNeighbourResolves(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.Peers = []config.Peer{{Name: "dyn", ASN: 64502, Enabled: true, Dynamic: netip.MustParsePrefix("198.18.0.0/24")}}
	w := newWorld(t, twoPeers(cfg.Prefixes[0]))
	for _, name := range []string{"edge1", "edge2"} {
		w.engine.input(bgp.Gone{Vantage: w.peers[name], At: w.now})
	}
	w.engine.reload(cfg)
	v := &bgp.Vantage{Name: "dyn/198.18.0.9", Addr: netip.MustParseAddr("198.18.0.9"), ASN: 64502, Relationship: bgp.Customer}
	w.peers["d"] = v
	w.engine.expect(v, cfg.Peers[0], w.now)
	w.up("d")
	w.announce("d", "203.0.113.0/25", 64502, 666)
	w.down("d")
	w.pass(25 * time.Hour)
	w.engine.input(bgp.Gone{Vantage: v, At: w.now})
	w.want(w.tell(), "resolved:subprefix:203.0.113.0/25:666")
}

func TestSameSession(t *testing.T) {
	a := config.Peer{Name: "edge1", ASN: 64500, Labels: map[string]string{"team": "noc"}}
	b := a
	b.Labels, b.Description = nil, "moved"
	if !sameSession(a, b) {
		t.Error("labels and descriptions are no reason to end a session")
	}
	if b.HoldTime = time.Minute; sameSession(a, b) {
		t.Error("another hold time is")
	}
}
