package daemon

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/daemon/incident"
)

// A session that never came up is told with what its attempts met.
func TestSessionDownSaysWhatTheAttemptsMet(t *testing.T) {
	cfg := twoPeers()
	w := newWorld(t, cfg)
	w.engine.whyDown = func(peer string) string { return "connection refused by " + peer }
	v := &bgp.Vantage{Name: "edge3", ASN: 64502, LocalASN: 64512, Relationship: bgp.Provider}
	w.engine.expect(v, cfg.Peers[0], w.now)
	w.want(w.pass(time.Minute), "firing:session_down:edge3:0")
	if s := w.engine.book.Records()[0].Notice.Summary; !strings.Contains(s, "connection refused by edge3") {
		t.Errorf("told %q", s)
	}
}

// One that was down before a restart is told with how long that is ago, and with what the attempts since then met.
func TestSessionDownGoesOnOverRestart(t *testing.T) {
	cfg := twoPeers()
	w := newWorld(t, cfg)
	since := ", since " + w.now.UTC().Format("2006-01-02 15:04:05 UTC")
	w.down("edge1")
	w.want(w.pass(time.Minute), "firing:session_down:edge1:0")

	next := &world{t: t, now: w.now.Add(time.Minute), peers: w.peers}
	next.engine = newEngine(cfg, incident.Options{Source: "test", NewID: derivedID}, false, zap.NewNop())
	if err := next.engine.restore(w.kept()); err != nil {
		t.Fatal(err)
	}
	met := ""
	next.engine.whyDown = func(string) string { return met }
	was := *w.peers["edge1"]
	next.engine.expect(&was, cfg.Peers[0], next.now)
	next.want(next.tell(), "")
	summary := func() string { return next.engine.book.Records()[0].Notice.Summary }

	next.want(next.pass(time.Second), "")
	if s := summary(); !strings.HasSuffix(s, " down: the neighbour has not answered yet"+since) {
		t.Errorf("at the start: %q", s)
	}
	met = "connection refused"
	next.want(next.pass(time.Minute), "")
	if s := summary(); !strings.HasSuffix(s, " down: connection refused"+since) {
		t.Errorf("a minute later: %q", s)
	}
}
