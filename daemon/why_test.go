package daemon

import (
	"strings"
	"testing"
	"time"

	"peervane/bgp"
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
