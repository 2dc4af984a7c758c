package daemon

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/daemon/incident"
)

// unstable tells the engine, in one coalesced change, of so many withdrawals of the registered prefix.
func (w *world) unstable(cause bgp.Cause, withdrawals uint32) string {
	w.engine.input(bgp.Change{
		Vantage: w.peers["edge1"], Prefix: netip.MustParsePrefix("203.0.113.0/24"), Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 64496)},
		At: w.now, First: w.now.Add(-time.Second), Announced: withdrawals, Withdrawn: withdrawals, Cause: cause,
	})
	return w.tell()
}

func TestFlapping(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	for _, cause := range []bgp.Cause{bgp.Initial, bgp.Refreshed, bgp.Swept} {
		w.want(w.unstable(cause, 20), "")
	}
	w.want(w.unstable(bgp.Updated, 7), "firing:flapping:203.0.113.0/24:0")
	w.want(w.pass(48*time.Minute), "")
	w.want(w.pass(time.Minute), "resolved:flapping:203.0.113.0/24:0")
}

// Who acknowledges an incident that flapped, at the moment at which it is found to be over, is told that there is none.
func TestAckAtTheEndOfFlapping(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	for range 4 {
		w.announce("edge1", "203.0.113.0/24", 64500, 64510)
		w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	}
	id := w.ids()
	if id == "" || strings.Contains(id, " ") {
		t.Fatalf("open are %q", id)
	}
	w.now = w.now.Add(time.Hour) // and nothing was judged since
	if err := w.engine.acknowledge(id, incident.Ack{By: "anna", At: w.now}, w.now); !errors.Is(err, incident.ErrUnknown) {
		t.Errorf("got %v", err)
	}
	w.want(w.tell(), "resolved:origin_change:203.0.113.0/24:64510")
}
